import { accessSync, constants } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import type { Reply } from '../../api/operation';
import { childEnvironment } from '../../config';

/** CHROMIUM_PATH, or chromium on the path; null: there is none. */
export function chromiumPath(): string | null {
  const { CHROMIUM_PATH, PATH } = childEnvironment({});
  const candidates = CHROMIUM_PATH
    ? [CHROMIUM_PATH]
    : (PATH ?? '').split(delimiter).map((dir) => join(dir, 'chromium'));
  const runs = (path: string): boolean => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return candidates.find(runs) ?? null;
}

type Text = Omit<Reply, 'body'> & { body: string };

export interface Pages {
  browser: Browser;
  /** Puts a page at the server's only address, with its headers, and gives the address. */
  put(reply: Text): string;
  close(): Promise<void>;
}

/** A browser, and a server of one page. @throws Error when there is no browser */
export async function openPages(): Promise<Pages> {
  const executablePath = chromiumPath();
  if (executablePath === null) throw new Error('there is no chromium: set CHROMIUM_PATH');
  let page: Text = { type: 'text/plain', body: '' };
  const server = createServer();
  server.on('request', (_, res) => {
    res.writeHead(200, { 'content-type': page.type, 'x-content-type-options': 'nosniff', ...page.headers });
    res.end(page.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/trace`;
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  return {
    browser,
    put(reply) {
      page = reply;
      return url;
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
