/** A user's address as it stands in the log (log/personal.ts): the user's id, and what only their key opens. */
export const sealForm = /sealed\(([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{38,})\)/g;

/** What stands where somebody was named who was erased. */
export const erasedName = (userId: string): string => `erased-${userId}@erased.invalid`;

/** For whoever reads the log and is not told who it was: a model, for one. */
export const nameless = (text: string): string => text.replace(sealForm, (_, id: string) => `user-${id.slice(0, 8)}`);
