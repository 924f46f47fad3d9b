import { Invalid } from '../domain/errors';
import type { Issue } from './surfaces';

/** Several things were wrong with a request, each in a part of it. */
export class WithIssues extends Invalid {
  constructor(
    message: string,
    details: Record<string, unknown>,
    readonly issues: Issue[],
  ) {
    super(message, details);
  }
}
