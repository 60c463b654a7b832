import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, type Query } from './queries.ts';
import { Client, sendAll, sendPaced } from './send.ts';

const open: { server: Server; client: Client }[] = [];

afterEach(() => {
  for (const { server, client } of open.splice(0)) {
    client.close();
    server.close();
  }
});

/** A server that answers its `n`-th request, counted from 0, with `answer(n)`. */
async function clientOf(answer: (request: number, response: ServerResponse) => void): Promise<Client> {
  let requests = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      answer(requests++, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new Client((server.address() as AddressInfo).port, 2);
  open.push({ server, client });
  return client;
}

const payloads = Array.from({ length: 5 }, () => ({ body: Buffer.from('x'), records: 1 }));
const set = { path: '/v1/logs', headers: {}, payloads, facts: undefined };

describe('a set of payloads', () => {
  it('is sent whole, and what is refused for now is sent again', async () => {
    const client = await clientOf((request, response) => {
      response.writeHead(request === 1 ? 503 : 200, { 'retry-after': '0' }).end();
    });
    const { ackMs, sentAgain, elapsedMs } = await sendAll(client, set, 2);
    expect([ackMs.length, sentAgain]).toEqual([5, 1]);
    expect(elapsedMs).toBeGreaterThan(0);
  });

  it('is sent at the pace that was asked for, however slowly it is answered', async () => {
    const client = await clientOf((_request, response) => {
      setTimeout(() => response.end(), 50);
    });
    const { ackMs, elapsedMs } = await sendPaced(client, set, 100);
    expect(ackMs).toHaveLength(5);
    expect(elapsedMs).toBeGreaterThan(85);
  });

  it.each([
    [400, 'bad', '/v1/logs: 400 bad'],
    [200, 'two refused', '/v1/logs: 200 two refused'],
  ])('of which anything is refused (%d %s) is no measurement', async (status, body, message) => {
    const client = await clientOf((_request, response) => {
      response.writeHead(status).end(body);
    });
    await expect(sendAll(client, set, 1)).rejects.toThrow(message);
  });
});

describe('a query', () => {
  const query: Query = {
    name: 'lines',
    request: () => ({ path: '/', parameters: { query: 'x' } }),
    expected: 2,
    count: ({ body }) => body.length,
  };

  it('is asked as often as wanted', async () => {
    const client = await clientOf((_request, response) => response.end('ab'));
    expect(await ask(client, query, 4)).toMatchObject({ repeats: 4, problem: null });
  });

  it.each([
    [200, 'a', '1 found, 2 expected'],
    [500, 'broken', '500 broken'],
  ])('that is answered with %d %j has no latency but a problem', async (status, body, problem) => {
    const client = await clientOf((_request, response) => {
      response.writeHead(status).end(body);
    });
    expect(await ask(client, query, 4)).toMatchObject({ latency: null, problem });
  });
});
