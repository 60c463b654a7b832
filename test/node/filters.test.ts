import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;
const nowNs = BigInt(Date.now()) * 1_000_000n;
const users = ['ada', 'eve'] as const;

beforeAll(async () => {
  varve = await startVarve({
    settings: { 'view-filter-attributes': 'user.id', 'view-memtable-max-age-ms': '1000' },
  });
  // Each is sealed before the next comes, into a segment of its own.
  for (const [at, user] of users.entries()) {
    await send(user, at + 1);
    const isSealed = async () =>
      (await explained('SELECT * FROM spans')).includes(`segments_read=${at + 1}, memtable_batches=0`);
    await vi.waitUntil(isSealed, { timeout: 20_000 });
  }
});

afterAll(async () => {
  await varve.stop();
});

async function send(user: string, value: number): Promise<void> {
  const attributes = [{ key: 'user.id', value: { stringValue: user } }];
  const at = String(nowNs + BigInt(value));
  const id = { traceId: String(value).repeat(32), spanId: String(value).repeat(16) };
  const span = { ...id, name: 'pay', kind: 2, startTimeUnixNano: at, endTimeUnixNano: at, attributes };
  const response = await fetch(`http://127.0.0.1:${varve.ports.otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
  });
  expect(response.status).toBe(200);
}

async function sql(body: string): Promise<readonly (readonly unknown[])[]> {
  const response = await fetch(`http://127.0.0.1:${varve.ports.all}/api/sql`, { method: 'POST', body });
  return ((await response.json()) as { rows: unknown[][] }).rows;
}

async function explained(statement: string): Promise<string> {
  return JSON.stringify(await sql(`EXPLAIN ${statement}`));
}

async function tracesOf(query: string): Promise<readonly string[]> {
  const url = `http://127.0.0.1:${varve.ports.tempo}/api/search?q=${encodeURIComponent(query)}`;
  const { traces } = (await (await fetch(url)).json()) as { traces: { traceID: string }[] };
  return traces.map(({ traceID }) => traceID);
}

describe('the filters of segments', () => {
  it.each([
    [`attributes['user.id'] = 'eve'`, 1],
    [`span_id = '${'2'.repeat(16)}'`, 1],
    [`attributes['user.id'] = 'mallory'`, 2],
  ])('leave segments out of a statement: %s', async (condition, leftOut) => {
    const statement = `SELECT count(*) FROM spans WHERE ${condition}`;
    expect(await explained(statement)).toContain(`pruned_by_value=${leftOut},`);
    expect(await sql(statement)).toEqual([[2 - leftOut]]);
  });

  it.each([
    '{ .user.id = "eve" }',
    `{ span:id = "${'2'.repeat(16)}" }`,
    '{ span.user.id = "eve" && name = "pay" }',
  ])('find the trace: %s', async (query) => {
    expect(await tracesOf(query)).toEqual(['2'.repeat(32)]);
  });
});
