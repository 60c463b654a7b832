import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logMarker, makeLogs } from '../../bench/logs.ts';
import { hourBefore } from '../../bench/payload.ts';
import { Client, sendAll } from '../../bench/send.ts';
import { callRaw, postRaw } from '../support/raw-requests.ts';
import { getJson, startVarve, temporaryFolder, type Varve } from '../support/varve.ts';

const json = { 'content-type': 'application/json' };
const protobuf = { 'content-type': 'application/x-protobuf' };
const exporting = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const tooMuch = logMarker('x'.repeat(4_000), Date.now());

describe.each([
  {
    what: 'one tenant has too much in flight',
    setting: 'limits-in-flight-max-bytes',
    http: 429,
    grpc: 8,
  },
  { what: 'all have too much in flight', setting: 'ingest-in-flight-max-bytes', http: 503, grpc: 14 },
])('when $what', ({ setting, http, grpc }) => {
  let varve: Varve;

  beforeAll(async () => {
    varve = await startVarve({ settings: { [setting]: '2048', 'ingest-retry-after-seconds': '7' } });
  });

  afterAll(async () => {
    await varve.stop();
  });

  it(`OTLP over HTTP answers ${http} and when to come again, with a Status of code ${grpc}`, async () => {
    const url = `http://127.0.0.1:${varve.ports.otlp}/v1/logs`;
    const answer = await postRaw(url, protobuf, tooMuch);
    expect([answer.status, answer.type, answer.retryAfter]).toEqual([http, 'application/x-protobuf', '7']);
    expect([...answer.bytes.subarray(0, 2)]).toEqual([8, grpc]);
  });

  it(`OTLP over gRPC answers ${grpc} with a RetryInfo, without which exporters give up`, async () => {
    expect(await callRaw(varve.ports.grpc, exporting, tooMuch)).toMatchObject({
      code: grpc,
      retrySeconds: 7,
      message: expect.stringContaining(setting.replace('-', '.').replaceAll('-', '_')) as unknown,
    });
  });

  it.each([
    ['loki', '/loki/api/v1/push', json],
    ['prometheus', '/api/v1/write', protobuf],
  ] as const)(`%s answers ${http} in a line of text`, async (listener, path, headers) => {
    const answer = await postRaw(`http://127.0.0.1:${varve.ports[listener]}${path}`, headers, tooMuch);
    expect([answer.status, answer.type, answer.retryAfter]).toEqual([http, 'text/plain; charset=utf-8', '7']);
    expect(answer.text).toMatch(/^[^\n]+; send again later\n$/);
  });

  it('a smaller request is taken, then and after', async () => {
    const url = `http://127.0.0.1:${varve.ports.otlp}/v1/logs`;
    for (const text of ['one', 'two'])
      expect((await postRaw(url, protobuf, logMarker(text, Date.now()))).status).toBe(200);
  });

  it('the connection of a large request is of use again', async () => {
    const client = new Client(varve.ports.otlp, 1);
    const large = logMarker('x'.repeat(8_000_000), Date.now());
    expect((await client.post('/v1/logs', protobuf, large)).status).toBe(http);
    const small = logMarker('small', Date.now());
    expect((await client.post('/v1/logs', protobuf, small)).status).toBe(200);
    client.close();
  });
});

describe('when a tenant has as many streams as it may', () => {
  const dataDir = temporaryFolder();
  const now = Date.now();
  const streams = ['old', 'new'].map((app) => ({ stream: { app }, values: [[`${now}000000`, `of ${app}`]] }));
  const push = async (varve: Varve) =>
    await postRaw(`http://127.0.0.1:${varve.ports.loki}/loki/api/v1/push`, json, JSON.stringify({ streams }));
  const found = async (varve: Varve) => {
    const answer = (await getJson(varve.ports.loki, '/loki/api/v1/query_range', {
      query: '{app=~".+"}',
    })) as { data: { result: { values: [string, string][] }[] } };
    return answer.data.result.flatMap(({ values }) => values.map(([, line]) => line)).sort();
  };

  it('a push of a further one is asked to come again, and is then stored once there is room', async () => {
    const full = await startVarve({
      dataDir,
      settings: { 'limits-streams-max': '1', 'ingest-retry-after-seconds': '7' },
    });
    for (const attempt of [1, 2]) {
      const answer = await push(full);
      expect([attempt, answer.status, answer.retryAfter]).toEqual([attempt, 429, '7']);
      expect(answer.text).toContain('maximum active stream limit of 1 exceeded when trying to create stream');
    }
    expect(await found(full)).toEqual(['of old']);
    await full.stop();

    const roomy = await startVarve({ dataDir });
    expect((await push(roomy)).status).toBe(204);
    expect(new Set(await found(roomy))).toEqual(new Set(['of new', 'of old']));
    await roomy.stop();
  });
});

describe('when senders are faster than sealing', () => {
  it('they are held back, and none is refused', async () => {
    const varve = await startVarve({ settings: { 'view-memtable-max-bytes': '1048576' } });
    const client = new Client(varve.ports.otlp, 8);
    const sent = await sendAll(client, makeLogs(40_000, hourBefore(Date.now())), 8);
    client.close();
    expect([sent.ackMs.length, sent.sentAgain]).toEqual([40, 0]);
    await varve.stop();
  });
});
