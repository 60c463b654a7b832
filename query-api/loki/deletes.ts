import { logql, showPrometheusDuration } from '../../search/index.ts';
import { type DeleteRequest, type Deletes, labelMatches } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import type { Api, Call, Route } from '../api.ts';
import { badParameter, Refused } from '../errors.ts';
import type { QueryApiDeps } from '../options.ts';
import { lineMatches, tenantOf, wholeMs } from '../store/conditions.ts';
import { nanos, parseGoDuration, parseRfc3339 } from '../time.ts';
import { jsonAnswer } from './answers.ts';
import { lokiRefusal } from './errors.ts';

const path = '/loki/api/v1/delete';

/**
 * Requests to delete lines, as Loki's compactor takes them. An API of its own, because it changes the
 * store: whoever may only read must not reach it.
 */
export function lokiDeletesApi({ storage: { deletes } }: QueryApiDeps): Api {
  const routes: readonly Route[] = [
    { methods: ['POST', 'PUT'], path, handle: async (call) => await created(call, deletes) },
    { methods: ['GET'], path, handle: async (call) => await listed(call, deletes) },
    { methods: ['DELETE'], path, handle: async (call) => await cancelled(call, deletes) },
  ];
  return { name: 'lokiDeletes', refuse: lokiRefusal, routes };
}

/** Empty, as Loki answers what it has taken note of. */
function noted(headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 204, contentType: 'text/plain; charset=utf-8', body: Buffer.alloc(0), headers };
}

async function created(call: Call, deletes: Deletes): Promise<Answer> {
  const { params, now } = call;
  const query = params.get('query');
  if (query === '') throw badParameter('query not set');
  if (params.get('start') === '') throw badParameter('start time not set');
  const from = instantOf(params.get('start'), 'start');
  const to = params.get('end') === '' ? now : instantOf(params.get('end'), 'end');
  if (to > now) throw badParameter('deletes in the future are not allowed');
  if (from >= to) throw badParameter("start time can't be greater than or equal to end time");
  if (logql.isMetric(query))
    throw badParameter('a delete request takes a query for lines, not a metric query');
  const { scan, stages } = logql.rows(query, { from, to });
  if (stages.length > 0) checkIntervalMax(params.get('max_interval'), to - from);
  const { id } = await deletes.create(tenantOf(call), {
    table: 'logs',
    labels: labelMatches(scan.matchers),
    lines: stages.flatMap(lineMatches),
    ...wholeMs(from, to),
  });
  return noted({ 'x-delete-request-id': String(id) });
}

/** Into how long pieces Loki is to cut the request. Varve carries out any length as one, so only nonsense is told. */
function checkIntervalMax(text: string, length: bigint): void {
  if (text === '') return;
  const interval = parseGoDuration(text);
  if (interval === undefined || interval < nanos.second)
    throw badParameter("invalid max_interval: valid time units are 's', 'm', 'h'");
  if (interval > length)
    throw badParameter(
      `max_interval can't be greater than the interval to be deleted (${showPrometheusDuration(length)})`,
    );
}

/** Seconds since 1970 in ten digits, or RFC 3339. */
function instantOf(text: string, name: 'start' | 'end'): bigint {
  const instant = parseRfc3339(text) ?? (/^\d{10}$/.test(text) ? BigInt(text) * nanos.second : undefined);
  if (instant === undefined)
    throw badParameter(`invalid ${name} time: require unix seconds or RFC3339 format`);
  return instant;
}

async function listed(call: Call, deletes: Deletes): Promise<Answer> {
  const { fromMs, toMs } = listedRange(call);
  const requests = (await deletes.list(tenantOf(call))).filter(
    ({ what }) => what.table === 'logs' && what.fromMs <= toMs && what.toMs >= fromMs,
  );
  const shown = requests
    .toSorted((one, other) => one.createdAtMs - other.createdAtMs || one.id - other.id)
    .map((request) => ({
      request_id: String(request.id),
      start_time: request.what.fromMs / 1_000,
      end_time: request.what.toMs / 1_000,
      query: queryOf(request),
      status: statusOf(request),
      created_at: request.createdAtMs / 1_000,
    }));
  return jsonAnswer(shown);
}

/** Only requests that touch this range are listed, where it has both ends. */
function listedRange({ params }: Call): { readonly fromMs: number; readonly toMs: number } {
  if (params.get('start') === '' || params.get('end') === '') return { fromMs: -Infinity, toMs: Infinity };
  const [from, to] = [instantOf(params.get('start'), 'start'), instantOf(params.get('end'), 'end')];
  return { fromMs: Number(from / nanos.millisecond), toMs: Number(to / nanos.millisecond) };
}

function queryOf({ what: { labels, lines } }: DeleteRequest): string {
  const matchers = labels.map(({ name, kind, value }) => `${name}${labelOps[kind]}${JSON.stringify(value)}`);
  const filters = lines.map(({ kind, value }) => ` ${lineOps[kind]} ${JSON.stringify(value)}`);
  return `{${matchers.join(', ')}}${filters.join('')}`;
}

const labelOps = { equal: '=', notEqual: '!=', regex: '=~', notRegex: '!~' } as const;
const lineOps = { equal: '|=', notEqual: '!=', regex: '|~', notRegex: '!~' } as const;

/** In Loki's words; a part is told in percent of the records that are hidden or gone. */
function statusOf({ doneAtMs, recordsErased, pending }: DeleteRequest): string {
  if (doneAtMs !== null) return 'processed';
  if (recordsErased === 0) return 'received';
  const left = pending.reduce((sum, { records }) => sum + records, 0);
  return `${Math.floor((100 * recordsErased) / (recordsErased + left))}% Complete`;
}

async function cancelled(call: Call, deletes: Deletes): Promise<Answer> {
  const tenant = tenantOf(call);
  const wanted = call.params.get('request_id');
  const found = (await deletes.list(tenant)).find(({ id }) => String(id) === wanted);
  if (found === undefined) throw new Refused('notFound', 'could not find delete request with given id');
  if (found.doneAtMs !== null)
    throw badParameter('deletion of request which is in process or already processed is not allowed');
  await deletes.cancel(tenant, found.id);
  return noted();
}
