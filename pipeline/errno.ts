/** ENOENT and its like: the code of an error of the file system, or null. */
export const errnoOf = (e: unknown): unknown => (typeof e === 'object' && e !== null && 'code' in e ? e.code : null);
