import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `dashboard_auth.json` in an agent's folder says: where the API is, and who the agent is there. */
export interface Auth {
  base_url: string;
  token: string;
}

/** @throws Error when there is none */
export const readAuth = (): Auth =>
  JSON.parse(readFileSync(join(process.env['AGENT_WORK_DIR'] ?? process.cwd(), 'dashboard_auth.json'), 'utf8')) as Auth;

/** Prints a text, and ends when all of it is out. */
export const endWith = (code: number, stream: NodeJS.WriteStream, text: string): void =>
  void stream.write(text, () => process.exit(code));
