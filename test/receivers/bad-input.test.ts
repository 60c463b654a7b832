import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { compress } from 'snappyjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { logMarker } from '../../bench/logs.ts';
import { sampleMarker } from '../../bench/samples.ts';
import { fieldsAt } from '../support/protobuf.ts';
import { callRaw, postRaw, type RawAnswer, writeGarbage } from '../support/raw-requests.ts';
import { getJson, startVarve, type Varve } from '../support/varve.ts';

const KiB = 1024;
const protobuf = { 'content-type': 'application/x-protobuf' };
const json = { 'content-type': 'application/json' };

let varve: Varve;

beforeAll(async () => {
  varve = await startVarve({
    settings: { 'limits-body-max-bytes': String(64 * KiB), 'limits-body-decompressed-max-bytes': '1048576' },
  });
});

// Whatever was sent before, the next request is served.
afterEach(async () => {
  const answer = await postRaw(at('otlp', '/v1/logs'), protobuf, logMarker('still here', Date.now()));
  expect([answer.status, answer.text]).toEqual([200, '']);
});

afterAll(async () => {
  expect(await varve.stop()).toBe(0);
});

const at = (listener: 'otlp' | 'loki' | 'prometheus', path: string) =>
  `http://127.0.0.1:${varve.ports[listener]}${path}`;
/** No codec's frame; as a snappy block, a copy of what has not come yet. */
const notCompressed = Buffer.alloc(64, 1);
const now = () => `${Date.now()}000000`;

/** Lines of a stream that are there now. */
async function linesOf(selector: string): Promise<string[]> {
  const answer = (await getJson(varve.ports.loki, '/loki/api/v1/query_range', { query: selector })) as {
    data: { result: { values: [string, string][] }[] };
  };
  return answer.data.result.flatMap(({ values }) => values.map(([, line]) => line));
}

/** `google.rpc.Status` as OTLP's HTTP answers carry it. */
const messageIn = ({ bytes }: RawAnswer) => fieldsAt(bytes, [2]).map(String).join();

describe.each(['/v1/logs', '/v1/traces', '/v1/metrics'])('OTLP over HTTP at %s', (path) => {
  const url = () => at('otlp', path);
  const whole = logMarker('cut', Date.now());

  it('refuses protobuf that is cut, with a Status of code 3', async () => {
    const answer = await postRaw(url(), protobuf, whole.subarray(0, -3));
    expect([answer.status, answer.type]).toEqual([400, 'application/x-protobuf']);
    expect([...answer.bytes.subarray(0, 2)]).toEqual([8, 3]);
    expect(messageIn(answer)).not.toBe('');
  });

  it('refuses bytes that are nothing', async () => {
    const answer = await postRaw(url(), protobuf, Buffer.alloc(1_000, 0xff));
    expect(answer.status).toBe(400);
  });

  it.each(['{"resourceLogs":[', '{"resourceLogs":5,"resourceSpans":5,"resourceMetrics":5}', '[]', 'null'])(
    'refuses JSON of another shape: %s',
    async (body) => {
      const answer = await postRaw(url(), json, body);
      expect([answer.status, answer.type]).toEqual([400, 'application/json']);
      expect(JSON.parse(answer.text)).toEqual({ code: 3, message: expect.stringMatching(/.+/) as unknown });
    },
  );

  it('takes a request without records for a success', async () => {
    expect((await postRaw(url(), json, '{}')).text).toBe('{}');
    expect((await postRaw(url(), protobuf, new Uint8Array())).bytes).toHaveLength(0);
  });

  it('refuses a body that grows past the limit when decompressed, as 413', async () => {
    const bomb = gzipSync(Buffer.alloc(48 * KiB * KiB));
    expect(bomb.length).toBeLessThan(64 * KiB);
    const answer = await postRaw(url(), { ...protobuf, 'content-encoding': 'gzip' }, bomb);
    expect([answer.status, answer.type]).toEqual([413, 'application/x-protobuf']);
    expect(messageIn(answer)).toMatch(/1048576 bytes.*body_decompressed_max_bytes/);
  });

  it.each(['gzip', 'zstd', 'snappy', 'deflate', 'lz4'])(
    'refuses a body that is not the %s it claims',
    async (encoding) => {
      const answer = await postRaw(url(), { ...protobuf, 'content-encoding': encoding }, notCompressed);
      expect(answer.status).toBe(400);
    },
  );

  it('refuses encodings it does not know', async () => {
    const answer = await postRaw(url(), { ...json, 'content-encoding': 'br' }, '{}');
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      415,
      { code: expect.any(Number) as unknown },
    ]);
  });

  it.each([
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/grpc' },
    { 'content-type': '' },
    {},
  ])('refuses what it does not know the type of: %j', async (headers) => {
    const answer = await postRaw(url(), headers, Buffer.from('{}'));
    expect([answer.status, answer.text]).toEqual([
      415,
      '415 unsupported media type, supported: [application/json, application/x-protobuf]',
    ]);
  });

  it('says once what is wrong', async () => {
    const answer = await postRaw(url(), { ...json, 'content-encoding': 'gzip' }, Buffer.from('{}'));
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      400,
      { code: 3, message: 'body is not gzip: unexpected end of file' },
    ]);
  });

  it('refuses other methods', async () => {
    const response = await fetch(url());
    expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([
      405,
      'POST',
      '405 method not allowed, supported: [POST]',
    ]);
  });

  it('refuses a body over the limit, whether its length is declared or not', async () => {
    const body = Buffer.alloc(100 * KiB);
    const declared = await postRaw(url(), protobuf, body);
    const chunked = await postRaw(url(), protobuf, new Blob([body]).stream());
    expect([declared.status, chunked.status]).toEqual([413, 413]);
    expect(messageIn(declared)).toContain('limits.body_max_bytes = 65536');
  });

  it('refuses writing to several tenants', async () => {
    expect((await postRaw(url(), { ...json, 'x-scope-orgid': 'a|b' }, '{}')).status).toBe(400);
  });
});

describe('a batch of OTLP of which a part is bad', () => {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'partly' } }] };

  it('of log records keeps the good ones and tells how many it refused', async () => {
    const logRecords = [
      { timeUnixNano: now(), body: { stringValue: 'good' } },
      { timeUnixNano: now(), body: { stringValue: 'bad trace' }, traceId: 'abcdef' },
      { timeUnixNano: now(), body: { stringValue: 'bad span' }, spanId: '00' },
      { timeUnixNano: `${Date.now() + 86_400_000}000000`, body: { stringValue: 'tomorrow' } },
    ];
    const body = JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] });
    const answer = await postRaw(at('otlp', '/v1/logs'), json, body);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      200,
      { partialSuccess: { rejectedLogRecords: '3', errorMessage: expect.any(String) as unknown } },
    ]);
    expect(answer.text).toContain('trace id must be 16 bytes, not 3');
    expect(answer.text).toContain('span id must be 8 bytes, not 1');
    expect(await linesOf('{service_name="partly"}')).toEqual(['good']);
  });

  it('of spans keeps the good ones', async () => {
    const traceId = randomBytes(16).toString('hex');
    const times = { startTimeUnixNano: now(), endTimeUnixNano: now() };
    const spans = [
      { traceId, spanId: '00f067aa0ba902b7', name: 'good', ...times },
      { traceId, spanId: '00', name: 'short', ...times },
      { traceId: '0'.repeat(32), spanId: '00f067aa0ba902b7', name: 'zeros', ...times },
    ];
    const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
    const answer = await postRaw(at('otlp', '/v1/traces'), json, body);
    expect(JSON.parse(answer.text)).toMatchObject({ partialSuccess: { rejectedSpans: '2' } });
    const trace = JSON.stringify(await getJson(varve.ports.tempo, `/api/traces/${traceId}`));
    expect(trace).toContain('"good"');
    expect(trace).not.toContain('"short"');
  });

  it('of metrics keeps the good ones', async () => {
    const point = { timeUnixNano: now(), asDouble: 1 };
    const metrics = [
      { name: 'partly.good', gauge: { dataPoints: [point] } },
      {
        name: 'partly.delta',
        sum: { dataPoints: [point, point], aggregationTemporality: 1, isMonotonic: true },
      },
    ];
    const body = JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] });
    const answer = await postRaw(at('otlp', '/v1/metrics'), json, body);
    expect(JSON.parse(answer.text)).toMatchObject({ partialSuccess: { rejectedDataPoints: '2' } });
    const names = await getJson(varve.ports.prometheus, '/api/v1/label/__name__/values');
    expect(names).toMatchObject({ data: expect.arrayContaining(['partly_good']) as unknown });
    expect(JSON.stringify(names)).not.toContain('partly_delta');
  });
});

describe('OTLP over gRPC', () => {
  const exporting = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';

  it('refuses a message that is none as INVALID_ARGUMENT, which senders drop', async () => {
    const answer = await callRaw(varve.ports.grpc, exporting, Buffer.alloc(100, 0xff));
    expect(answer).toMatchObject({ code: 3, retrySeconds: undefined });
    expect(answer.message).not.toBe('');
  });

  it('refuses a message over the limit without asking for it again', async () => {
    const answer = await callRaw(varve.ports.grpc, exporting, Buffer.alloc(100 * KiB));
    expect(answer).toMatchObject({ code: 8, retrySeconds: undefined });
  });

  it('has no other services', async () => {
    expect(await callRaw(varve.ports.grpc, '/no.such.Service/Export', Buffer.alloc(0))).toMatchObject({
      code: 12,
    });
  });

  it('outlives bytes that are no HTTP/2', async () => {
    await writeGarbage(varve.ports.grpc, Buffer.concat([randomBytes(200), Buffer.from('\r\n\r\n')]));
    const answer = await callRaw(varve.ports.grpc, exporting, logMarker('after garbage', Date.now()));
    expect(answer).toMatchObject({ code: 0 });
    expect(answer.response).toHaveLength(0);
  });
});

describe('bytes that are no request', () => {
  it.each(['otlp', 'loki', 'tempo', 'prometheus', 'all'] as const)(
    'end the connection at %s',
    async (port) => {
      await writeGarbage(varve.ports[port], Buffer.concat([randomBytes(200), Buffer.from('\r\n\r\n')]));
    },
  );
});

describe("Loki's push", () => {
  const push = async (headers: Readonly<Record<string, string>>, body: Uint8Array | string) =>
    await postRaw(at('loki', '/loki/api/v1/push'), headers, body);

  it.each([
    ['cut', '{"streams":[{"stream":{"app":"x"},"values":[["1'],
    ['a time that is no number', '{"streams":[{"stream":{"app":"x"},"values":[["yesterday","line"]]}]}'],
    ['a value with one element', '{"streams":[{"stream":{"app":"x"},"values":[["1"]]}]}'],
    ['labels that are no text', '{"streams":[{"stream":{"app":{}},"values":[["1","line"]]}]}'],
    ['a label that has a bad name', '{"streams":[{"stream":{"a-b":"x"},"values":[["1","line"]]}]}'],
    ['metadata that is no text', '{"streams":[{"stream":{"app":"x"},"values":[["1","line",{"n":7}]]}]}'],
  ])('refuses JSON with %s', async (_what, body) => {
    const answer = await push(json, body);
    expect([answer.status, answer.type]).toEqual([400, 'text/plain; charset=utf-8']);
    expect(answer.text.trim().split('\n')).toHaveLength(1);
  });

  it('asks for at least one stream', async () => {
    const answer = await push(json, '{"streams":[]}');
    expect([answer.status, answer.text.trim()]).toEqual([
      422,
      'error at least one valid stream is required for ingestion',
    ]);
  });

  it('takes streams without lines', async () => {
    const answer = await push(json, '{"streams":[{"stream":{"app":"x"},"values":[]}]}');
    expect([answer.status, answer.text]).toEqual([204, '']);
  });

  it('refuses protobuf that is not compressed, and protobuf that is cut', async () => {
    expect((await push(protobuf, notCompressed)).status).toBe(400);
    expect((await push(protobuf, compress(Uint8Array.of(10, 200, 1)))).status).toBe(400);
  });

  it('refuses encodings it does not know, as Loki words it', async () => {
    const answer = await push({ ...json, 'content-encoding': 'br' }, '{}');
    expect([answer.status, answer.text.trim()]).toEqual([400, 'Content-Encoding "br" not supported']);
  });

  it('keeps the good lines of a request and tells why it refused the others', async () => {
    const values = [
      [now(), 'short enough'],
      [now(), 'x'.repeat(300 * KiB)],
      [`${Date.now() + 86_400_000}000000`, 'tomorrow'],
    ];
    const body = gzipSync(JSON.stringify({ streams: [{ stream: { app: 'partly-loki' }, values }] }));
    const answer = await push({ ...json, 'content-encoding': 'gzip' }, body);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('partly-loki');
    expect(await linesOf('{app="partly-loki"}')).toEqual(['short enough']);
  });
});

describe('remote write', () => {
  const write = async (headers: Readonly<Record<string, string>>, body: Uint8Array) =>
    await postRaw(at('prometheus', '/api/v1/write'), { ...protobuf, ...headers }, body);
  const snappy = { 'content-encoding': 'snappy' };

  it('refuses bodies that are not compressed, and compressed ones that are cut', async () => {
    expect((await write(snappy, notCompressed)).status).toBe(400);
    const whole = sampleMarker('cut', Date.now());
    expect((await write(snappy, whole.subarray(0, -2))).status).toBe(400);
    expect((await write(snappy, compress(Uint8Array.of(10, 200, 1)))).status).toBe(400);
  });

  it.each([
    [{ 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request' }],
    [{ 'content-type': 'application/json' }],
    [{ 'content-encoding': 'br' }],
  ])('answers 415 to %j, as senders expect of what is not offered', async (headers) => {
    expect((await write({ ...snappy, ...headers }, sampleMarker('x', Date.now()))).status).toBe(415);
  });

  it('drops series without a name and takes the rest, as Prometheus does', async () => {
    const good = sampleMarker('partly_written', Date.now());
    expect((await write(snappy, sampleMarker('', Date.now()))).status).toBe(204);
    expect((await write(snappy, good)).status).toBe(204);
    expect(
      await getJson(varve.ports.prometheus, '/api/v1/series', { 'match[]': '{__name__=~".+"}' }),
    ).toMatchObject({
      data: expect.arrayContaining([{ __name__: 'partly_written' }]) as unknown,
    });
  });

  it('refuses samples far ahead of the clock and names the series', async () => {
    const answer = await write(snappy, sampleMarker('tomorrow', Date.now() + 86_400_000));
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('tomorrow')]);
  });
});
