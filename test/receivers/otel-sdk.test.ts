import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Sent, sendAllSignals, type Transport } from '../support/senders.ts';
import { getJson, startVarve, type Varve } from '../support/varve.ts';

const transports: readonly Transport[] = ['gRPC', 'HTTP with protobuf', 'HTTP with JSON'];

let varve: Varve;
const sent = new Map<Transport, Sent>();
const of = (transport: Transport): Sent => {
  const found = sent.get(transport);
  if (found === undefined) throw new Error(`nothing was sent over ${transport}`);
  return found;
};

beforeAll(async () => {
  varve = await startVarve();
  for (const [index, transport] of transports.entries())
    sent.set(transport, await sendAllSignals(transport, varve.ports, `shop-${index}`));
});

afterAll(async () => {
  await varve.stop();
});

/** The same questions to the same data, wherever it is kept by now. */
function everySignalIsFound(): void {
  describe.each(transports)('sent over %s', (transport) => {
    it('the log record is found by stream, text and attribute, and counted', async () => {
      await logsAreFound(varve.ports.loki, of(transport));
    });
    it('the trace is found by id, by tag and by condition', async () => {
      await traceIsFound(varve.ports.tempo, of(transport));
    });
    it('the metrics are found by name, label and range', async () => {
      await metricsAreFound(varve.ports.prometheus, of(transport));
    });
  });
}

describe('what the OpenTelemetry SDK sent', () => {
  describe('at once', everySignalIsFound);

  describe('after a restart', () => {
    beforeAll(async () => {
      expect(await varve.stop()).toBe(0);
      varve = await startVarve({ dataDir: varve.dataDir, settings: { 'view-memtable-max-age-ms': '1000' } });
    });
    everySignalIsFound();
  });

  describe('from sealed segments, after another restart', () => {
    beforeAll(async () => {
      const segments = () =>
        readdirSync(join(varve.dataDir, 'segments'), { recursive: true, withFileTypes: true }).filter(
          (entry) => entry.isFile(),
        ).length;
      await vi.waitFor(
        () => {
          expect(segments()).toBeGreaterThanOrEqual(4);
        },
        { timeout: 30_000, interval: 200 },
      );
      expect(await varve.stop()).toBe(0);
      varve = await startVarve({ dataDir: varve.dataDir });
    });
    everySignalIsFound();
  });
});

async function logsAreFound(loki: number, { service, traceId }: Sent): Promise<void> {
  const selector = `{service_name="${service}"}`;
  const line = `payment declined for ${service}`;
  const stream = (query: string) => getJson(loki, '/loki/api/v1/query_range', { query });
  for (const query of [
    selector,
    `${selector} |= "declined"`,
    `${selector} | user_id="u1" | attempt="3"`,
    `${selector} | trace_id="${traceId}" | severity_text="ERROR"`,
    `{service_name=~"shop-.+"} |~ "for ${service}$"`,
  ]) {
    expect(await stream(query), query).toMatchObject({
      data: {
        resultType: 'streams',
        result: [
          {
            stream: { service_name: service, detected_level: 'error' },
            values: [[expect.any(String), line]],
          },
        ],
      },
    });
  }
  expect(await stream(`${selector} != "declined"`)).toMatchObject({ data: { result: [] } });
  expect(
    await getJson(loki, '/loki/api/v1/query', {
      query: `sum by (service_name) (count_over_time(${selector}[1h]))`,
    }),
  ).toMatchObject({
    data: {
      resultType: 'vector',
      result: [{ metric: { service_name: service }, value: [expect.any(Number), '1'] }],
    },
  });
  expect(await getJson(loki, '/loki/api/v1/labels')).toMatchObject({
    data: expect.arrayContaining(['service_name']) as unknown,
  });
  expect(await getJson(loki, '/loki/api/v1/label/service_name/values')).toMatchObject({
    data: expect.arrayContaining([service]) as unknown,
  });
  expect(await getJson(loki, '/loki/api/v1/series', { 'match[]': selector })).toMatchObject({
    data: [{ service_name: service }],
  });
}

async function traceIsFound(tempo: number, { service, traceId, childSpanId }: Sent): Promise<void> {
  for (const path of [`/api/traces/${traceId}`, `/api/v2/traces/${traceId}`]) {
    const json = JSON.stringify(await getJson(tempo, path));
    expect(json).toContain('POST /checkout');
    expect(json).toContain('insufficient funds');
    const response = await fetch(`http://127.0.0.1:${tempo}${path}`, {
      headers: { accept: 'application/protobuf' },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get('content-type')).toBe('application/protobuf');
    expect(bytes.includes(Buffer.from(childSpanId, 'hex'))).toBe(true);
  }
  const found = {
    traces: [
      { traceID: traceId.replace(/^0+/, ''), rootServiceName: service, rootTraceName: 'POST /checkout' },
    ],
  };
  const searches = [
    { q: `{ resource.service.name = "${service}" && name = "charge card" }` },
    { q: `{ resource.service.name = "${service}" && span.http.status_code >= 500 }` },
    { q: `{ name = "POST /checkout" } > { .provider = "acme" && resource.service.name = "${service}" }` },
    { tags: `service.name=${service} provider=acme` },
  ];
  for (const search of searches)
    expect(await getJson(tempo, '/api/search', search), JSON.stringify(search)).toMatchObject(found);
  expect(JSON.stringify(await getJson(tempo, '/api/v2/search/tags'))).toContain('"provider"');
  expect(JSON.stringify(await getJson(tempo, '/api/v2/search/tag/resource.service.name/values'))).toContain(
    service,
  );
  expect(await getJson(tempo, '/api/search/tag/service.name/values')).toMatchObject({
    tagValues: expect.arrayContaining([service]) as unknown,
  });
}

async function metricsAreFound(prometheus: number, { service }: Sent): Promise<void> {
  const instant = (query: string) => getJson(prometheus, '/api/v1/query', { query });
  const one = (value: string) => ({
    data: { resultType: 'vector', result: [{ value: [expect.any(Number), value] }] },
  });
  expect(await instant(`orders_total{job="${service}",shop="north"}`)).toMatchObject(one('7'));
  expect(await instant(`cart_items{job="${service}"} * 2 + 1`)).toMatchObject(one('7'));
  expect(await instant(`sum by (job) (checkout_duration_seconds_count{job="${service}"})`)).toMatchObject(
    one('1'),
  );
  const end = Date.now() / 1_000;
  const range = {
    query: `max by (job) (cart_items{job="${service}"})`,
    start: String(end - 60),
    end: String(end),
    step: '5',
  };
  expect(await getJson(prometheus, '/api/v1/query_range', range)).toMatchObject({
    data: { resultType: 'matrix', result: [{ metric: { job: service } }] },
  });
  const match = { 'match[]': `{job="${service}"}` };
  expect(JSON.stringify(await getJson(prometheus, '/api/v1/series', match))).toContain(
    'checkout_duration_seconds_bucket',
  );
  expect(await getJson(prometheus, '/api/v1/labels', match)).toMatchObject({
    data: expect.arrayContaining(['job', 'shop', 'le']) as unknown,
  });
  expect(await getJson(prometheus, '/api/v1/label/job/values')).toMatchObject({
    data: expect.arrayContaining([service]) as unknown,
  });
  expect(await getJson(prometheus, '/api/v1/metadata', { metric: 'orders_total' })).toMatchObject({
    data: { orders_total: [{ type: 'counter', help: 'Orders taken.' }] },
  });
}
