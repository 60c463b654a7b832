import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logMarker } from '../../bench/logs.ts';
import { callRaw } from '../support/raw-requests.ts';
import { requestHttp2 } from '../support/secure-requests.ts';
import { getJson, startVarve, type Varve } from '../support/varve.ts';

const exporting = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
let varve: Varve;
beforeAll(async () => {
  varve = await startVarve({ settings: { 'listen-request-timeout-ms': '1000' } });
});
afterAll(async () => {
  expect(await varve.stop()).toBe(0);
});

async function linesWith(text: string): Promise<number> {
  const query = `{service_name=~".+"} |= "${text}"`;
  const answer = (await getJson(varve.ports.loki, '/loki/api/v1/query_range', { query })) as {
    data: { result: { values: unknown[] }[] };
  };
  return answer.data.result.flatMap(({ values }) => values).length;
}

/** A call over a connection of its own, framed by hand: `status` is `grpc-status`. */
async function callFramed(body: Buffer, headers: Readonly<Record<string, string>> = {}) {
  const session = connectHttp2(`http://127.0.0.1:${varve.ports.grpc}`);
  const stream = session.request({
    ...{ ':method': 'POST', ':path': exporting, 'content-type': 'application/grpc', te: 'trailers' },
    ...headers,
  });
  stream.end(body);
  const found: Record<string, unknown> = {};
  for (const event of ['response', 'trailers'])
    stream.on(event, (block: object) => {
      Object.assign(found, block);
    });
  stream.resume();
  await once(stream, 'close');
  session.close();
  return { status: Number(found['grpc-status']), message: String(found['grpc-message']), headers: found };
}

function frame(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

describe.each(['grpc', 'otlp', 'loki', 'prometheus', 'all'] as const)('port %s', (name) => {
  it('takes OTLP over gRPC, over HTTP/2 and over HTTP/1.1', async () => {
    const port = varve.ports[name];
    const text = `one port ${name}`;
    expect(await callRaw(port, exporting, logMarker(`${text}, gRPC`, Date.now()))).toMatchObject({ code: 0 });
    const json = { 'content-type': 'application/json' };
    const body = (line: string) =>
      JSON.stringify({
        resourceLogs: [
          {
            scopeLogs: [
              { logRecords: [{ timeUnixNano: `${Date.now()}000000`, body: { stringValue: line } }] },
            ],
          },
        ],
      });
    const http2 = { path: '/v1/logs', headers: json, body: body(`${text}, HTTP/2`) };
    expect(await requestHttp2(`http://127.0.0.1:${port}`, http2)).toEqual({ status: 200, text: '{}' });
    const http1 = { method: 'POST', headers: json, body: body(`${text}, HTTP/1`) };
    expect((await fetch(`http://127.0.0.1:${port}/v1/logs`, http1)).status).toBe(200);
    expect(await linesWith(`one port ${name},`)).toBe(3);
  });
});

describe('gRPC', () => {
  it.each([
    ['gzip', (bytes: Uint8Array) => gzipSync(bytes)],
    ['zstd', (bytes: Uint8Array) => zstdCompressSync(bytes)],
  ])('takes messages compressed with %s', async (encoding, compress) => {
    const message = compress(logMarker(`compressed with ${encoding}`, Date.now()));
    expect(await callFramed(frame(message, 1), { 'grpc-encoding': encoding })).toMatchObject({ status: 0 });
    expect(await linesWith(`compressed with ${encoding}`)).toBe(1);
  });

  it('names the encodings that it takes to who sends another', async () => {
    const answer = await callFramed(frame(Buffer.alloc(1), 1), { 'grpc-encoding': 'br' });
    expect(answer).toMatchObject({
      status: 12,
      message: "grpc-encoding 'br' is not one of identity,gzip,deflate,zstd,snappy",
      headers: { 'grpc-accept-encoding': 'identity,gzip,deflate,zstd,snappy' },
    });
  });

  it.each([
    ['no message', Buffer.alloc(0)],
    ['a part of one', frame(Buffer.alloc(10)).subarray(0, 12)],
    ['two', Buffer.concat([frame(Buffer.alloc(0)), frame(Buffer.alloc(0))])],
    ['one said to be compressed with nothing', frame(Buffer.alloc(3), 1)],
  ])('refuses a call with %s as INVALID_ARGUMENT', async (_what, body) => {
    expect(await callFramed(body)).toMatchObject({ status: 3 });
  });

  it('stops a message that grows past the limit when decompressed', async () => {
    const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024));
    const answer = await callFramed(frame(bomb, 1), { 'grpc-encoding': 'gzip' });
    expect(answer).toMatchObject({ status: 8 });
    expect(answer.message).toContain('body_decompressed_max_bytes');
  });

  it('has the health service', async () => {
    const serving = async (service: string) => {
      const answer = await callRaw(
        varve.ports.grpc,
        '/grpc.health.v1.Health/Check',
        Buffer.concat([Buffer.of(10, service.length), Buffer.from(service)]),
      );
      return answer.response?.toString('hex') ?? answer.code;
    };
    expect(await serving('')).toBe('0801');
    expect(await serving('opentelemetry.proto.collector.logs.v1.LogsService')).toBe('0801');
    expect(await serving('no.such.Service')).toBe(5);
  });

  it('answers over HTTP/1.1 what it needs', async () => {
    const headers = { 'content-type': 'application/grpc' };
    const answer = await fetch(`http://127.0.0.1:${varve.ports.grpc}${exporting}`, {
      method: 'POST',
      headers,
    });
    expect([answer.status, await answer.text()]).toEqual([415, expect.stringContaining('HTTP/2') as unknown]);
  });
});

describe('who holds connections without asking anything', () => {
  const open = async (port: number): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'connect');
    return socket;
  };
  const ended = async (socket: Socket) => {
    if (!socket.destroyed) await once(socket, 'close');
  };
  const isServed = async () => {
    const message = logMarker('served all the same', Date.now());
    expect(await callRaw(varve.ports.otlp, exporting, message)).toMatchObject({ code: 0 });
    expect((await fetch(`http://127.0.0.1:${varve.ports.otlp}/ready`)).status).toBe(200);
  };

  it('a thousand of them keep nobody else from being served, and are sent away in time', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 1_000 }, async () => await open(varve.ports.otlp)),
    );
    await isServed();
    await Promise.all(sockets.map(ended));
  });

  it.each([
    ['headers', 'POST /v1/logs HTTP/1.1\r\nHost: x\r\n', 'X: y\r\n'],
    [
      'a body',
      'POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n',
      'x',
    ],
  ])(
    '%s that come a byte at a time are given up, and others are served meanwhile',
    async (_what, start, drip) => {
      const socket = await open(varve.ports.otlp);
      socket.write(start);
      const dripping = setInterval(() => socket.write(drip), 50);
      try {
        await isServed();
        await ended(socket);
      } finally {
        clearInterval(dripping);
      }
    },
  );

  it('a body over HTTP/2 that never ends is given up', async () => {
    const session = connectHttp2(`http://127.0.0.1:${varve.ports.otlp}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/v1/logs',
      'content-type': 'application/json',
    });
    stream.on('error', () => undefined);
    stream.write('{');
    await isServed();
    await once(stream, 'close');
    session.close();
  });

  it('a body over the limit is refused before all of it was sent', async () => {
    const answer = await callFramed(frame(Buffer.alloc(65 * 1024 * 1024)));
    expect(answer).toMatchObject({ status: 8 });
  });
});
