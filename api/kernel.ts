import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../config';
import type { TransactionSources } from '../db/transactions/sources';
import type { Read, Write } from '../db/tx';
import type { Actor, Principal } from '../domain/principal';
import type { FileStore } from '../log/files';
import type { Keyring } from '../log/keys';
import type { Store } from '../log/store';
import type { Workshop } from '../pipeline/rego/workshop';
import type { Pipeline } from '../pipeline/run';
import type { Wazuh } from '../pipeline/wazuh/wazuh';
import type { Handler, HandlersOf, Received, SocketHandler } from './operation';
import type { Temporal } from './temporal';
import type { Upload } from './http/upload';

/** What the doors lean on. */
export interface Kernel {
  config: Config;
  store: Store;
  keyring: Keyring;
  files: FileStore;
  temporal: Temporal;
  /** Where the card payments of a tenant are. */
  transactions: TransactionSources;
  /** Carries out the calls that are asked for here. */
  pipeline: Pipeline;
  /** Makes and tries policies that nobody enforces. */
  workshop: Workshop;
  /** Null: there is none. */
  wazuh: Wazuh | null;
  /** Opens what was sealed for this installation. */
  masterKey: Buffer;
  logger: Logger;
}

/** A request of nobody in particular. */
export interface OpenCtx {
  kernel: Kernel;
  requestId: string;
  headers: IncomingMessage['headers'];
  /** Address of the caller's socket. */
  ip: string;
  /** Aborted when the caller goes away. */
  closed: AbortSignal;
  setHeader(name: string, value: string): void;
  /** Another of the operation's statuses than the usual one. */
  answerWith(status: number): void;
}

/** A request of a principal, in its tenant. */
export interface Ctx extends OpenCtx {
  principal: Principal;
  actor: Actor;
  tenantId: string;
  read<T>(work: (tx: Read) => Promise<T>): Promise<T>;
  /** Entries get the request's id. */
  write<T>(work: (tx: Write) => Promise<T>): Promise<T>;
  /** Whether the log has an entry of this request by now. */
  readonly logged: boolean;
  /**
   * The uuid of what this request makes: derived from tenant, principal, path and Idempotency-Key when there is one, so
   * that a repeat after a lost answer finds what the first made; new otherwise. `part` tells several apart.
   */
  newId(part?: string): string;
  /** Whether the request brought an Idempotency-Key: then what `newId` names may exist already. */
  repeatable: boolean;
  /** Null when the request was JSON. */
  upload: Upload | null;
  /** For operations that take rows: the lines of those in the body, and what did not fit. */
  received: Received | null;
  /** The credential of the request as it stands by now: null once it is revoked or over. */
  recheck(): Promise<Principal | null>;
}

export type Handlers<T> = HandlersOf<T, Ctx, OpenCtx>;
export type HandlerOf<Op> = Handler<Op, Ctx, OpenCtx>;
export type FeedOf<S> = SocketHandler<S, Ctx>;
