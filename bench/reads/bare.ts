import express from 'express';
import type { AddressInfo } from 'node:net';

/** The floor under every read: the same framework answering a constant, without a database, a credential or a limit. */
const answer = { tickets: [], total: 0 };
const server = express()
  .disable('x-powered-by')
  .get('/', (_req, res) => void res.json(answer))
  .listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
