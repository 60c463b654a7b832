import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nanos, type Shop, sendShop } from '../grafana/shop.ts';
import { startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;
let shop: Shop;

beforeAll(async () => {
  varve = await startVarve({ settings: { 'query-sql-rows-max': '12', 'query-timeout-ms': '3000' } });
  shop = await sendShop(varve.ports);
});

afterAll(async () => {
  await varve.stop();
});

interface JsonAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly rowCount: number;
  readonly warnings: readonly string[];
}

async function post(
  statement: string,
  headers: Readonly<Record<string, string>> = {},
  query = '',
): Promise<Response> {
  return await fetch(`http://127.0.0.1:${varve.ports.all}/api/sql${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/sql', ...headers },
    body: statement,
  });
}

async function answer(
  statement: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<JsonAnswer> {
  const response = await post(statement, headers);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${statement}: ${response.status} ${text}`);
  return JSON.parse(text) as JsonAnswer;
}

async function refusal(statement: string): Promise<{ status: number; error: Record<string, unknown> }> {
  const response = await post(statement);
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  return { status: response.status, error };
}

describe('a statement over sockets', () => {
  it('counts what was sent, per service', async () => {
    const { rows, columns } = await answer(
      "SELECT service, count(*) AS lines, count(*) FILTER (WHERE body LIKE '%declined%') AS declined FROM logs GROUP BY 1 ORDER BY 1",
    );
    expect(columns.map(({ type }) => type)).toEqual(['text', 'integer', 'integer']);
    expect(rows).toEqual([
      ['shop', 10, 4],
      ['web', 4, 0],
    ]);
  });

  it('joins logs and spans by trace id', async () => {
    const { rows } = await answer(`
      SELECT l.trace_id, s.name, s.status, s.attributes['http.status_code'], l.attributes['user.id']
      FROM logs l JOIN spans s ON l.trace_id = s.trace_id AND l.span_id = s.span_id`);
    expect(rows).toEqual([[shop.traceId, 'POST /pay', 'error', '500', 'u9']]);
  });

  it('counts in tumbling windows', async () => {
    const { rows } = await answer(
      "SELECT date_bin(INTERVAL '1 minute', time), count(*) FROM logs GROUP BY 1 ORDER BY 1",
    );
    const minute = (index: number) =>
      new Date(shop.startMs + index * 60_000).toISOString().replace('.000', '');
    expect(rows).toEqual([
      [minute(0), 10],
      [minute(1), 4],
    ]);
  });

  it('finds samples by metric and label', async () => {
    const { rows } = await answer('SELECT count(DISTINCT metric) > 0, count(*) > 0 FROM samples');
    expect(rows).toEqual([[true, true]]);
  });

  it('answers in CSV', async () => {
    const response = await post("SELECT body FROM logs WHERE service = 'web' ORDER BY time LIMIT 1", {
      accept: 'text/csv',
    });
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(await response.text()).toBe('body\n"{""path"":""/cart"",""took"":0}"\n');
  });

  it('answers in Arrow, which an Arrow reader reads', async () => {
    const statement = 'SELECT time, service, labels, severity_number FROM logs ORDER BY time LIMIT 3';
    const response = await post(statement, {}, '?format=arrow');
    expect(response.headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
    const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    expect(table.schema.fields.map(({ name }) => name)).toEqual([
      'time',
      'service',
      'labels',
      'severity_number',
    ]);
    expect([...(table.getChild('service') ?? [])]).toEqual(['shop', 'shop', 'shop']);
    expect([...(table.getChild('severity_number') ?? [])]).toEqual([17, 9, 9]);
    expect(table.getChild('time')?.get(0)).toBe(shop.startMs);
  });

  it('is explained with the segments that it reads', async () => {
    const { rows } = await answer("EXPLAIN SELECT body FROM logs WHERE service = 'shop'");
    expect(JSON.stringify(rows)).toContain('VarveScan: table=logs, columns=[body], segments=');
  });
});

describe('what is refused', () => {
  it('says where in the statement it went wrong', async () => {
    expect(await refusal('SELECT time,\n  bodi FROM logs')).toEqual({
      status: 400,
      error: {
        code: 'QUERY_INVALID',
        message: expect.stringContaining('bodi') as string,
        line: 2,
        column: 3,
      },
    });
  });

  it('is whatever would change something', async () => {
    const { status, error } = await refusal("COPY logs TO '/tmp/logs.csv'");
    expect([status, error['message']]).toEqual([400, expect.stringContaining('COPY is not supported')]);
  });

  it('is what fails on the data', async () => {
    const { status, error } = await refusal('SELECT CAST(body AS INT) FROM logs');
    expect([status, error['code']]).toEqual([422, 'QUERY_EXECUTION']);
  });

  it('is what takes too long', async () => {
    const endless = `SELECT count(*) FROM ${'abcdefgh'
      .split('')
      .map((name) => `logs ${name}`)
      .join(', ')}`;
    const { status, error } = await refusal(endless);
    expect([status, error['code']]).toEqual([504, 'QUERY_TIMEOUT']);
  });

  it('is more rows than are allowed, but for the first of them and a warning', async () => {
    const { rowCount, warnings } = await answer('SELECT body FROM logs');
    expect([rowCount, warnings]).toEqual([12, [expect.stringContaining('cut after 12 rows')]]);
    const csv = await post('SELECT body FROM logs', { accept: 'text/csv' });
    expect(csv.headers.get('x-varve-warnings')).toContain('cut after 12 rows');
  });
});

describe('tenants', () => {
  it('see their own rows, or several with whose each is', async () => {
    const pushed = await fetch(`http://127.0.0.1:${varve.ports.loki}/loki/api/v1/push`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-scope-orgid': 'other' },
      body: JSON.stringify({ streams: [{ stream: { app: 'x' }, values: [[nanos(Date.now()), 'hello']] }] }),
    });
    expect(pushed.status).toBe(204);
    const count = 'SELECT tenant, count(*) FROM logs GROUP BY 1 ORDER BY 1';
    expect((await answer(count, { 'x-scope-orgid': 'other' })).rows).toEqual([['other', 1]]);
    expect((await answer(count, { 'x-scope-orgid': 'nobody' })).rows).toEqual([]);
    expect((await answer(count, { 'x-scope-orgid': 'other|anonymous' })).rows).toEqual([
      ['anonymous', 14],
      ['other', 1],
    ]);
  });
});
