import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import escape from 'escape-html';
import { root } from '../../../config';
import type { TraceDocument } from '../../../domain/trace';
import type { Reply } from '../../operation';
import { count, duration, moment, percent, toneOf } from './format';

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What scripts/build.mjs made of browser/ and style.css, and what the page may do: these two, and nothing else. */
function load() {
  const built = (name: string): string => readFileSync(join(root, 'dist/api/pages/trace', name), 'utf8');
  const script = built('view.js');
  const style = built('style.css');
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'img-src data:', // the empty icon, without which a browser asks for /favicon.ico
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return { script, style, policy };
}
let loaded: ReturnType<typeof load> | null = null;

/** JSON that ends no element and begins none, whatever it holds. */
const embedded = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

const fact = (name: string, value: string): string => `<div><dt>${name}</dt><dd>${value}</dd></div>`;
const badge = (word: string): string => `<span class="badge ${toneOf(word)}">${escape(word)}</span>`;

function facts(t: TraceDocument): string {
  const took = t.finishedAt === null ? null : Date.parse(t.finishedAt) - Date.parse(t.startedAt);
  const asked = t.steps.filter(({ kind }) => kind === 'model').length;
  return [
    fact('Status', badge(t.status)),
    t.severity === null ? '' : fact('Severity', badge(t.severity)),
    t.confidence === null ? '' : fact('Confidence', percent(t.confidence)),
    took === null ? '' : fact('Duration', escape(duration(took))),
    fact('Steps', count(t.steps.length)),
    fact('Model calls', count(asked)),
    fact('Started', `<time>${escape(moment(t.startedAt))}</time>`),
  ].join('');
}

/**
 * An investigation's trace as one file: it asks nobody for anything, from the server or saved to a disk. The head is
 * written here; the script shows the rest of the data that is embedded, as text and never as markup.
 */
export function tracePage(t: TraceDocument): Omit<Reply, 'body'> & { body: string } {
  const { script, style, policy } = (loaded ??= load());
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>${escape(`Trace: ${t.subject}`)}</title>
<style>${style}</style>
</head>
<body>
<header>
<div>
<p class="kicker">Investigation · ${escape(t.mode)}${t.attempt > 1 ? ` · attempt ${count(t.attempt)}` : ''}</p>
<h1>${escape(t.subject)}</h1>
</div>
<dl class="facts">${facts(t)}</dl>
</header>
<noscript><p>${escape(t.summary ?? '')}</p><p>The steps are shown by a script that is part of this page; scripts are off.</p></noscript>
<search class="tools">
<input id="search" type="search" placeholder="Search all steps" aria-label="Search all steps" aria-keyshortcuts="/" autocomplete="off" spellcheck="false">
<output id="found" for="search"></output>
<button id="expand" type="button">Expand all</button>
<button id="collapse" type="button">Collapse all</button>
</search>
<main id="panes">
<section id="steps" aria-label="Steps">
<div id="axis" aria-hidden="true"></div>
<div id="tree" role="tree" tabindex="0" aria-label="Steps"></div>
</section>
<article id="detail" tabindex="-1" aria-labelledby="detail-title"></article>
</main>
<footer aria-label="Keys"><span><kbd>j</kbd><kbd>k</kbd> move</span><span><kbd>h</kbd><kbd>l</kbd> fold</span><span><kbd>Enter</kbd> open</span><span><kbd>/</kbd> search</span><span><kbd>Esc</kbd> back</span></footer>
<p id="said" class="unseen" role="status"></p>
<script type="application/json" id="trace">${embedded(t)}</script>
<script>${script}</script>
</body>
</html>
`;
  return {
    type: 'text/html; charset=utf-8',
    body,
    // The sandbox gives it an origin of its own: were a script to get in, it would find no session here.
    headers: {
      'Content-Security-Policy': `${policy}; frame-ancestors 'none'; sandbox allow-scripts`,
      'Cache-Control': 'private, no-store',
    },
  };
}
