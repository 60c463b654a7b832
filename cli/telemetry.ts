import type { FastifyPluginAsync } from 'fastify';
import { type Logger, pino } from 'pino';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { IngestMetrics } from '../ingest/index.ts';
import type { QueryApiDeps } from '../query-api/index.ts';
import type { StoreStatus } from '../storage/index.ts';
import { registerStorageMetrics } from './storage-metrics.ts';

/** Varve's own log: one JSON object a line on standard error. */
export function createLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}

/** Varve's own metrics, and `/metrics` that shows them. */
export interface Telemetry {
  readonly ingest: IngestMetrics;
  readonly queryApi: NonNullable<QueryApiDeps['metrics']>;
  /** Values read when `/metrics` is asked for. */
  observe(name: string, help: string, read: () => number): void;
  readonly plugin: FastifyPluginAsync;
}

export function createTelemetry(readStatus: () => StoreStatus): Telemetry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  registerStorageMetrics(registry, readStatus);
  return {
    ingest: ingestMetrics(registry),
    queryApi: queryMetrics(registry),
    observe: (name, help, read) => {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read());
        },
      });
    },
    plugin: (app) => {
      app.get('/metrics', async (_request, reply) =>
        reply.header('content-type', registry.contentType).send(await registry.metrics()),
      );
      return Promise.resolve();
    },
  };
}

function ingestMetrics(registry: Registry): IngestMetrics {
  const registers = [registry];
  const records = new Counter({
    name: 'varve_ingest_accepted_records_total',
    help: 'Log records, spans and data points that are durable.',
    labelNames: ['receiver'] as const,
    registers,
  });
  const bytes = new Counter({
    name: 'varve_ingest_body_bytes_total',
    help: 'Bodies of accepted requests, as sent.',
    labelNames: ['receiver'] as const,
    registers,
  });
  const refusedRecords = new Counter({
    name: 'varve_ingest_refused_records_total',
    help: 'Records of accepted requests that were not stored.',
    labelNames: ['receiver', 'reason'] as const,
    registers,
  });
  const refusedRequests = new Counter({
    name: 'varve_ingest_refused_requests_total',
    help: 'Requests of which nothing was stored.',
    labelNames: ['receiver', 'code'] as const,
    registers,
  });
  return {
    accepted: (receiver, accepted, bodyBytes) => {
      records.inc({ receiver }, accepted);
      bytes.inc({ receiver }, bodyBytes);
    },
    refusedRecords: (receiver, reason, refused) => {
      refusedRecords.inc({ receiver, reason }, refused);
    },
    refusedRequest: (receiver, code) => {
      refusedRequests.inc({ receiver, code });
    },
  };
}

function queryMetrics(registry: Registry): NonNullable<QueryApiDeps['metrics']> {
  const seconds = new Histogram({
    name: 'varve_query_request_duration_seconds',
    help: 'Time from a request to its answer.',
    labelNames: ['api', 'route', 'status'] as const,
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
    registers: [registry],
  });
  return {
    served: ({ api, route, status, elapsedMs }) => {
      seconds.observe({ api, route, status }, elapsedMs / 1_000);
    },
  };
}
