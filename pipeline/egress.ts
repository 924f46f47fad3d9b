import { request as plain, type Agent } from 'node:http';
import { request as secure } from 'node:https';
import { lookup as resolve } from 'node:dns';
import { isIP, Socket, type LookupFunction } from 'node:net';
import { useAgent } from 'request-filtering-agent';
import { isMetadataAddress, isPrivateAddress } from './private-ranges';

// What this installation sends to addresses that its tenants choose: private ones are refused whatever a name resolves to.

/** The words of the egress guard, which gives its refusals no code of their own. */
export const isGuarded = (e: unknown): boolean => e instanceof Error && / is not allowed\. Because, /.test(e.message);

/** In the words of the guard of the library, which knows fewer such addresses. */
function refusedAddress(address: string, host: string, allowPrivate: boolean): Error | null {
  const kind = isMetadataAddress(address) ? 'metadata' : !allowPrivate && isPrivateAddress(address) ? 'private' : null;
  return kind && new Error(`DNS lookup ${address}(host:${host}) is not allowed. Because, It is ${kind} IP address.`);
}

const lookupOutside =
  (allowPrivate: boolean): LookupFunction =>
  (host, options, found) =>
    void resolve(host, { ...options, all: true }, (e, all) => {
      const refused = e ?? all.map((a) => refusedAddress(a.address, host, allowPrivate)).find((r) => r !== null);
      const [first] = all ?? [];
      if (refused || !first) found(refused ?? new Error(`${host} has no address`), []);
      else if (options.all) found(null, all);
      else found(null, first.address, first.family);
    });

/**
 * What every request to an address that a tenant chose is made with: private addresses are refused, unless those are
 * allowed, and those of a cloud's metadata always, whatever a name resolves to.
 */
export function egressAgent(url: string, allowPrivate: boolean): Agent {
  const agent = useAgent(url, { allowPrivateIPAddress: allowPrivate });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, listener) => {
    const host = String((options as { host?: string | null }).host ?? '').replace(/^\[|\]$/g, '');
    const refused = refusedAddress(host, host, allowPrivate);
    if (!refused) return connect({ ...options, lookup: lookupOutside(allowPrivate) }, listener);
    const none = new Socket();
    if (listener) listener(refused, none);
    else none.destroy(refused);
    return none;
  };
  return agent;
}

/**
 * Whether the guard would let a request to that address out now: its name is looked up, and nothing is connected to. Null:
 * it would, or nobody knows the name as yet; else why not.
 */
export function refusalOf(url: string, allowPrivate: boolean): Promise<string | null> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const guard = egressAgent(`http://${hostname}`, allowPrivate); // what is looked at is where it leads: no TLS for that
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
  const agent = egressAgent(url, allowPrivate);
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
