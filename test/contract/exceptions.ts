/** Where an operation differs from what every operation does, and why. */
export const exceptions: { operation: string; check: string; reason: string }[] = [];
