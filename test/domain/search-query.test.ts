import { searchQuery } from '../../domain/search-query';

test.each([
  ['Nightly BATCH', '"Nightly" "BATCH"', 'Nightly BATCH'],
  ['"web server" -staging', '"web server" -"staging"', 'web server'],
  ['web-1 down', '"web 1" "down"', 'web 1 down'],
  ['disk or memory', '"disk" or "memory"', 'disk memory'],
  ['Näher 100%_', '"Naher" "100"', 'Naher 100'],
  ['カが', '"カか\u3099"', 'カか\u3099'],
  ['हिन्दी', '"हिन्दी"', 'हिन्दी'],
  ['"unclosed phrase', '"unclosed phrase"', 'unclosed phrase'],
])('%s', (text, query, words) => {
  expect(searchQuery(text)).toEqual({ query, words });
});

test.each(['-staging', 'disk or -staging', '%%', ''])('%s fits texts that hold none of its words', (text) => {
  expect(searchQuery(text).words).toBeNull();
});
