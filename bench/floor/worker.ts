import { NativeConnection, Worker } from '@temporalio/worker';

/** The floor's worker, a process of its own, with the SDK's default settings. Arguments: address, task queue. */
async function main([address = '', taskQueue = '']: string[]): Promise<void> {
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({ connection, taskQueue, workflowsPath: require.resolve('./workflow') });
  process.once('SIGTERM', () => worker.shutdown());
  process.send?.('ready');
  await worker.run();
  await connection.close();
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (e: unknown) => {
    process.stderr.write(`${String(e)}\n`);
    process.exit(1);
  },
);
