import type { Brief } from '../harness';
import type { Evidence, FileEvidence } from './evidence';
import { isLog, MAX_FILES, readable } from './evidence';
import { namedSystems, stateOf } from './systems';
import { counted, quoted } from './words';

/** What could not be looked at, and why. */
export function limitsOf(brief: Brief, evidence: Evidence): string[] {
  return [
    ...attachmentLimits(brief),
    ...evidence.files.flatMap(fileLimits),
    ...accessLimits(brief, evidence),
    ...refusals(evidence),
  ];
}

function attachmentLimits(brief: Brief): string[] {
  if (brief.attachments.length === 0)
    return [
      'No log is attached to this ticket: there is nothing to analyse. Attach the log of the affected service for the time of the incident.',
    ];
  const read = new Set(readable(brief).map(({ id }) => id));
  const absent = brief.attachments.filter(({ stored }) => !stored);
  const surplus = brief.attachments.filter(({ id, stored }) => stored && !read.has(id));
  return [
    ...absent.map(({ filename }) => `${filename}: only its description is here, not its content.`),
    ...(surplus.length === 0
      ? []
      : [
          `Only the first ${MAX_FILES} attachments were read; not read: ${surplus
            .slice(0, 10)
            .map(({ filename }) => filename)
            .join(', ')}${surplus.length > 10 ? ` and ${surplus.length - 10} more` : ''}.`,
        ]),
  ];
}

function fileLimits(file: FileEvidence): string[] {
  const { filename, profile, sources, errors, templates } = file;
  if (profile === null) return [];
  const { encoding, lines, blankLines, records, timedRecords, cuts } = profile.result;
  if (encoding === 'binary') return [`${filename} is no text: it was not read.`];
  if (encoding === 'compressed') return [`${filename} is compressed: it was not unpacked. Attach the log itself.`];
  if (lines === 0) return [`${filename} is empty.`];
  if (records === 0)
    return [
      blankLines === lines
        ? `${filename} holds blank lines only.`
        : `${filename} holds no line that could be read as text.`,
    ];
  if (!isLog(file)) return [`${filename} is mostly no text: it was not analysed.`];
  const untimed =
    timedRecords === 0 ? [`${filename} carries no times that could be read: bursts and onset are unknown.`] : [];
  const inexact =
    sources !== null && !sources.result.exact
      ? [`${filename} names more sources than are kept: their counts are lower bounds.`]
      : [];
  const omitted = [sources, errors, templates].reduce((sum, answer) => sum + (answer?.result.omitted ?? 0), 0);
  const shortened =
    omitted > 0
      ? [
          `${filename}: ${counted(omitted, 'rare entry', 'rare entries')} (templates, sources, users) are not listed; totals include them.`,
        ]
      : [];
  return [...cuts.map((cut) => `${filename}: ${cut}`), ...untimed, ...inexact, ...shortened];
}

function accessLimits(brief: Brief, evidence: Evidence): string[] {
  return namedSystems(brief).flatMap((system) => {
    const state = stateOf(system, brief);
    const { name } = system;
    if (state === null) return [`${name} is named, but no access to it was asked for.`];
    if (state.status !== 'granted') {
      const waits = state.status === 'pending_approval' || state.status === 'approved';
      return [
        `${name} was not consulted: access is ${state.status.replaceAll('_', ' ')}${waits ? '; the report does not wait for it' : ''}.`,
      ];
    }
    const check = evidence.vault.findLast(({ result }) => result.system === system.lease.system);
    if (check?.result.allow === true)
      return [
        `Access to ${name} is granted and its lease was checked; no tool of this agent reads from ${name} yet, so that nothing of it is in this report.`,
      ];
    return [`Access to ${name} is granted, but the vault does not confirm the lease.`];
  });
}

function refusals(evidence: Evidence): string[] {
  return evidence.refused
    .filter(({ tool }) => tool !== 'site.publish')
    .map(({ tool, args, decision }) => {
      const query = typeof args['query'] === 'string' ? ` ${quoted(args['query'], 80)}` : '';
      return `${tool}${query} was not carried out: the decision was ${decision}.`;
    });
}
