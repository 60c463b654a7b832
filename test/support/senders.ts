import { ROOT_CONTEXT, SeverityNumber, trace } from '@opentelemetry/api';
import { OTLPLogExporter as GrpcLogs } from '@opentelemetry/exporter-logs-otlp-grpc';
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufLogs } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter as GrpcMetrics } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufMetrics } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Ports } from './varve.ts';

/** The three transports of OTLP, as the SDK's exporters speak them. */
export type Transport = 'gRPC' | 'HTTP with protobuf' | 'HTTP with JSON';

/** What was sent, by which it is found again. */
export interface Sent {
  readonly service: string;
  readonly traceId: string;
  readonly rootSpanId: string;
  readonly childSpanId: string;
}

/** Sends a log record, a trace of two spans, a counter, a gauge and a histogram with the SDK's exporters. */
export async function sendAllSignals(transport: Transport, ports: Ports, service: string): Promise<Sent> {
  const { logs, traces, metrics } = exporters(transport, ports);
  const resource = resourceFromAttributes({ 'service.name': service, 'host.name': 'vm-1' });
  const sent = await sendTrace(
    new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter: traces })] }),
  );
  const loggers = new LoggerProvider({
    resource,
    processors: [new SimpleLogRecordProcessor({ exporter: logs })],
  });
  loggers.getLogger('checkout', '1.2.3').emit({
    severityNumber: SeverityNumber.ERROR,
    severityText: 'ERROR',
    body: `payment declined for ${service}`,
    attributes: { 'user.id': 'u1', attempt: 3 },
    context: sent.context,
  });
  await loggers.shutdown();
  const reader = new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 });
  const meters = new MeterProvider({ resource, readers: [reader] });
  const meter = meters.getMeter('checkout');
  meter.createCounter('orders', { description: 'Orders taken.' }).add(7, { shop: 'north' });
  meter.createGauge('cart.items').record(3, { shop: 'north' });
  meter.createHistogram('checkout.duration', { unit: 's' }).record(0.2, { shop: 'north' });
  await meters.shutdown();
  const { traceId, rootSpanId, childSpanId } = sent;
  return { service, traceId, rootSpanId, childSpanId };
}

async function sendTrace(provider: TracerProvider) {
  const tracer = provider.getTracer('checkout', '1.2.3');
  const root = tracer.startSpan('POST /checkout', { attributes: { 'http.status_code': 502 } }, ROOT_CONTEXT);
  const context = trace.setSpan(ROOT_CONTEXT, root);
  const child = tracer.startSpan('charge card', { attributes: { provider: 'acme' } }, context);
  child.addEvent('declined', { code: 'insufficient funds' });
  child.end();
  root.end();
  await provider.shutdown();
  const { traceId, spanId: rootSpanId } = root.spanContext();
  return { context, traceId, rootSpanId, childSpanId: child.spanContext().spanId };
}

function exporters(transport: Transport, { grpc, otlp }: Ports) {
  const at = (path: string) => ({
    url: `http://127.0.0.1:${otlp}${path}`,
    compression: CompressionAlgorithm.GZIP,
  });
  switch (transport) {
    case 'gRPC': {
      const config = { url: `http://127.0.0.1:${grpc}` };
      return { logs: new GrpcLogs(config), traces: new GrpcTraces(config), metrics: new GrpcMetrics(config) };
    }
    case 'HTTP with protobuf':
      return {
        logs: new ProtobufLogs(at('/v1/logs')),
        traces: new ProtobufTraces(at('/v1/traces')),
        metrics: new ProtobufMetrics(at('/v1/metrics')),
      };
    case 'HTTP with JSON':
      return {
        logs: new JsonLogs(at('/v1/logs')),
        traces: new JsonTraces(at('/v1/traces')),
        metrics: new JsonMetrics(at('/v1/metrics')),
      };
  }
}
