import { z } from 'zod';
import { customerFacts } from '../../domain/transactions/customer';
import type { PaymentFacts } from '../../domain/transactions/facts';
import { neighbourFacts } from '../../domain/transactions/neighbours';
import { terminalFacts } from '../../domain/transactions/terminal';
import type { Transaction, TransactionSource } from '../../domain/transactions/transaction';
import { NotFound } from '../../domain/errors';
import type { TransactionSources } from '../../db/transactions/sources';
import { tool, type Tool } from '../call';

const args = z.strictObject({ transaction_id: z.uuid() });

/** The tools of an investigation of card payments, by name. */
export const transactionToolNames = ['transaction', 'customer_history', 'terminal_history', 'neighbours'] as const;
type Name = (typeof transactionToolNames)[number];

type Look = (source: TransactionSource, of: Transaction) => object | Promise<object>;

const payment = (_source: TransactionSource, of: Transaction): PaymentFacts => ({
  transaction_id: of.transactionId,
  occurred_at: of.occurredAt,
  customer_id: of.customerId,
  terminal_id: of.terminalId,
  amount: of.amount,
});

const what: Record<Name, { description: string; look: Look }> = {
  transaction: { description: 'The payment itself.', look: payment },
  customer_history: {
    description:
      "The customer's payments before this one: the amount against their usual, how fast they pay, whether the terminal is new to them, and their disputes known at that moment.",
    look: customerFacts,
  },
  terminal_history: {
    description:
      "The terminal's payments before this one: its disputes known at that moment, and how many payments were far above their customer's usual.",
    look: terminalFacts,
  },
  neighbours: {
    description:
      'Other customers of the terminal and other terminals of the customer, with the disputes known at that moment.',
    look: neighbourFacts,
  },
};

/**
 * Each looks at one payment, as it could be seen at its moment: nothing later, and no dispute that came later. Each answers
 * as domain/transactions/facts.ts says. A payment that the source does not have is an answer too: NotFound.
 */
export const transactionTools = (sources: TransactionSources): Tool[] =>
  transactionToolNames.map((name) =>
    tool({
      name,
      description: what[name].description,
      effect: 'read',
      scope: 'ops_agent:read',
      content: 'prose',
      args,
      target: ({ transaction_id }) => `transaction ${transaction_id}`,
      async run({ transaction_id }, context) {
        const source = sources(context.call.tenantId, (work) => context.read(work));
        const found = await source.find(transaction_id);
        if (!found)
          throw new NotFound(`transaction_id: there is no transaction ${transaction_id}`, { field: 'transaction_id' });
        return what[name].look(source, found);
      },
    }),
  );
