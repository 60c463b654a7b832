import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Shop, sendShop } from '../grafana/shop.ts';
import { pushLines } from '../support/loki-push.ts';
import { getJson, startVarve, type Varve } from '../support/varve.ts';

let varve: Varve;
let shop: Shop;

const apps = ['cart', 'pay', 'mail'] as const;
const tenant = { 'x-scope-orgid': 'segments' };

beforeAll(async () => {
  varve = await startVarve({
    settings: { 'view-memtable-max-age-ms': '1000', 'view-compaction-segments-min': '0' },
  });
  shop = await sendShop(varve.ports);
  for (const [at, app] of apps.entries()) {
    await pushLines(varve, { app }, [`first of ${app}`, `needle in ${app}`], tenant);
    await sealed({ language: 'logql', query: '{app=~".+"}' }, at + 1, tenant);
  }
  await sealed({ language: 'promql', query: 'cart_items' }, 1);
  await sealed({ language: 'traceql', query: '{ }' }, 1);
});

afterAll(async () => {
  await varve.stop();
});

interface Told {
  readonly endpoint: string;
  readonly plan: string;
  readonly tree: { readonly node: string } | null;
  readonly stats: {
    readonly segmentsTotal: number;
    readonly segmentsRead: number;
    readonly leftOut: Readonly<Record<string, number>>;
    readonly rowsRead: number;
    readonly memtableRowsRead: number;
    readonly rowsMatched: number;
    readonly elapsedNs: number;
    readonly queuedNs: number;
    readonly memoryPeakBytes: number;
  };
  readonly warnings: readonly string[];
  readonly answer: { readonly empty: boolean; readonly bytes: number };
}

type Parameters = Readonly<Record<string, string>>;

async function analyzed(parameters: Parameters, headers: Parameters = {}): Promise<Told> {
  const asked = { ...parameters, analyze: 'true' };
  const told = (await getJson(varve.ports.all, '/varve/api/v1/explain', asked, headers)) as Told;
  const { segmentsTotal, segmentsRead, leftOut } = told.stats;
  const left = Object.values(leftOut).reduce((sum, one) => sum + one, 0);
  expect(segmentsRead + left).toBe(segmentsTotal);
  return told;
}

/** Waits until all that was sent is in so many segments at least. */
async function sealed(parameters: Parameters, segments: number, headers: Parameters = {}): Promise<void> {
  await vi.waitFor(
    async () => {
      const { stats } = await analyzed(parameters, headers);
      expect(stats.segmentsTotal).toBeGreaterThanOrEqual(segments);
      expect(stats.memtableRowsRead).toBe(0);
    },
    { timeout: 30_000, interval: 100 },
  );
}

describe('an analysis over sockets', () => {
  it('counts what labels, texts, time and the limit leave out', async () => {
    const all = await analyzed({ language: 'logql', query: '{app=~".+"}' }, tenant);
    expect(all.stats).toMatchObject({ segmentsTotal: 3, segmentsRead: 3, rowsMatched: 6 });
    expect(all.stats.elapsedNs).toBeGreaterThan(0);
    expect(all.stats.memoryPeakBytes).toBeGreaterThan(0);
    const one = await analyzed({ language: 'logql', query: '{app=~"cart|pay"} |= "needle in pay"' }, tenant);
    expect(one.stats).toMatchObject({ segmentsRead: 1, leftOut: { byLabels: 1, byText: 1 } });
    const newest = await analyzed({ language: 'logql', query: '{app=~".+"}', limit: '1' }, tenant);
    expect(newest.stats).toMatchObject({ segmentsRead: 1, leftOut: { byLimit: 2 } });
    const before = { start: '1', end: '2' };
    const none = await analyzed({ language: 'logql', query: '{app=~".+"}', ...before }, tenant);
    expect(none).toMatchObject({ stats: { leftOut: { byTime: 3 } }, answer: { empty: true } });
  });

  it('shows for every language what its own API runs', async () => {
    const seconds = (ms: number) => String(Math.floor(ms / 1_000));
    const range = { start: seconds(shop.startMs), end: seconds(shop.endMs) };
    const lines = await analyzed({
      language: 'logql',
      query: '{service_name="shop"} |= "declined"',
      ...range,
    });
    expect(lines).toMatchObject({ endpoint: '/loki/api/v1/query_range', tree: { node: 'logRows' } });
    expect(lines.stats.rowsMatched).toBe(4);
    const carts = await analyzed({ language: 'promql', query: 'sum(cart_items)', ...range, step: '15' });
    expect(carts).toMatchObject({ endpoint: '/api/v1/query_range', tree: { node: 'series' } });
    expect(carts.plan).toMatch(/^series prometheus /);
    const traces = await analyzed({ language: 'traceql', query: '{ status = error }', ...range });
    expect(traces).toMatchObject({ endpoint: '/api/search', answer: { empty: false }, warnings: [] });
    const rates = await analyzed({ language: 'traceql', query: '{ } | rate()', ...range, step: '60s' });
    expect(rates).toMatchObject({ endpoint: '/api/metrics/query_range', tree: { node: 'spanSeries' } });
  });

  it('is served beside each API', async () => {
    const { loki, tempo, prometheus } = varve.ports;
    for (const [port, language, query] of [
      [loki, 'logql', '{a="b"}'],
      [prometheus, 'promql', 'up'],
      [tempo, 'traceql', '{ }'],
    ] as const) {
      const told = (await getJson(port, '/varve/api/v1/explain', { language, query })) as Told;
      expect(told.plan).not.toBe('');
      expect(told).not.toHaveProperty('stats');
    }
  });
});
