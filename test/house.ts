import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Client, type Pool } from 'pg';
import { v5, v7 } from 'uuid';
import { appPool } from '../db/pool';
import { tickets, attachments } from '../db/tickets';
import { runs } from '../db/runs';
import { system } from '../domain/principal';
import type { Run } from '../domain/run';
import { agentScopes } from '../domain/scopes';
import type { Attachment, Ticket } from '../domain/ticket';
import { liveAt, siteFile } from '../db/deployments';
import { holdFiles } from '../db/files';
import type { FileStore } from '../log/files';
import { diskFiles } from '../log/files-disk';
import { loadKeyring, type Keyring } from '../log/keys';
import { provisionTenant } from '../log/provision';
import { createStore, type Store } from '../log/store';
import { freshDatabase } from './stack';

/** Database, store and files with one tenant in it: the house without its doors, for tests of what stands below them. */
export interface House {
  store: Store;
  keyring: Keyring;
  masterKey: Buffer;
  /** The owner's, a superuser. */
  url: string;
  files: FileStore;
  dataDir: string;
  tenantId: string;
  analystId: string;
  /** The owner's connection, past row-level security. */
  owner: Client;
  tenant(slug: string): Promise<{ tenantId: string; analystId: string }>;
  ticket(fields?: Partial<Ticket>): Promise<Ticket>;
  run(ticket: Ticket, fields?: Partial<Run>): Promise<Run>;
  attach(ticket: Ticket, filename: string, text: string): Promise<Attachment>;
  /** A file as it is seen under a public address; null when nothing is. */
  page(slug: string, path?: string): Promise<string | null>;
  close(): Promise<void>;
}

export async function openHouse(): Promise<House> {
  const database = await freshDatabase();
  const dataDir = mkdtempSync(join(tmpdir(), 'wheelhouse-house-'));
  const masterKey = randomBytes(32);
  const tenant = async (slug: string) => {
    const { tenantId } = await provisionTenant(database.url, {
      slug, fourEyes: 'agent_only', operatorSignals: true, adminEmail: `${slug}@local.test`, adminPassword: slug, masterKey, apiKey: null,
    }); // prettier-ignore
    return { tenantId, analystId: v5('agent:analyst', tenantId) };
  };
  const { tenantId, analystId } = await tenant('local');
  const broken: Error[] = [];
  const pool: Pool = appPool(database.url, 8, (e) => broken.push(e));
  const keyring = await loadKeyring(pool, masterKey);
  const store = createStore(pool, keyring);
  const files = diskFiles(dataDir);
  const owner = new Client({ connectionString: database.url });
  await owner.connect();

  const stored = <T>(row: T | null): T => {
    if (row === null) throw new Error('the row stands already');
    return row;
  };
  return {
    store,
    keyring,
    masterKey,
    url: database.url,
    files,
    dataDir,
    tenantId,
    analystId,
    owner,
    tenant,
    ticket: async (fields = {}) => {
      const at = new Date().toISOString();
      const ticket: Ticket = {
        id: v7(), tenantId, number: 0, title: 'SSH logins fail on labsz', description: 'Many failed passwords from outside.',
        ticketClass: 'Incident', status: 'in_progress', previousStatus: null, priority: '2', assignee: null, assigneeTeam: null,
        owningGroup: null, provider: 'local', providerRef: null, providerSyncStatus: 'local_only', externalUrl: null, parentTicketId: null,
        runId: null, requesterName: null, requesterEmail: null, affectedUserName: null, affectedUserEmail: null,
        securityClassification: 'internal', accessScope: {}, createdBy: system, createdByLabel: null, createdAt: at, updatedAt: at, ...fields,
      }; // prettier-ignore
      return stored(await store.write(ticket.tenantId, (tx) => tickets.insert(tx, ticket)));
    },
    run: async (ticket, fields = {}) => {
      const run: Run = {
        id: v7(), tenantId: ticket.tenantId, number: 0, taskNumber: 0, agentId: analystId, ticketId: ticket.id, taskType: 'ticket_resolution',
        harness: 'embedded', model: null, profileId: null, runtime: null, prompt: null, scopes: [...agentScopes], triggerKind: null, definitionVersion: null, status: 'running', progress: 5, steps: 0,
        spawnedBy: system, result: null, error: null, createdAt: new Date().toISOString(), startedAt: null, finishedAt: null, version: 1,
        ...fields,
      }; // prettier-ignore
      return stored(await store.write(run.tenantId, (tx) => runs.insert(tx, run)));
    },
    attach: async (ticket, filename, text) => {
      const staged = await files.stage(ticket.tenantId, Readable.from([Buffer.from(text)]), 2 ** 24);
      const { sha256, sizeBytes, detectedType } = staged;
      const attachment: Attachment = {
        id: v7(), tenantId: ticket.tenantId, number: 0, ticketId: ticket.id, noteId: null, filename, contentType: 'text/plain', storageRef: null,
        sha256, sizeBytes, detectedType, metadata: {}, stored: true, createdAt: new Date().toISOString(),
      }; // prettier-ignore
      const row = await store.write(ticket.tenantId, async (tx) => {
        await holdFiles(tx);
        await staged.keep();
        return attachments.insert(tx, attachment);
      });
      await staged.discard();
      return stored(row);
    },
    page: async (slug, path = 'index.html') => {
      const live = await liveAt(pool, slug);
      const file = live && (await store.read(live.tenantId, (tx) => siteFile(tx, live.deploymentId, path)));
      const bytes = file && (await files.open(live.tenantId, file.sha256));
      return bytes && Buffer.concat(await (bytes as AsyncIterable<Buffer> & Readable).toArray()).toString();
    },
    close: async () => {
      await owner.end();
      await pool.end();
      // A goodbye that is still on its way is overtaken by the drop, which ends its connection from the other side.
      const [trouble] = broken;
      await database.drop();
      rmSync(dataDir, { recursive: true, force: true });
      if (trouble) throw trouble;
    },
  };
}
