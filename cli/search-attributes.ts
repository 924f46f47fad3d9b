import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

/** What an operator can filter by in the Temporal UI. All are keywords. */
export const searchAttributes = ['WhTenant', 'WhKind', 'WhStatus', 'WhTicket', 'WhAgent'];

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;

/**
 * Registers what is missing on a server that somebody else runs. Temporal Cloud refuses that from here: then it is said
 * what to register there, because no workflow can start without.
 */
export async function registerSearchAttributes(report: (line: string) => void): Promise<void> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await Connection.connect(connectionOptions).catch((error: Error) => {
    throw new Error(`Temporal at ${connectionOptions.address} does not answer: ${error.message}`, { cause: error });
  });
  try {
    await registerSearchAttributesAt(connection, namespace);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    report(
      `Search attributes could not be registered (${why}): make sure that ${searchAttributes.join(', ')} exist as Keyword.`,
    );
  } finally {
    await connection.close();
  }
}

/** Registers what is missing. */
export async function registerSearchAttributesAt(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = searchAttributes.filter((name) => !(name in customAttributes));
  if (missing.length === 0) return;
  const wanted = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: wanted });
}
