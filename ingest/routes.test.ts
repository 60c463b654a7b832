import { BinaryReader } from '@bufbuild/protobuf/wire';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AppendRequest, parseTenant, type Receipt, type Storage, VarveError } from '../storage/index.ts';
import { createIngest, type IngestOptions, type RequestLimits } from './index.ts';

const limits: RequestLimits = {
  bodyMaxBytes: 1_000,
  inFlightMaxBytes: 1_500,
  bytesPerSecond: 0,
  burstBytes: 1,
  recordsPerSecond: 0,
  burstRecords: 1,
};

const options: IngestOptions = {
  tenantDefault: parseTenant('anonymous'),
  limits,
  tenantLimits: new Map([['small', { ...limits, bodyMaxBytes: 2 }]]),
  inFlightMaxBytes: 2_000,
  appendTimeoutMs: 1_000,
  retryAfterSeconds: 3,
  syslog: { tenant: null, messageMaxBytes: 8_192, waitingMaxBytes: 1_000, connectionsMax: 1 },
  corsOrigins: [],
};

const taken: Receipt = {
  accepted: 1,
  histograms: 0,
  exemplars: 0,
  refused: [],
  bodyBytes: 1,
  warnings: [],
};
const refusedOne: Receipt = {
  ...taken,
  refused: [{ reason: 'idInvalid', count: 2, message: 'span id must be 8 bytes' }],
};

let appended: AppendRequest[];
let outcome: () => Promise<Receipt>;
const checkRoom = vi.fn<() => void>();
let app: FastifyInstance;

async function started(changed: Partial<IngestOptions> = {}): Promise<FastifyInstance> {
  const unused = () => {
    throw new Error('not called by ingest');
  };
  const storage: Storage = {
    checkRoom,
    append: async (request) => {
      appended.push(request);
      return await outcome();
    },
    query: unused,
    sql: unused,
    status: unused,
    hold: unused,
    release: unused,
    seal: unused,
    pin: unused,
    unpin: unused,
    journalFiles: unused,
    compact: unused,
    expired: unused,
    expire: unused,
    position: unused,
    deletes: { create: unused, list: unused, cancel: unused },
    close: unused,
  };
  const ignore = () => undefined;
  const metrics = { accepted: ignore, refusedRecords: ignore, refusedRequest: ignore, nearLimit: ignore };
  const log = { warn: ignore, error: ignore };
  const server = fastify();
  await server.register(createIngest({ ...options, ...changed }, { storage, metrics, log }).plugins.all);
  return server;
}

beforeEach(async () => {
  appended = [];
  checkRoom.mockReset();
  outcome = () => Promise.resolve(taken);
  app = await started();
});

afterEach(async () => {
  await app.close();
});

const protobuf = { 'content-type': 'application/x-protobuf' };
const json = { 'content-type': 'application/json; charset=utf-8' };

describe('OTLP over HTTP', () => {
  it('hands the body over as it came, with its format, encoding and tenant', async () => {
    const headers = { ...protobuf, 'content-encoding': 'gzip', 'x-scope-orgid': 'shop' };
    const response = await app.inject({
      method: 'POST',
      url: '/v1/logs',
      headers,
      payload: Buffer.from([1, 2]),
    });
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe('application/x-protobuf');
    expect(response.rawPayload).toHaveLength(0);
    expect(appended).toEqual([
      { tenant: 'shop', format: 'otlpLogsProtobuf', encoding: 'gzip', body: Buffer.from([1, 2]) },
    ]);
  });

  it('takes an empty body, as an empty message', async () => {
    const response = await app.inject({ method: 'POST', url: '/v1/traces', headers: protobuf });
    expect(response.statusCode).toBe(200);
    expect(appended[0]?.body).toHaveLength(0);
  });

  it('tells partial success in JSON', async () => {
    outcome = () => Promise.resolve(refusedOne);
    const response = await app.inject({ method: 'POST', url: '/v1/traces', headers: json, payload: '{}' });
    expect(response.headers['content-type']).toBe('application/json');
    expect(response.json()).toEqual({
      partialSuccess: { rejectedSpans: '2', errorMessage: 'span id must be 8 bytes' },
    });
  });

  it('tells partial success in protobuf', async () => {
    outcome = () => Promise.resolve(refusedOne);
    const response = await app.inject({ method: 'POST', url: '/v1/traces', headers: protobuf });
    const reader = new BinaryReader(response.rawPayload);
    expect(reader.tag()).toEqual([1, 2]);
    const partial = new BinaryReader(reader.bytes());
    expect(partial.tag()).toEqual([1, 0]);
    expect(Number(partial.int64())).toBe(2);
    expect(partial.tag()).toEqual([2, 2]);
    expect(partial.string()).toBe('span id must be 8 bytes');
  });

  it.each([
    ['OVERLOADED', 503, 14],
    ['BODY_INVALID', 400, 3],
    ['INTERNAL', 500, 13],
  ] as const)('answers %s with %d and google.rpc.Code %d', async (code, status, grpc) => {
    outcome = () => Promise.reject(new VarveError(code, 'why'));
    const response = await app.inject({ method: 'POST', url: '/v1/metrics', headers: json, payload: '{}' });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toEqual({ code: grpc, message: 'why' });
    expect(response.headers['retry-after']).toBe(code === 'OVERLOADED' ? '3' : undefined);
  });

  it('reads no body while the store has no room', async () => {
    checkRoom.mockImplementation(() => {
      throw new VarveError('OVERLOADED', 'memtables are full');
    });
    const response = await app.inject({ method: 'POST', url: '/v1/logs', headers: json, payload: '{}' });
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '3']);
    expect(appended).toHaveLength(0);
  });

  it('refuses another content type with 415 and the ones it takes', async () => {
    const headers = { 'content-type': 'text/plain' };
    const response = await app.inject({ method: 'POST', url: '/v1/logs', headers, payload: 'x' });
    expect(response.statusCode).toBe(415);
    expect(response.body).toBe(
      '415 unsupported media type, supported: [application/json, application/x-protobuf]',
    );
  });

  it('refuses a body over the limit with 413', async () => {
    const payload = Buffer.alloc(1_001);
    const response = await app.inject({ method: 'POST', url: '/v1/logs', headers: protobuf, payload });
    expect(response.statusCode).toBe(413);
    expect(appended).toEqual([]);
  });

  it('refuses a tenant over its bytes in flight with 429 and Retry-After', async () => {
    await app.close();
    app = await started({ limits: { ...limits, inFlightMaxBytes: 10 } });
    const payload = Buffer.alloc(11);
    const response = await app.inject({ method: 'POST', url: '/v1/logs', headers: protobuf, payload });
    expect([response.statusCode, response.headers['retry-after']]).toEqual([429, '3']);
  });

  it('holds a tenant to limits of its own', async () => {
    const headers = { ...protobuf, 'x-scope-orgid': 'small' };
    const payload = Buffer.alloc(3);
    const response = await app.inject({ method: 'POST', url: '/v1/logs', headers, payload });
    expect([response.statusCode, response.body]).toEqual([
      413,
      expect.stringContaining('limits.body_max_bytes = 2'),
    ]);
  });

  it('refuses a tenant over its rate with the seconds after which it may come again', async () => {
    await app.close();
    outcome = () => Promise.resolve({ ...taken, bodyBytes: 6 });
    app = await started({ limits: { ...limits, bytesPerSecond: 1, burstBytes: 2 } });
    const send = async () =>
      await app.inject({ method: 'POST', url: '/v1/logs', headers: json, payload: '{    }' });
    expect((await send()).statusCode).toBe(200);
    const refused = await send();
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '5']);
    expect(refused.json()).toEqual({
      code: 8,
      message: 'tenant anonymous: ingest rate 1 bytes/s exceeded; raise limits.ingest_bytes_per_second',
    });
  });

  it('refuses a write for several tenants', async () => {
    const headers = { ...json, 'x-scope-orgid': 'a|b' };
    const response = await app.inject({ method: 'POST', url: '/v1/logs', headers, payload: '{}' });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toEqual({
      code: 3,
      message: "X-Scope-OrgID names several tenants ('a|b'); a write is for one",
    });
  });

  it('answers 503 when the disk takes too long, because the sender may try again', async () => {
    await app.close();
    app = await started({ appendTimeoutMs: 5 });
    outcome = () => new Promise(() => undefined);
    const response = await app.inject({ method: 'POST', url: '/v1/logs', headers: protobuf });
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '3']);
  });

  it('refuses a request without a tenant where there is no default one', async () => {
    await app.close();
    app = await started({ tenantDefault: null });
    const response = await app.inject({ method: 'POST', url: '/v1/logs', headers: json, payload: '{}' });
    expect(response.statusCode).toBe(401);
    expect(response.json()).toEqual({ code: 16, message: 'no org id' });
  });
});

describe('what is only posted to', () => {
  it.each([
    '/v1/logs',
    '/otlp/v1/metrics',
    '/loki/api/v1/push',
    '/api/prom/push',
    '/api/v1/write',
    '/api/v1/push',
    '/api/v2/spans',
  ])('%s refuses other methods with 405 and Allow', async (url) => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'] as const) {
      const response = await app.inject({ method, url });
      expect([method, response.statusCode, response.headers['allow']]).toEqual([method, 405, 'POST']);
    }
  });
});

describe('Loki push', () => {
  const push = async (headers: Record<string, string>) =>
    await app.inject({ method: 'POST', url: '/loki/api/v1/push', headers, payload: Buffer.from([0]) });

  it.each([
    [{}, 'lokiPushProtobuf', 'snappy'],
    [protobuf, 'lokiPushProtobuf', 'snappy'],
    [json, 'lokiPushJson', 'identity'],
    [{ ...json, 'content-encoding': 'deflate' }, 'lokiPushJson', 'rawDeflate'],
  ])('%j is read as %s, %s', async (headers, format, encoding) => {
    expect((await push(headers)).statusCode).toBe(204);
    expect(appended[0]).toMatchObject({ format, encoding });
  });

  it('is also taken where very old clients send it', async () => {
    const payload = '{"streams":[]}';
    const response = await app.inject({ method: 'POST', url: '/api/prom/push', headers: json, payload });
    expect([response.statusCode, appended[0]?.format]).toEqual([204, 'lokiPushJson']);
  });

  it('answers 400 with the reason when some was refused and the rest stored', async () => {
    outcome = () => Promise.resolve(refusedOne);
    const response = await push(protobuf);
    expect([response.statusCode, response.body]).toEqual([400, 'span id must be 8 bytes\n']);
  });

  it('answers 429 when a limit of streams refused some, because there may be room later', async () => {
    const refused = [
      { reason: 'lineTooLong', count: 1, message: 'line of 9 bytes' },
      { reason: 'streamsTooMany', count: 2, message: 'maximum active stream limit of 1 exceeded' },
    ];
    outcome = () => Promise.resolve({ ...taken, refused });
    const response = await push(protobuf);
    expect([response.statusCode, response.headers['retry-after'], response.body]).toEqual([
      429,
      '3',
      'line of 9 bytes; maximum active stream limit of 1 exceeded\n',
    ]);
  });

  it('answers 422 when there was nothing to store', async () => {
    outcome = () => Promise.resolve({ ...taken, accepted: 0 });
    expect((await push(protobuf)).statusCode).toBe(422);
  });

  it('refuses an encoding it does not know in Loki’s words', async () => {
    const response = await push({ ...json, 'content-encoding': 'br' });
    expect([response.statusCode, response.body]).toEqual([400, 'Content-Encoding "br" not supported\n']);
  });
});

describe('remote write', () => {
  const write = async (headers: Record<string, string>) =>
    await app.inject({ method: 'POST', url: '/api/v1/write', headers, payload: Buffer.from([0]) });

  it('takes 1.0 with and without its headers', async () => {
    expect((await write(protobuf)).statusCode).toBe(204);
    const full = {
      'content-type': 'application/x-protobuf;proto=prometheus.WriteRequest',
      'content-encoding': 'snappy',
    };
    expect((await write(full)).statusCode).toBe(204);
    expect(appended.map(({ encoding }) => encoding)).toEqual(['snappy', 'snappy']);
  });

  const version2 = { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' };
  const written = ({ headers }: Awaited<ReturnType<typeof write>>) =>
    ['samples', 'histograms', 'exemplars'].map(
      (kind) => headers[`x-prometheus-remote-write-${kind}-written`],
    );

  it('tells a sender of 2.0 how much of each kind was written, and nobody else', async () => {
    outcome = () => Promise.resolve({ ...taken, accepted: 7, histograms: 2, exemplars: 3 });
    const response = await write(version2);
    expect([response.statusCode, written(response)]).toEqual([204, ['5', '2', '3']]);
    expect(appended.map(({ format }) => format)).toEqual(['remoteWriteV2']);
    expect(written(await write(protobuf))).toEqual([undefined, undefined, undefined]);
  });

  it('tells a sender of 2.0 of what was not written, with the counts of what was', async () => {
    const refused = [{ reason: 'labelsInvalid', count: 2, message: 'series {}: no label __name__' }];
    outcome = () => Promise.resolve({ ...taken, refused });
    const response = await write(version2);
    expect([response.statusCode, written(response)]).toEqual([400, ['1', '0', '0']]);
    expect(response.body).toBe('series {}: no label __name__ (and 1 more)\n');
  });

  it('tells a sender of 2.0 that nothing was written where nothing was stored', async () => {
    outcome = () => Promise.reject(new Error('disk gone'));
    const response = await write(version2);
    expect([response.statusCode, written(response)]).toEqual([500, ['0', '0', '0']]);
  });

  it('answers 415 to another message, on which alone senders notice', async () => {
    const headers = { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request' };
    expect((await write(headers)).statusCode).toBe(415);
  });

  it('stays silent about series with bad labels, as Prometheus does', async () => {
    outcome = () =>
      Promise.resolve({ ...taken, refused: [{ reason: 'labelsInvalid', count: 1, message: 'x' }] });
    expect((await write(protobuf)).statusCode).toBe(204);
  });
});

describe('a page in a browser', () => {
  const origin = 'https://shop.example';
  const preflight = { origin, 'access-control-request-method': 'POST' };
  const ask = async (url: string, headers: Readonly<Record<string, string>>) =>
    await app.inject({ method: 'OPTIONS', url, headers });

  it.each(['/v1/logs', '/v1/traces', '/v1/metrics'])(
    'of an origin that is allowed may send to %s',
    async (url) => {
      await app.close();
      app = await started({ corsOrigins: [origin] });
      const allowed = await ask(url, preflight);
      expect([allowed.statusCode, allowed.body]).toEqual([204, '']);
      expect(allowed.headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'POST',
        'access-control-allow-headers': expect.stringMatching(
          /Content-Type.*X-Scope-OrgID.*traceparent.*baggage.*Authorization/,
        ) as unknown,
      });
      const sent = await app.inject({ method: 'POST', url, headers: { ...json, origin }, body: '{}' });
      expect(sent.headers['access-control-allow-origin']).toBe(origin);
    },
  );

  it('of another origin may not', async () => {
    await app.close();
    app = await started({ corsOrigins: [origin] });
    const refused = await ask('/v1/logs', { ...preflight, origin: 'https://other.example' });
    expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
    expect(refused.headers).not.toHaveProperty('access-control-allow-headers');
  });

  it('of any origin may where `*` is configured', async () => {
    await app.close();
    app = await started({ corsOrigins: ['*'] });
    expect((await ask('/v1/logs', preflight)).headers).toMatchObject({
      'access-control-allow-origin': origin,
    });
  });

  it('is not answered where no origin is configured', async () => {
    expect((await ask('/v1/logs', preflight)).statusCode).toBe(405);
  });
});
