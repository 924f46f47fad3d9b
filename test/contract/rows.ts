import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A row of the contract: one operation as a seed names or implies it. */
export interface ContractRow {
  seed: string;
  tag: string;
  method: string;
  path: string;
  auth: string;
  statuses: string;
  certainty: string;
}

/** `/a/{x}/b/` and `/a/:y/b` are the same path. */
export const shapeOf = (path: string): string =>
  path.replace(/\{[^}/]*\}/g, '{}').replace(/(^|\/)[:*][A-Za-z_]\w*/g, '$1{}').replace(/(.)\/+$/, '$1');

export function contractRows(): ContractRow[] {
  const [, ...lines] = readFileSync(join(__dirname, 'operations.tsv'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [seed = '', tag = '', method = '', path = '', , auth = '', , , statuses = '', , certainty = ''] = line.split('\t');
    return { seed, tag, method, path, auth, statuses, certainty };
  });
}
