import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config';
import { notRunning, runningLocal } from './local-file';
import { demoLog, playStory } from './story';

/** Plays the main job against the running server and says what happens, with a link for each step. */
export async function demo(config: Config): Promise<void> {
  const local = await runningLocal(config.dataDir);
  if (!local) throw new Error(`${notRunning}.`);
  let n = 0;
  const outcome = await playStory(
    { url: local.url, token: local.token },
    { name: 'bastion-auth.log', text: demoLog() },
    (step) => {
      n += 1;
      process.stdout.write(
        `${String(n).padStart(2)}. ${step.title}: ${step.detail}\n${step.link ? `    ${step.link}\n` : ''}`,
      );
    },
  );
  const receipts = join(config.dataDir, 'demo-receipts.json');
  const key = join(config.dataDir, 'demo-receipts.key.json');
  writeFileSync(receipts, JSON.stringify(outcome.receipts, null, 2));
  writeFileSync(key, JSON.stringify(outcome.publicKey, null, 2));
  process.stdout.write(
    [
      '',
      'A browser shows the published page; the other addresses want a credential: README.md.',
      'Check the receipts without the server:',
      `  npx wheelhouse verify ${receipts} --key ${key}`,
      ...(local.temporal_ui ? [`See every process in the Temporal UI: ${local.temporal_ui}`] : []),
      '',
    ].join('\n'),
  );
}
