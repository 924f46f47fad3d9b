import type { Surface } from './surfaces';

type Door = Surface['name'];

/** The doors in the order in which the document shows them, what each is for, and what its groups of operations hold. */
const doors: Record<Door, { about: string; tags: Record<string, string> }> = {
  'agentic-operations': {
    about: 'Tickets, the agents that work on them, and the people who decide',
    tags: {
      Tickets: 'Work that people see, with its notes, attachments and status',
      'Ticket Reassignment And Escalation': 'Another queue, person or tier',
      Agents: 'Agents at work: spawn, steer, stop, and work that is done elsewhere',
      'Change Requests': 'What waits for people, and their decisions',
      Approvers: 'Groups and rules: who decides on what',
      'Dashboard And Audit': 'Figures, and what happened',
      'Service desk intake': 'Which ticket goes to whom',
      Providers: 'Tickets that another system keeps as well',
      Postmortems: 'What was learned from a ticket, reviewed and promoted',
      Workflows: 'Blueprints that were learned, and their runs',
      Knowledge: 'Articles that agents and people look things up in',
      Skills: 'Prompts with a name',
      Tools: 'Tool servers that agents call',
      Setup: 'Whether everything is there',
      Health: 'Whether this server lives',
    },
  },
  'agent-ops': {
    about: 'The registry of agents, their signals, runs and alerts',
    tags: {
      registry: 'Agents and their definitions',
      signals: 'What agents tell each other',
      runs: 'Runs as agents report them',
      metrics: 'Figures as agents report them',
      'tool-log': 'Calls of tools as agents report them',
      'report-runs': 'Reports as agents report them',
      'alert-rules': 'When somebody is to be told',
      alerts: 'What somebody was told',
      dashboard: 'The fleet at a glance',
    },
  },
  'ops-agent': {
    about: 'Investigations that rest on evidence',
    tags: {
      Investigations: 'Run one, read what it found, and its trace',
      Transactions: 'Card payments and disputes that investigations read',
      Worklist: 'Recommendations that people decide on',
      'Health and Monitoring': 'Whether this door and what it needs is there',
    },
  },
  aegis: {
    about: 'Governed calls of tools, their audit, receipts and policies; who may do what',
    tags: {
      auth: 'Tokens: log in, renew, end',
      users: 'People of the tenant',
      sso: 'Single sign-on',
      agents: 'Agents as identities, with grants',
      execution: 'One governed call of a tool',
      decision: 'Kill switch and decisions',
      policy: 'Policies of the tenant, in Rego',
      risk: 'What signals weigh',
      audit: 'The log: search, verify, export, charts',
      receipts: 'Signed receipts of calls',
      transparency: 'Daily trees over the receipts',
      events: 'What happens, as it happens',
      'API Keys': 'Keys that stand for a user or a service',
      admin: 'The whole installation',
      tenant: 'The tenant that calls',
      internal: 'For services of the installation',
      ops: 'Keys that verify what this server signs',
      'System Monitoring': 'Whether the parts of the system are there',
      untagged: 'Whether this server lives',
      spec: 'This document, and pages that show it',
    },
  },
  oauth: { about: 'Tokens for programs', tags: { OAuth: 'Client credentials' } },
  orchestration: {
    about: 'Agents, their tasks, and workflows of several steps',
    tags: {
      Agents: 'Agents and their configuration',
      Tasks: 'Work for an agent: create it, follow it, take it from elsewhere',
      Workflows: 'Steps in order, each a task',
      OAuth: 'Clients that get tokens',
      Monitoring: 'Health and metrics',
    },
  },
};

/** A group under its door: several doors have groups of one name. */
export const tagOf = (door: Door, tag: string): string => `${door}: ${tag}`;

/** The document's groups, door by door: what the pages show in this order. */
export function groupsOf(used: readonly { door: Door; tag: string }[]): object {
  const groups = Object.entries(doors).flatMap(([name, { about, tags }]) => {
    const door = name as Door;
    const here = [...new Set(used.filter((u) => u.door === door).map((u) => u.tag))];
    if (!here.length) return [];
    const described = here.map((tag) => ({
      name: tagOf(door, tag), 'x-displayName': tag, description: tags[tag] ?? about,
    })); // prettier-ignore
    return [{ name: `${door}: ${about}`, described }];
  });
  return {
    tags: groups.flatMap(({ described }) => described),
    'x-tagGroups': groups.map(({ name, described }) => ({ name, tags: described.map((tag) => tag.name) })),
  };
}
