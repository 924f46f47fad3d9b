// Lets the Temporal SDK fetch a server's binary, by starting that server once: its download has no other door. Runs as a
// process of its own, so that a time limit can end it. Arguments: cli | test-server, the folder to download to.
const { TestWorkflowEnvironment } = require('@temporalio/testing');

const [what, downloadDir] = process.argv.slice(2);
const server = { executable: { type: 'cached-download', downloadDir } };
const started =
  what === 'cli'
    ? TestWorkflowEnvironment.createLocal({ server })
    : TestWorkflowEnvironment.createTimeSkipping({ server });

started
  .then((environment) => environment.teardown())
  .catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
