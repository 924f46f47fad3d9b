import { readFileSync } from 'node:fs';
import { putFile } from '../files';
import { endWith } from './auth';

// put-files FOLDER: puts the files that its standard input lists, in JSON, into an agent's folder, as whoever runs it.

try {
  const [folder = ''] = process.argv.slice(2);
  const files = JSON.parse(readFileSync(0, 'utf8')) as { name: string; text: string; mode: number }[];
  for (const { name, text, mode } of files) putFile(folder, name, text, mode);
} catch (e) {
  endWith(1, process.stderr, (e as Error).message);
}
