import { expect, vi } from 'vitest';
import { awaitLines } from './loki.ts';
import type { Sent } from './senders.ts';
import { awaitSpans } from './tempo.ts';
import { getJson, type Varve } from './varve.ts';

// Every field of what `sendAllSignals` sent, and each record once.

export async function logIsWhole(varve: Varve, { service, traceId, rootSpanId }: Sent): Promise<void> {
  expect(await awaitLines(varve, `{service_name="${service}"}`, 1)).toEqual([
    {
      line: `payment declined for ${service}`,
      timeNs: expect.stringMatching(/^\d{19}$/) as unknown,
      labels: {
        service_name: service,
        host_name: 'vm-1',
        scope_name: 'checkout',
        scope_version: '1.2.3',
        severity_number: '17',
        severity_text: 'ERROR',
        detected_level: 'error',
        trace_id: traceId,
        span_id: rootSpanId,
        flags: '1',
        user_id: 'u1',
        attempt: '3',
        observed_timestamp: expect.stringMatching(/^\d{19}$/) as unknown,
      },
    },
  ]);
}

export async function traceIsWhole(varve: Varve, sent: Sent): Promise<void> {
  const { service, traceId, rootSpanId, childSpanId } = sent;
  const common = {
    resource: { 'service.name': service, 'host.name': 'vm-1' },
    scope: { name: 'checkout', version: '1.2.3' },
  };
  const found = await awaitSpans(varve, traceId, 2);
  expect(found.toSorted((one, other) => (one.span.name < other.span.name ? -1 : 1))).toEqual([
    {
      ...common,
      spanId: rootSpanId,
      attributes: { 'http.status_code': '502' },
      events: [],
      span: expect.objectContaining({ name: 'POST /checkout', kind: 'SPAN_KIND_INTERNAL' }) as unknown,
    },
    {
      ...common,
      spanId: childSpanId,
      attributes: { provider: 'acme' },
      events: [{ name: 'declined', attributes: { code: 'insufficient funds' } }],
      span: expect.objectContaining({ name: 'charge card', parentSpanId: rootSpanId }) as unknown,
    },
  ]);
  const root = found.find(({ spanId }) => spanId === rootSpanId);
  expect(root?.span.parentSpanId ?? '').toBe('');
}

// Bounds of the SDK's histograms.
const bounds = '0 5 10 25 50 75 100 250 500 750 1000 2500 5000 7500 10000 +Inf'.split(' ');

/** `more`: labels that all but `target_info` bear beside their own. */
export async function metricsAreWhole(
  { ports }: Varve,
  { service }: Sent,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const own = { job: service, shop: 'north', ...more };
  const histogram = 'checkout_duration_seconds';
  const wanted = [
    { metric: { __name__: 'cart_items', ...own }, value: '3' },
    ...bounds.map((le) => ({
      metric: { __name__: `${histogram}_bucket`, ...own, le },
      value: le === '0' ? '0' : '1',
    })),
    { metric: { __name__: `${histogram}_count`, ...own }, value: '1' },
    { metric: { __name__: `${histogram}_sum`, ...own }, value: '0.2' },
    { metric: { __name__: 'orders_total', ...own }, value: '7' },
    { metric: { __name__: 'target_info', job: service, host_name: 'vm-1' }, value: '1' },
  ];
  await vi.waitFor(
    async () => {
      expect(await instant(ports.prometheus, `{job="${service}"}`)).toEqual(
        expect.arrayContaining(wanted.map((series) => expect.objectContaining(series) as unknown)),
      );
    },
    { timeout: 20_000, interval: 100 },
  );
  const found = await instant(ports.prometheus, `{job="${service}"}`);
  expect(found).toHaveLength(wanted.length);
  const samples = await instant(ports.prometheus, `sum(count_over_time({job="${service}"}[1h]))`);
  expect(samples).toEqual([{ metric: {}, value: String(wanted.length) }]);
}

interface Vector {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }[];
  };
}

/** The series of an instant query with their values. */
export async function instant(port: number, query: string) {
  const { data } = (await getJson(port, '/api/v1/query', { query })) as Vector;
  return data.result.map(({ metric, value: [, value] }) => ({ metric, value }));
}
