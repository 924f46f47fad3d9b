import { readFileSync } from 'node:fs';
import type { AgentSettings } from '../config-agents';
import { findProgram, NotHere } from './programs';

// With which rights commands run: never more than those they begin with, and those of a user of their own where one is named.

export interface RunUser {
  name: string;
  uid: number;
  gid: number;
  home: string;
}
type Rights = Pick<AgentSettings, 'commandUser' | 'noNewPrivs' | 'environment'>;

/** passwd(5). @throws NotHere */
function inPasswd(name: string): RunUser {
  const line = readFileSync('/etc/passwd', 'utf8').split('\n').find((l) => l.startsWith(`${name}:`)); // prettier-ignore
  const [, , uid, gid, , home] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined || home === undefined)
    throw new NotHere(`AGENT_COMMAND_USER: this machine has no user ${name}`);
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** Another user than this process's, whose commands are; null: this one's. @throws NotHere */
export function runUser({ commandUser }: Rights): RunUser | null {
  if (commandUser === null) return null;
  const user = inPasswd(commandUser);
  const own = process.getuid?.();
  if (user.uid === own) return null;
  if (own !== 0) throw new NotHere(`AGENT_COMMAND_USER: only a worker that is root starts commands as ${user.name}`);
  return user;
}

/** What of this process's variables commands get. @throws NotHere */
export function usualEnvironment(s: Rights): Record<string, string> {
  const user = runUser(s);
  return { ...s.environment, ...(user && { HOME: user.home, USER: user.name, LOGNAME: user.name }) };
}

/**
 * How a command is called so that it gains no rights, as by `sudo`, and has its user's. Where nobody said that it must not,
 * it is called as it is on a machine without setpriv(1). @throws NotHere
 */
export function withRights(s: Rights, argv: readonly string[]): string[] {
  const user = runUser(s);
  if (!user && s.noNewPrivs === false) return [...argv];
  const setpriv = findProgram('setpriv', s.environment['PATH'] ?? '');
  if (setpriv === null) {
    if (user || s.noNewPrivs) throw new NotHere('setpriv is not there: it is needed for AGENT_COMMAND_USER and AGENT_NO_NEW_PRIVS'); // prettier-ignore
    return [...argv];
  }
  return [
    setpriv,
    ...(user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : []),
    ...(s.noNewPrivs === false ? [] : ['--no-new-privs']),
    ...argv,
  ];
}
