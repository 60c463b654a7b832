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
  /** The same for a count that only grows. */
  observeTotal(name: string, help: string, read: () => number): void;
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
    observeTotal: (name, help, read) => {
      new Counter({
        name,
        help,
        registers: [registry],
        collect() {
          this.reset();
          this.inc(read());
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
  const refused = new Counter({
    name: 'varve_ingest_refused_total',
    help: 'Records refused, by tenant and reason; a request refused whole counts as one.',
    labelNames: ['tenant', 'reason'] as const,
    registers,
  });
  const nearLimit = new Counter({
    name: 'varve_ingest_near_limit_total',
    help: 'Requests of a tenant that is past limits.soft_percent of its streams or series.',
    labelNames: ['tenant'] as const,
    registers,
  });
  const shown = boundedNames(tenantsShownMax);
  return {
    accepted: (receiver, accepted, bodyBytes) => {
      records.inc({ receiver }, accepted);
      bytes.inc({ receiver }, bodyBytes);
    },
    refusedRecords: ({ receiver, tenant, reason, records: count }) => {
      refusedRecords.inc({ receiver, reason }, count);
      refused.inc({ tenant: shown(tenant), reason }, count);
    },
    refusedRequest: ({ receiver, tenant, code }) => {
      refusedRequests.inc({ receiver, code });
      refused.inc({ tenant: shown(tenant ?? ''), reason: code });
    },
    nearLimit: (tenant) => {
      nearLimit.inc({ tenant: shown(tenant) });
    },
  };
}

/** Tenants with series of their own in `/metrics`; senders can invent names without end. */
const tenantsShownMax = 1_000;

/** Gives back the first `max` different names and `(others)` for all that come after them. */
function boundedNames(max: number): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return name;
    if (known.size >= max) return '(others)';
    known.add(name);
    return name;
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
