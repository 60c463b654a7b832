import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;
/** Between the first records and the second. */
let middle: string;
let position: string;
const nowNs = BigInt(Date.now()) * 1_000_000n;
const traceId = '0af7651916cd43dd8448eb211c80319c';

beforeAll(async () => {
  const settings = { 'view-memtable-max-age-ms': '600000', 'retention-delete-cancel-period-ms': '0' };
  varve = await startVarve({ settings });
  await send('first', 1);
  await sleep(1_100);
  middle = new Date().toISOString();
  position = ((await json('/api/position')) as { position: string }).position;
  await sleep(100);
  await send('second', 2);
});

afterAll(async () => {
  await varve.stop();
});

async function json(path: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${varve.ports.all}${path}`, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

/** A line, a span of the trace, and a sample of `orders`. */
async function send(name: string, value: number): Promise<void> {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };
  const at = String(nowNs + BigInt(value));
  const post = async (path: string, body: unknown) => {
    const response = await fetch(`http://127.0.0.1:${varve.ports.otlp}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
  };
  const logRecords = [{ timeUnixNano: at, body: { stringValue: name } }];
  await post('/v1/logs', { resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] });
  const span = { traceId, spanId: `00000000000000a${value}`, name, kind: 2 };
  const spans = [{ ...span, startTimeUnixNano: at, endTimeUnixNano: at }];
  await post('/v1/traces', { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
  const dataPoints = [{ timeUnixNano: String(nowNs + BigInt(value) * 1_000_000n), asInt: String(value) }];
  const metrics = [{ name: 'orders', gauge: { dataPoints } }];
  await post('/v1/metrics', { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] });
}

const later = String(nowNs / 1_000_000_000n + 60n);

/** What each API tells of the records, as of a moment. */
async function seen(asOf: string): Promise<unknown> {
  const at = asOf === '' ? '' : `&as_of=${encodeURIComponent(asOf)}`;
  const loki = (await json(
    `/loki/api/v1/query_range?query=${encodeURIComponent('{service_name="shop"}')}&end=${later}${at}`,
  )) as { data: { result: { values: unknown[] }[] } };
  const tempo = (await json(`/api/traces/${traceId}?x=1${at}`, {
    headers: { accept: 'application/json' },
  })) as { batches?: { scopeSpans: { spans: unknown[] }[] }[] };
  const prometheus = (await json(`/api/v1/query?query=orders&time=${later}${at}`)) as {
    data: { result: { value: [number, string] }[] };
  };
  const statement = 'SELECT (SELECT count(*) FROM logs) AS lines, (SELECT count(*) FROM spans) AS spans';
  const sql = (await json(`/api/sql?x=1${at}`, { method: 'POST', body: statement })) as { rows: unknown[][] };
  return {
    loki: loki.data.result.flatMap(({ values }) => values).length,
    tempo: (tempo.batches ?? []).flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)).length,
    prometheus: prometheus.data.result[0]?.value[1],
    sql: sql.rows[0],
  };
}

const first = { loki: 1, tempo: 1, prometheus: '1', sql: [1, 1] };
const both = { loki: 2, tempo: 2, prometheus: '2', sql: [2, 2] };

describe('as of an earlier moment', () => {
  it('no API sees what was stored later', async () => {
    expect(await seen('')).toEqual(both);
    expect(await seen(middle)).toEqual(first);
    expect(await seen(position)).toEqual(first);
  });

  it('a statement of SQL names it itself', async () => {
    const at = (moment: string) => `FOR SYSTEM_TIME AS OF '${moment}'`;
    for (const moment of [position, middle]) {
      const body = `SELECT count(*) FROM logs ${at(moment)} AS l JOIN spans ${at(moment)} AS s ON l.service = s.service`;
      expect(await json('/api/sql', { method: 'POST', body })).toMatchObject({ rows: [[1]] });
    }
    const body = `SELECT l.body FROM logs ${at(position)} AS l, spans`;
    await expect(json('/api/sql', { method: 'POST', body })).rejects.toThrow('is behind 1 of its 2 tables');
  });

  it('a time before the store was there, and a position it has not reached, are refused', async () => {
    const asked = (asOf: string) => json(`/api/v1/query?query=orders&as_of=${encodeURIComponent(asOf)}`);
    await expect(asked('2001-01-01T00:00:00Z')).rejects.toThrow('positions are known from');
    await expect(asked('logs/0=9:9')).rejects.toThrow(/the log ends at|there is no such partition/);
  });

  it('what is deleted since is gone', async () => {
    const query = '{ trace:id = "0af7651916cd43dd8448eb211c80319c" && name = "first" }';
    const body = new URLSearchParams({ table: 'spans', query, end: later });
    const receipt = (await json('/api/deletes', { method: 'POST', body })) as { recordsHidden: number };
    expect(receipt.recordsHidden).toBe(1);
    const of = (asOf: string) =>
      json(`/api/sql?as_of=${encodeURIComponent(asOf)}`, { method: 'POST', body: 'SELECT name FROM spans' });
    expect(await of(position)).toMatchObject({ rows: [] });
    expect(await of(new Date(Date.now() + 5_000).toISOString())).toMatchObject({ rows: [['second']] });
  });

  it('receipts tell when it is erased', async () => {
    const done = async () =>
      ((await json('/api/deletes')) as { recordsErased: number; erasedAt: unknown }[])[0];
    await expect.poll(done, { timeout: 20_000 }).toMatchObject({ recordsErased: 1, recordsHidden: 0 });
  });
});

describe("Prometheus' delete_series", () => {
  it('hides samples from the next query on', async () => {
    const body = new URLSearchParams({ 'match[]': 'orders' });
    await json('/api/v1/admin/tsdb/delete_series', { method: 'POST', body });
    expect(await json(`/api/v1/query?query=orders&time=${later}`)).toMatchObject({ data: { result: [] } });
  });
});
