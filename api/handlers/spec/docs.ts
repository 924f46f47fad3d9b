import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import swaggerFolder from 'swagger-ui-dist/absolute-path.js';
import type { assetNames, docs } from '../../contracts/spec/docs';
import type { Handlers } from '../../kernel';
import type { Reply } from '../../operation';

type Asset = (typeof assetNames)[number];

// Nothing from elsewhere, no script inside the page; both libraries write styles into it.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
  "connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const page = (title: string, body: string): Promise<Reply> =>
  Promise.resolve({
    type: 'text/html',
    headers: { 'Content-Security-Policy': policy },
    body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${body}
</html>
`,
  });

const swaggerStart = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', deepLinking: true, validatorUrl: null, docExpansion: 'none', filter: true });\n`;
const redocStart = `Redoc.init('/openapi.json', { hideLoading: true, nativeScrollbars: true }, document.getElementById('ui'));\n`;

const file = (path: string) => () => createReadStream(path);
const assets: Record<Asset, { type: string; body: () => Reply['body'] }> = {
  'swagger-ui.css': { type: 'text/css', body: file(join(swaggerFolder(), 'swagger-ui.css')) },
  'swagger-ui-bundle.js': { type: 'text/javascript', body: file(join(swaggerFolder(), 'swagger-ui-bundle.js')) },
  'swagger-start.js': { type: 'text/javascript', body: () => swaggerStart },
  'redoc.standalone.js': { type: 'text/javascript', body: file(require.resolve('redoc/bundles/redoc.standalone.js')) },
  'redoc-start.js': { type: 'text/javascript', body: () => redocStart },
};

/** Of every operation there is, these included: the document is complete only when all are declared. */
export function docsHandlers(document: () => object): Handlers<typeof docs> {
  let written: string | null = null;
  return {
    openApiDocument: () =>
      Promise.resolve({ type: 'application/json', body: (written ??= JSON.stringify(document())) }),
    swaggerPage: () =>
      page(
        'Wheelhouse: explorer',
        `<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/swagger-start.js"></script>
</body>`,
      ),
    redocPage: () =>
      page(
        'Wheelhouse: reference',
        `</head>
<body>
<div id="ui"></div>
<script src="/docs/redoc.standalone.js"></script>
<script src="/docs/redoc-start.js"></script>
</body>`,
      ),
    docsAsset: ({ params }) => {
      const { type, body } = assets[params.asset];
      return Promise.resolve({ type, body: body(), headers: { 'Cache-Control': 'public, max-age=3600' } });
    },
  };
}
