import fastify, { type FastifyInstance } from 'fastify';
import type { Search, SearchRequest, SqlStatement } from '../search/index.ts';
import {
  type Deletes,
  parseTenant,
  type QueryAnswer,
  type QueryStats,
  type SqlAnswer,
  type StoreStatus,
} from '../storage/index.ts';
import { createQueryApi } from './index.ts';
import type { QueryApiDeps, QueryApiOptions } from './options.ts';

/** 2026-11-23T12:00:00Z, when every request of the tests comes. */
export const nowMs = 1_795_435_200_000;

export const testOptions: QueryApiOptions = {
  tenantDefault: parseTenant('anonymous'),
  tenantsPerQueryMax: 3,
  formSizeMaxBytes: 1_024,
  gzipMinBytes: 1_024,
  loki: {
    entriesLimitDefault: 100,
    entriesLimitMax: 5_000,
    seriesMax: 2,
    seriesHeldMax: 10,
    queryLengthMaxMs: 0,
    lookbackMaxMs: 0,
    windowMaxMs: 0,
    matchersMax: 1_000,
    matchersMin: 0,
    labelsRequired: [],
    queryTimeoutMs: 60_000,
    logsMaxAgeMs: 0,
    retentionStreams: [],
    tenantRetentionStreams: new Map([
      ['ruled', [{ selector: '{env="dev"}', priority: 2, maxAgeMs: 86_400_000 }]],
    ]),
    tenantLogsMaxAgeMs: new Map([['brief', 7 * 86_400_000]]),
    tailsPerTenantMax: 2,
    tailDurationMaxMs: 60_000,
    tailPollMs: 5,
  },
  tempo: {
    tracesLimitDefault: 20,
    tracesLimitMax: 1_000,
    spansPerSetDefault: 3,
    searchRecentMs: 3_600_000,
    seriesMax: 1_000,
    exemplarsMax: 100,
    intervalsMax: 11_000,
  },
  prometheus: { lookbackDeltaMs: 300_000, corsOrigins: [] },
  sql: { rowsMax: 1_000 },
};

export const testStats: QueryStats = {
  segmentsTotal: 6,
  segmentsRead: 1,
  leftOut: { byTime: 1, byLabels: 1, byTraceFilter: 1, byText: 1, byKept: 1, byLimit: 1 },
  rowsRead: 9,
  memtableRowsRead: 2,
  bytesRead: 90,
  rowsMatched: 3,
  tracesRead: 0,
  elapsedNs: 1_000,
  queuedNs: 0,
  memoryPeakBytes: 64,
};

export function answerOf(text: string, empty = false): QueryAnswer {
  return { body: Buffer.from(text), empty, warnings: [], stats: testStats };
}

/** A search that remembers what it was asked and answers as told. */
export class FakeSearch implements Search {
  readonly asked: SearchRequest[] = [];
  answer: (request: SearchRequest) => Promise<QueryAnswer> = () => Promise.resolve(answerOf('{"told":true}'));

  async run(request: SearchRequest): Promise<QueryAnswer> {
    this.asked.push(request);
    return await this.answer(request);
  }

  readonly statements: SqlStatement[] = [];
  sqlAnswer: () => Promise<SqlAnswer> = () =>
    Promise.resolve({ body: Buffer.from('{"rows":[]}'), warnings: [], stats: testStats });

  async sql(statement: SqlStatement): Promise<SqlAnswer> {
    this.statements.push(statement);
    return await this.sqlAnswer();
  }

  get lastAsked(): SearchRequest {
    const request = this.asked.at(-1);
    if (request === undefined) throw new Error('nothing was asked');
    return request;
  }
}

const noDeletes: Deletes = {
  create: () => Promise.reject(new Error('nothing is deleted here')),
  list: () => Promise.resolve([]),
  cancel: () => Promise.reject(new Error('nothing is deleted here')),
};

/** A server with all APIs on one port, over a fake search. */
export async function serverOver(
  search: Search,
  changed: Partial<QueryApiOptions> = {},
  deps: Partial<QueryApiDeps> = {},
): Promise<FastifyInstance> {
  const app = fastify();
  const api = createQueryApi(
    { ...testOptions, ...changed },
    {
      search,
      storage: {
        status: () => ({ journal: { readOnly: null } }) as unknown as StoreStatus,
        deletes: noDeletes,
        position: () => Promise.resolve('logs/0=1:40'),
      },
      log: { debug: () => undefined, error: () => undefined },
      isReady: () => true,
      clock: () => nowMs,
      build: {
        version: '0.1.0',
        revision: 'abc',
        branch: 'main',
        buildUser: 'ci',
        buildDate: '2026-11-23T00:00:00Z',
      },
      ...deps,
    },
  );
  await app.register(api.loki);
  await app.register(api.lokiDeletes);
  await app.register(api.tempo);
  await app.register(api.prometheus);
  await app.register(api.prometheusDeletes);
  await app.register(api.deletes);
  await app.register(api.position);
  await app.register(api.sql);
  await app.register(api.explain);
  await app.register(api.health);
  return app;
}
