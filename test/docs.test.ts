import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../config';
import { scopes } from '../domain/scopes';

// What the pages say of what is declared.

const page = (name: string): string => readFileSync(join(root, 'docs', `${name}.md`), 'utf8');

test('docs/access.md tells what each scope opens, and of no other', () => {
  const table = page('access').split('## Scopes\n')[1]?.split('\n## ')[0] ?? '';
  const told = table
    .split('\n')
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((m) => m[1]));
  expect([...told].sort()).toEqual([...scopes].sort());
});
