import { Invalid } from '../domain/errors';

/** A header or a body that cannot be read at all: 400 at every door, also where what a schema refuses is 422. */
export class BadRequest extends Invalid {}
