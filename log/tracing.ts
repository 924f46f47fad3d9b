import { SpanKind, SpanStatusCode, context, propagation, trace } from '@opentelemetry/api';
import type { resources, tracing } from '@opentelemetry/sdk-node';
import type { NextFunction, Request, Response } from 'express';
import type { Config } from '../config';

export interface Tracing {
  processor: tracing.SpanProcessor;
  resource: resources.Resource;
  shutdown(): Promise<void>;
}

/** Exports spans when the standard environment names an endpoint; null, and no cost, when it does not. */
export async function startTracing(config: Config, service: string): Promise<Tracing | null> {
  if (!config.tracing) return null;
  // Loaded only when it is wanted: it takes a while.
  const [{ NodeSDK, resources, tracing }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
  ]);
  const resource = new resources.Resource({ 'service.name': config.serviceName ?? `wheelhouse-${service}` });
  const processor = new tracing.BatchSpanProcessor(new OTLPTraceExporter(), { scheduledDelayMillis: 1_000 });
  const sdk = new NodeSDK({ resource, spanProcessors: [processor], instrumentations: [], autoDetectResources: false });
  sdk.start();
  return { processor, resource, shutdown: () => sdk.shutdown() };
}

const tracer = trace.getTracer('wheelhouse');

/** A span for each request, under the caller's when it sends one; what the request sets going hangs below it. */
export function traceRequest(req: Request, res: Response, next: NextFunction): void {
  const parent = propagation.extract(context.active(), req.headers);
  const span = tracer.startSpan(
    `${req.method} ${req.path.split('/').slice(0, 3).join('/')}`,
    { kind: SpanKind.SERVER },
    parent,
  );
  res.on('finish', () => {
    const route = (req.route as { path?: string } | undefined)?.path;
    if (route) span.updateName(`${req.method} ${route}`);
    span.setAttributes({
      'http.request.method': req.method,
      'http.response.status_code': res.statusCode,
      'url.path': req.path,
    });
    if (res.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  });
  res.on('close', () => span.end());
  context.with(trace.setSpan(parent, span), next);
}
