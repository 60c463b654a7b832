import { logql, promql, traceql } from '../../search/index.ts';
import { type DeleteRequest, type Deletes, labelMatches, type NewDelete } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import type { Api, Call, Route } from '../api.ts';
import { badParameter, Refused } from '../errors.ts';
import type { QueryApiDeps } from '../options.ts';
import type { Params } from '../params.ts';
import { sqlRefusal } from '../sql/errors.ts';
import { instantFromSeconds, parseDecimal, parseRfc3339 } from '../time.ts';
import { lineMatches, spanMatches, tenantOf, wholeMs } from './conditions.ts';

const path = '/api/deletes';

/**
 * Requests to erase logs, spans and samples, and their receipts (docs/retention.md). An API of its own,
 * because it changes the store: whoever may only read must not reach it.
 */
export function deletesApi({ storage: { deletes } }: QueryApiDeps): Api {
  const routes: readonly Route[] = [
    { methods: ['POST'], path, handle: async (call) => await created(call, deletes) },
    { methods: ['GET'], path, handle: async (call) => await listed(call, deletes) },
    { methods: ['DELETE'], path, handle: async (call) => await cancelled(call, deletes) },
  ];
  return { name: 'deletes', refuse: sqlRefusal, routes };
}

async function created(call: Call, deletes: Deletes): Promise<Answer> {
  const tenant = tenantOf(call);
  const range = wholeMs(instantOf(call.params, 'start', 0n), instantOf(call.params, 'end', call.now));
  const what: NewDelete = { labels: [], lines: [], ...conditions(call), ...range };
  return json(201, receiptOf(await deletes.create(tenant, what)));
}

/** What is meant, by the language of the table. */
function conditions({ params }: Call): Pick<NewDelete, 'table'> & Partial<NewDelete> {
  const table = params.get('table');
  const query = params.get('query');
  if (query === '') throw badParameter('query is missing: which records are to be deleted');
  switch (table) {
    case 'logs': {
      if (logql.isMetric(query))
        throw badParameter('a delete request takes a query for lines, not a metric query');
      const { scan, stages } = logql.rows(query, { from: 0n, to: 1n });
      return { table, labels: labelMatches(scan.matchers), lines: stages.flatMap(lineMatches) };
    }
    case 'spans': {
      const condition = traceql.filter(query);
      if (condition === null) throw badParameter('{} means every span; add a condition');
      return { table, spans: spanMatches(condition) };
    }
    case 'samples':
      return { table, labels: labelMatches(promql.selector(query)) };
    default:
      throw badParameter("table is logs, spans or samples; say whose query 'query' is");
  }
}

/** @throws Refused badParameter */
function instantOf(params: Params, name: 'start' | 'end', fallback: bigint): bigint {
  const text = params.get(name);
  if (text === '') return fallback;
  const seconds = parseDecimal(text);
  const instant = seconds === undefined ? parseRfc3339(text) : instantFromSeconds(seconds);
  if (instant === undefined) throw badParameter(`cannot read ${name}: it is RFC 3339 or seconds since 1970`);
  return instant;
}

async function listed(call: Call, deletes: Deletes): Promise<Answer> {
  return json(200, (await deletes.list(tenantOf(call))).map(receiptOf));
}

async function cancelled(call: Call, deletes: Deletes): Promise<Answer> {
  const tenant = tenantOf(call);
  const wanted = call.params.get('id');
  const found = (await deletes.list(tenant)).find(({ id }) => String(id) === wanted);
  if (found === undefined) throw new Refused('notFound', `there is no delete request '${wanted}'`);
  await deletes.cancel(tenant, found.id);
  return { status: 204, contentType: 'text/plain; charset=utf-8', body: Buffer.alloc(0) };
}

/** What became of a request. */
function receiptOf(request: DeleteRequest): object {
  const { id, what, createdAtMs, dueAtMs, doneAtMs, pending, recordsErased, segmentsRewritten } = request;
  const { table, labels, lines, spans = [], fromMs, toMs } = what;
  return {
    id,
    table,
    conditions: [...labels, ...lines, ...spans],
    start: timeText(fromMs),
    end: timeText(toMs),
    createdAt: timeText(createdAtMs),
    cancellableUntil: timeText(dueAtMs),
    recordsHidden: pending.reduce((sum, { records }) => sum + records, 0),
    recordsErased,
    segmentsRewritten,
    erasedAt: doneAtMs === null ? null : timeText(doneAtMs),
  };
}

/** RFC 3339; null for a time that has none, as of a request without ends. */
function timeText(ms: number): string | null {
  return Math.abs(ms) > 8.64e15 ? null : new Date(ms).toISOString();
}

function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json', body: Buffer.from(JSON.stringify(value)) };
}
