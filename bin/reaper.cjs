// Ends what its parent started when the parent dies without having been able to (SIGKILL, a crash). Postgres and the
// Temporal server would otherwise outlive it. Plain Node, so that it runs from a source tree and from dist/ alike;
// CommonJS, because what is sent while an ES module still loads is lost.
const { rmSync } = require('node:fs');
const { setTimeout: delay } = require('node:timers/promises');

/** Seconds between asking and killing. */
const GRACE = 10;
/** pid → the signal that ends it properly. */
const programs = new Map();
/** Temporary folders that nobody needs any more. */
const folders = new Set();

process.on('message', ({ started, ended, folder, kept }) => {
  if (started) programs.set(started.pid, started.signal);
  if (ended) programs.delete(ended);
  if (folder) folders.add(folder);
  if (kept) folders.delete(kept);
});

const send = (pid, signal) => {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // It has ended.
  }
};

process.on('disconnect', async () => {
  for (const [pid, signal] of programs) send(pid, signal);
  for (let waited = 0; waited < GRACE && [...programs.keys()].some((pid) => send(pid, 0)); waited += 0.1)
    await delay(100);
  for (const pid of programs.keys()) send(pid, 'SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(0);
});
