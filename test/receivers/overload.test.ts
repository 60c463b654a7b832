import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logMarker } from '../../bench/logs.ts';
import { callRaw, postRaw } from '../support/raw-requests.ts';
import { startVarve, type Varve } from '../support/varve.ts';

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
});
