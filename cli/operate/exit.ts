/** What a command ends with; docs/cli.md says it to whoever calls one. */
export const exits = {
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  notFound: 5,
  conflict: 6,
  /** The command did its work; the run that it followed did not finish. */
  runEnded: 7,
  interrupted: 130,
} as const;

/** One line that says what is wrong and what to do. */
export class CliError extends Error {
  constructor(
    message: string,
    readonly exit: number,
  ) {
    super(message);
  }
}

const byStatus: Record<number, number> = {
  400: exits.usage,
  401: exits.refused,
  403: exits.refused,
  404: exits.notFound,
  409: exits.conflict,
  422: exits.usage,
  429: exits.unreachable,
};
/** By the status of an answer: trouble of the server's own is as if it could not be reached. */
export const exitOf = (status: number): number =>
  byStatus[status] ?? (status === 502 || status === 503 || status === 504 ? exits.unreachable : exits.failed);
