import escapeHtml from 'escape-html';
import { compile } from 'html-to-text';
import { storableText } from '../../../domain/storable';

// Long texts are HTML in iTop, and plain text here.

const strip = compile({
  wordwrap: false,
  limits: { maxInputLength: 1_000_000 },
  selectors: [
    { selector: 'a', options: { ignoreHref: true } },
    { selector: 'img', format: 'skip' },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
  ],
});

/** The words of a text with markup. */
export const wordsOfHtml = (html: string): string => storableText(strip(html)).trim();

/** The same words as markup: nothing in them is any. */
export const htmlOf = (text: string): string =>
  text
    .split(/\n{2,}/)
    .map((paragraph) => `<p>${escapeHtml(paragraph).replaceAll('\n', '<br>')}</p>`)
    .join('');
