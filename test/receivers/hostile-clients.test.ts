import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { logMarker } from '../../bench/logs.ts';
import { callRaw, postRaw } from '../support/raw-requests.ts';
import { startVarve, type Varve } from '../support/varve.ts';

const requestTimeoutMs = 2_000;
const exporting = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const protobuf = { 'content-type': 'application/x-protobuf' };

let varve: Varve;
const sockets: Socket[] = [];

beforeAll(async () => {
  varve = await startVarve({ settings: { 'listen-request-timeout-ms': String(requestTimeoutMs) } });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(async () => {
  expect(await varve.stop()).toBe(0);
});

/** A connection that has sent `text`, and what it is answered. */
async function opened(port: number, text: string): Promise<{ socket: Socket; answered: () => string }> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
  // To be sent away is what these tests want.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return { socket, answered: () => answer };
}

/** By either side, in whatever way. */
async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
}

async function othersAreServed(): Promise<void> {
  const startedAt = performance.now();
  const { otlp, grpc } = varve.ports;
  const posted = await postRaw(`http://127.0.0.1:${otlp}/v1/logs`, protobuf, logMarker('other', Date.now()));
  expect(posted.status).toBe(200);
  expect(await callRaw(grpc, exporting, logMarker('other', Date.now() + 1))).toMatchObject({ code: 0 });
  expect(performance.now() - startedAt).toBeLessThan(1_000);
}

const head = 'POST /v1/logs HTTP/1.1\r\nHost: varve\r\nContent-Type: application/json\r\n';

describe.each([
  ['say nothing', ''],
  ['stop within the headers', head],
  ['stop within the body', `${head}Content-Length: 1000\r\n\r\n{"resourceLogs":`],
])('a thousand connections that %s', (_what, text) => {
  it('leave others served, and are sent away in time', async () => {
    const open = await Promise.all(
      Array.from({ length: 1_000 }, async () => await opened(varve.ports.otlp, text)),
    );
    const allClosed = Promise.all(
      open.map(async ({ socket }) => {
        await closed(socket);
      }),
    );
    await othersAreServed();
    await Promise.race([allClosed, pause(requestTimeoutMs * 4)]);
    expect(open.filter(({ socket }) => !socket.closed)).toHaveLength(0);
    await othersAreServed();
  });
});

describe('a sender that is too slow', () => {
  it('is told to send again, and which setting it met', async () => {
    const { socket, answered } = await opened(varve.ports.otlp, `${head}Content-Length: 1000\r\n\r\n`);
    const drip = setInterval(() => socket.write(' '), 100);
    await othersAreServed();
    await closed(socket);
    clearInterval(drip);
    expect(answered()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(answered()).toContain('\r\nRetry-After: 1\r\n');
    expect(answered()).toContain(`listen.request_timeout_ms = ${requestTimeoutMs}; send it again`);
  });

  it('is answered once where it was refused before its body came', async () => {
    const refused = head.replace('application/json', 'text/plain');
    const { socket, answered } = await opened(varve.ports.otlp, `${refused}Content-Length: 1000\r\n\r\n`);
    await closed(socket);
    expect(answered()).toMatch(/^HTTP\/1\.1 415 /);
    expect(answered().match(/HTTP\/1\.1/g)).toHaveLength(1);
  });
});

describe('what is no request', () => {
  it.each([
    ['nonsense\r\n\r\n', /^HTTP\/1\.1 400 Bad Request\r\n[^]*not a request of HTTP\/1\.1/],
    [`GET / HTTP/1.1\r\nX: ${'x'.repeat(132_000)}\r\n\r\n`, /^HTTP\/1\.1 431 [^]*the headers are too long/],
  ])('is answered, and its connection closed', async (text, answer) => {
    const { socket, answered } = await opened(varve.ports.otlp, text);
    await closed(socket);
    expect(answered()).toMatch(answer);
    await othersAreServed();
  });
});
