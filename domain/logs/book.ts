import { httpStatus } from './occurrence';
import type { Occurrence } from './occurrence';
import { EXCEPTION } from './signals';
import type { SignalRule } from './signals';
import { SourceTable } from './sources';
import { Tally } from './tally';
import type { LogTime, SignalReport } from './types';

/** Whose sessions come through the network; those of su, cron and the console do not. */
const NETWORK_LOGIN = /^(?:sshd|vsftpd|proftpd|dovecot|telnetd)/;
/** Who reports the end of other processes. */
const SUPERVISOR = /^(?:kernel|systemd|init|dockerd|containerd|supervisord|launchd|monit|core|mpm_\w+)$/;
const EXTRACTED_FROM = 1000;

/** Counts signals by subject, and sources by signal. */
export class Book {
  readonly sources = new SourceTable();
  private readonly tallies = new Map<string, Tally>();

  note(at: Occurrence): void {
    let user = at.parsed.user;
    let host: string | null = null;
    for (const rule of at.signals) {
      const named = rule.extract?.exec(at.message.slice(0, EXTRACTED_FROM))?.groups ?? {};
      user = named['user'] ?? user;
      host = named['host'] ?? host;
      const { subject, detail } = rule.id.startsWith('http.') ? request(at) : about(rule, at, named);
      this.tally(rule).add(at.events, at.ms, subject, detail, at.line, at.text);
      if (rule.id === 'auth.session' && NETWORK_LOGIN.test(at.parsed.process ?? '') && named['subject'] !== undefined)
        this.sources.session(named['subject'], at.events, at.ms);
    }
    if (at.shape.exception !== null && at.failing)
      this.tally(EXCEPTION).add(at.events, at.ms, at.shape.exception, null, at.line, at.text);
    if (user === null && host === null && at.addresses.length === 0) return;
    const signals = at.signals.map(({ id }) => id);
    const who = user === null ? null : user.trim() || '(empty)';
    this.sources.add({
      addresses: at.addresses,
      host: host || null,
      user: who,
      signals,
      failing: at.failing,
      events: at.events,
      ms: at.ms,
    });
  }

  /** A line within a stack trace: what it names is counted, but the failure is that of the record above it. */
  cause(text: string, name: string | null, signals: readonly SignalRule[], ms: number | null, line: number): void {
    if (name !== null) this.tally(EXCEPTION).add(1, ms, name, null, line, text);
    for (const rule of signals) {
      const named = rule.extract?.exec(text.slice(0, EXTRACTED_FROM))?.groups ?? {};
      if (rule.failing) this.tally(rule).add(1, ms, named['subject'] ?? null, named['detail'] ?? null, line, text);
    }
  }

  /** Failures first, then what is merely notable. */
  report(show: (ms: number) => LogTime): SignalReport[] {
    return [...this.tallies.values()]
      .map((tally) => tally.report(show))
      .sort((a, b) => Number(b.failing) - Number(a.failing) || b.events - a.events || (a.id < b.id ? -1 : 1));
  }

  private tally(rule: SignalRule): Tally {
    const known = this.tallies.get(rule.id);
    if (known !== undefined) return known;
    const created = new Tally(rule);
    this.tallies.set(rule.id, created);
    return created;
  }
}

interface About {
  subject: string | null;
  detail: string | null;
}

/** A process that speaks of its own end is itself the subject, unless it watches others. */
function about({ id }: SignalRule, { parsed }: Occurrence, named: Record<string, string | undefined>): About {
  const own = id === 'process.crash' && parsed.process !== null && !SUPERVISOR.test(parsed.process);
  return {
    subject: (own ? parsed.process : (named['subject'] ?? named['user'])) ?? null,
    detail: named['detail'] ?? named['host'] ?? null,
  };
}

/** Method and path of an HTTP request, and the status of its answer. */
function request({ parsed, message }: Occurrence): About {
  const quoted = /"([A-Z]+ [^\s?"]+)/.exec(message)?.[1];
  return { subject: quoted ?? message.split(' -> ')[0] ?? null, detail: String(httpStatus(parsed, message)) };
}
