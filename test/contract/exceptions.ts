/** Where an operation differs from what every operation does, and why. */
export interface Exception {
  operation: string;
  check: string;
  reason: string;
}

const killSwitch = 'the path names a tenant, and that of others is refused with 403, known or not, as the contract says';

export const exceptions: Exception[] = ['getKillSwitch', 'setKillSwitch', 'releaseKillSwitch'].flatMap((operation) =>
  ['unknown id', 'foreign id'].map((check) => ({ operation, check, reason: killSwitch })),
);
