import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

// Loaded ahead of API and worker by the bench of open gates: at SIGUSR2 each of their threads collects its garbage, so that
// what is left is what is held. A thread of the SDK's has no other door.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const channel = new BroadcastChannel('collect');
// Twice: what a finalizer lets go of is the second's.
const twice = (): void => {
  collect();
  collect();
};
channel.onmessage = twice;
channel.unref();
if (isMainThread)
  process.on('SIGUSR2', () => {
    channel.postMessage(null);
    twice();
  });
