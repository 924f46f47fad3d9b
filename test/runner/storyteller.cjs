#!/usr/bin/env node
// Stands in for the vendors' commands in the ticket story: speaks the interface of the one whose name it is called by, asks
// for access, and when it is called again, with that granted, does what people said meanwhile.
const { execFileSync } = require('node:child_process');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { basename } = require('node:path');

const called = basename(process.argv[1]);
const [first] = process.argv.slice(2);
const say = (event) => process.stdout.write(`${typeof event === 'string' ? event : JSON.stringify(event)}\n`);
const result = {
  claude: (text) => say({ type: 'result', subtype: 'success', is_error: false, result: text }),
  codex: (text) => say({ type: 'item.completed', item: { id: 'i1', type: 'agent_message', text } }),
  hermes: say,
}[called];
const api = (method, path, body) =>
  JSON.parse(execFileSync('dashboard-api', [method, path, '--data', JSON.stringify(body)], { encoding: 'utf8' }));
const { AGENT_ID: agent, AGENT_TICKET_ID: ticket } = process.env;

if (first === '--version') say(`${called} 1.0.0 (storyteller)`);
else if (first === 'login') say('Logged in using ChatGPT');
else if (!existsSync('asked')) {
  api('post', `/api/tickets/${ticket}/access-request`, {
    agent_id: Number(agent), resource: 'gitlab project demo/infra', permission: 'read', reason: 'to see what changed',
  }); // prettier-ignore
  writeFileSync('asked', '');
  const asked = { step: 'access', status: 'waiting_for_access', output: 'asked for the project', progress_pct: 20 };
  writeFileSync('checkpoint.json', JSON.stringify(asked));
  setInterval(() => undefined, 1_000); // it is ended, and called again
} else {
  const { id, body } = JSON.parse(readFileSync('agent_steering_inbox.json', 'utf8')).updates.at(-1);
  api('post', `/api/agents/${agent}/steering/${id}/ack`, {});
  const systems = JSON.parse(readFileSync('agent_vault.json', 'utf8')).leases.map((lease) => lease.system);
  api('post', `/api/tickets/${ticket}/notes`, { body: `Did: ${body}`, agent_id: Number(agent), source: 'agent' });
  result(`${body}, with ${systems.includes('gitlab') ? 'access' : 'no access'}`);
}
