import { z } from 'zod';
import { operation, raw } from '../../operation';

const tag = 'spec';
const page = (route: `GET /${string}`, summary: string) =>
  operation({ route, tag, summary, access: 'public', output: raw('text/html') });

/** What the two pages load: from this server, never from elsewhere. */
export const assetNames = [
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'swagger-start.js',
  'redoc.standalone.js',
  'redoc-start.js',
] as const;

export const docs = {
  openApiDocument: operation({
    route: 'GET /openapi.json',
    tag,
    summary: 'This document: every operation of every door',
    access: 'public',
    output: raw('application/json', z.looseObject({ openapi: z.string() })),
  }),
  swaggerPage: page('GET /docs', 'Interactive explorer'),
  redocPage: page('GET /redoc', 'Reference page'),
  docsAsset: operation({
    route: 'GET /docs/:asset',
    tag,
    summary: 'What the two pages load',
    access: 'public',
    params: z.object({ asset: z.enum(assetNames) }),
    output: raw('*/*'),
  }),
};
