import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { RequestFilteringHttpAgent, useAgent } from 'request-filtering-agent';

// What this installation sends to addresses that its tenants choose: private ones are refused whatever a name resolves to.

/** The words of the egress guard, which gives its refusals no code of their own. */
export const isGuarded = (e: unknown): boolean => e instanceof Error && / is not allowed\. Because, /.test(e.message);

/**
 * Whether the guard would let a request to that address out now: its name is looked up, and nothing is connected to. Null:
 * it would, or nobody knows the name as yet; else why not.
 */
export function refusalOf(url: string, allowPrivate: boolean): Promise<string | null> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const guard = new RequestFilteringHttpAgent({ allowPrivateIPAddress: allowPrivate });
  return new Promise<string | null>((resolve) => {
    const socket = guard.createConnection({ host, port: Number(port) || (protocol === 'https:' ? 443 : 80) }) as Socket;
    const allowed = (): void => {
      resolve(null);
      socket.destroy();
    };
    socket.on('error', (e) => resolve(isGuarded(e) ? e.message : null));
    socket.on('lookup', (e: Error | null) => void (e ?? allowed()));
    if (isIP(host) && !socket.destroyed) allowed();
  }).finally(() => guard.destroy());
}

/**
 * Posts to an address; redirects are answers like others, and of the answer's body nothing is read.
 * @returns its status @throws Error when there is none in time, or the guard refuses
 */
export function post(
  url: string,
  body: string,
  headers: Record<string, string>,
  { allowPrivate, patienceMs }: { allowPrivate: boolean; patienceMs: number },
): Promise<number> {
  const agent = useAgent(url, { allowPrivateIPAddress: allowPrivate });
  const request = new URL(url).protocol === 'https:' ? secure : plain;
  return new Promise<number>((resolve, reject) => {
    const asked = request(
      url,
      { method: 'POST', agent, headers, signal: AbortSignal.timeout(patienceMs) },
      (answer) => {
        resolve(answer.statusCode ?? 0);
        answer.destroy();
      },
    );
    asked.on('error', reject).end(body);
  }).finally(() => {
    agent.destroy();
  });
}
