import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getJson, startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;
beforeAll(async () => {
  varve = await startVarve();
});
afterAll(async () => {
  await varve.stop();
});

let requests = 0;

/** An OTLP request with one log line of this service. */
function otlpLogs(service: string, line: string): string {
  requests += 1;
  const logRecords = [
    { timeUnixNano: `${Date.now()}${String(requests).padStart(6, '0')}`, body: { stringValue: line } },
  ];
  const attributes = [{ key: 'service.name', value: { stringValue: service } }];
  return JSON.stringify({ resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords }] }] });
}

async function send(body: string, headers: Readonly<Record<string, string>> = {}): Promise<unknown[]> {
  const response = await fetch(`http://127.0.0.1:${varve.ports.otlp}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  return [response.status, await response.json()];
}

async function linesOf(service: string): Promise<string[]> {
  const query = `{service_name="${service}"}`;
  const answer = (await getJson(varve.ports.loki, '/loki/api/v1/query_range', { query })) as {
    data: { result: { values: [string, string][] }[] };
  };
  return answer.data.result.flatMap(({ values }) => values.map(([, line]) => line)).sort();
}

describe('a request that is sent again', () => {
  it('is answered as the first time and stored once', async () => {
    const body = otlpLogs('again', 'once');
    const first = await send(body);
    expect(first[0]).toBe(200);
    expect(await send(body)).toEqual(first);
    expect(await linesOf('again')).toEqual(['once']);
  });

  it('is stored once when the first is still under way', async () => {
    const body = otlpLogs('at-once', 'once');
    const answers = await Promise.all(Array.from({ length: 20 }, async () => await send(body)));
    expect(answers.map(([status]) => status)).toEqual(Array(20).fill(200));
    expect(await linesOf('at-once')).toEqual(['once']);
  });

  it('is stored once over a kill, and over a seal of what came before', async () => {
    const body = otlpLogs('killed', 'once');
    await send(body);
    await varve.kill();
    varve = await startVarve({ dataDir: varve.dataDir });
    expect((await send(body))[0]).toBe(200);
    expect(await linesOf('killed')).toEqual(['once']);
  });

  it('is known by its Idempotency-Key, whatever its body is', async () => {
    await send(otlpLogs('named', 'first'), { 'idempotency-key': 'batch-17' });
    await send(otlpLogs('named', 'second'), { 'idempotency-key': 'batch-17' });
    await send(otlpLogs('named', 'third'), { 'idempotency-key': 'batch-18' });
    expect(await linesOf('named')).toEqual(['first', 'third']);
  });

  it('is known by its key alone where its lines have no times of their own', async () => {
    const attributes = [{ key: 'service.name', value: { stringValue: 'untimed' } }];
    const logRecords = [{ body: { stringValue: 'tick' } }];
    const body = JSON.stringify({
      resourceLogs: [{ resource: { attributes }, scopeLogs: [{ logRecords }] }],
    });
    await send(body);
    await send(body);
    expect(await linesOf('untimed')).toEqual(['tick', 'tick']);
    const named = { 'idempotency-key': 'tick-3' };
    await send(body, named);
    await send(body, named);
    expect(await linesOf('untimed')).toEqual(['tick', 'tick', 'tick']);
  });

  it('is another one for another tenant', async () => {
    const body = otlpLogs('tenants', 'mine');
    for (const tenant of ['a', 'b']) await send(body, { 'x-scope-orgid': tenant });
    const metrics = await (await fetch(`http://127.0.0.1:${varve.ports.all}/metrics`)).text();
    const segments = /^varve_view_memtable_bytes\{tenant="[ab]",table="logs"\} [1-9]/gm;
    expect(metrics.match(segments)).toHaveLength(2);
  });

  it('is refused with a key that is too long', async () => {
    const [status, answer] = await send(otlpLogs('long', 'x'), { 'idempotency-key': 'k'.repeat(257) });
    expect([status, answer]).toMatchObject([
      400,
      { message: 'Idempotency-Key has 257 bytes, over 256; send a shorter one' },
    ]);
  });

  it('counts among the metrics', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${varve.ports.all}/metrics`)).text();
    expect(Number(/^varve_log_duplicates_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
  });
});

describe('with log.dedupe_window_ms = 0', () => {
  it('a request that is sent again is stored again', async () => {
    const remembered = varve;
    varve = await startVarve({ settings: { 'log-dedupe-window-ms': '0' } });
    const body = otlpLogs('twice', 'same');
    await send(body);
    await send(body);
    expect(await linesOf('twice')).toEqual(['same', 'same']);
    await varve.stop();
    varve = remembered;
  });
});
