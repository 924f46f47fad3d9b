#!/usr/bin/env node
// The one entry: installs what is missing, compiles what has changed, then runs the command. Plain Node, because it has
// to work before anything is installed.
import { createRequire } from 'node:module';
import { build } from '../scripts/build.mjs';
import { check } from '../scripts/check.mjs';
import { install } from '../scripts/install.mjs';
import { runTests } from '../scripts/test.mjs';

const [command, ...rest] = process.argv.slice(2);

try {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Wheelhouse needs Node 20.19 or newer; this is ${process.versions.node}.`);
  }
  install();
  await build();
  if (command === 'test') process.exitCode = await runTests(rest);
  else if (command === 'check') process.exitCode = await check();
  else {
    // Not in what runs for long: it keeps 20 MB of them. Whoever wants it sets NODE_OPTIONS.
    if (command !== 'api' && command !== 'worker') process.setSourceMapsEnabled(true);
    createRequire(import.meta.url)('../dist/cli/main.js');
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
