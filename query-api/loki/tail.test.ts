import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { SearchRequest } from '../../search/index.ts';
import type { QueryAnswer } from '../../storage/index.ts';
import { answerOf, FakeSearch, nowMs, serverOver, testOptions } from '../fake-search.ts';
import type { LokiOptions } from '../options.ts';
import { shortened } from '../sockets.ts';

// Each starts a server and opens sockets, which takes a while on a busy machine.
vi.setConfig({ testTimeout: 20_000 });

let app: FastifyInstance | undefined;

afterEach(async () => {
  await app?.close();
  app = undefined;
});

const selector = encodeURIComponent('{app="shop"}');

/** A tail's client; what search is asked after the first part is answered with `parts`, then nothing. */
async function tailing(
  parts: readonly string[],
  { query = `query=${selector}`, headers = {}, loki = {} }: Asking = {},
): Promise<{ client: WebSocket; search: FakeSearch; url: string }> {
  const search = new FakeSearch();
  let part = 0;
  search.answer = (): Promise<QueryAnswer> => {
    const text = parts[part];
    part += 1;
    return Promise.resolve({ ...answerOf(text ?? '', text === undefined), position: `after ${part}` });
  };
  app = await serverOver(search, { loki: { ...testOptions.loki, ...loki } });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `ws://127.0.0.1:${(app.server.address() as AddressInfo).port}/loki/api/v1/tail?${query}`;
  return { client: new WebSocket(url, { headers }), search, url };
}

interface Asking {
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly loki?: Partial<LokiOptions>;
}

const messages = async (client: WebSocket, count: number): Promise<string[]> => {
  const received: string[] = [];
  client.on('message', (data: Buffer) => received.push(data.toString()));
  while (received.length < count) await once(client, 'message');
  return received;
};

const afters = ({ asked }: FakeSearch) =>
  asked.map(({ plan }: SearchRequest) => (plan.node === 'logTail' ? [plan.after, plan.limit] : plan.node));

describe('a tail', () => {
  it('sends the newest lines, then what is stored after them, each part from where the last one ended', async () => {
    const { client, search } = await tailing(['first', 'second'], { query: `query=${selector}&limit=10` });
    expect(await messages(client, 2)).toEqual(['first', 'second']);
    expect(afters(search).slice(0, 2)).toEqual([
      [null, 10],
      ['after 1', 0],
    ]);
    client.close();
  });

  it('sends nothing where nothing is new, and asks no more once the client has gone', async () => {
    const { client, search } = await tailing(['first']);
    await messages(client, 1);
    while (search.asked.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    client.close();
    await once(client, 'close');
    await new Promise((resolve) => setTimeout(resolve, 30));
    const asked = search.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(search.asked).toHaveLength(asked);
  });

  it('begins no further back than query.loki_lookback_max_ms', async () => {
    const asking = { query: `query=${selector}&start=1000000000`, loki: { lookbackMaxMs: 60_000 } };
    const { client, search } = await tailing(['first'], asking);
    await messages(client, 1);
    const range = { from: `${nowMs - 60_000}000000`, to: `${nowMs}000000` };
    expect(search.lastAsked.plan).toMatchObject({ input: { scan: { range } } });
    client.close();
  });

  it('takes a filter beside the query, as before there were pipelines', async () => {
    const { client, search } = await tailing(['first'], { query: `query=${selector}&regexp=a.b` });
    await messages(client, 1);
    expect(search.lastAsked.plan).toMatchObject({
      input: { stages: [{ stage: 'lineFilter', op: '|~', patterns: [{ text: 'a.b' }] }] },
    });
    client.close();
  });

  it('tells labels by category where the client asked for them', async () => {
    const headers = { 'x-loki-response-encoding-flags': 'categorize-labels', origin: 'http://grafana' };
    const { client, search } = await tailing(['first'], { headers });
    await messages(client, 1);
    expect(search.lastAsked.answer).toBe('lokiCategorized');
    client.close();
  });

  it.each([
    ['query=%7Bapp%3D', {}, 400, 'parse error at line 1, col 6: syntax error: unexpected $end'],
    [`query=${encodeURIComponent('rate({a="b"}[1m])')}`, {}, 400, 'expected a log query, not one for series'],
    [`query=${selector}&delay_for=6`, {}, 400, "delay_for can't be greater than 5"],
    [`query=${selector}&delay_for=-1`, {}, 400, 'delay_for value -1 is out of range [0, 4294967295]'],
    [`query=${selector}&limit=0`, {}, 400, 'limit must be a positive value'],
    [`query=${selector}`, { 'x-scope-orgid': 'a|b' }, 400, 'multiple org IDs present'],
  ])('for %s %j is refused before the upgrade: %d %s', async (query, headers, status, message) => {
    const { client } = await tailing([], { query, headers });
    const [, response] = (await once(client, 'unexpected-response')) as [
      unknown,
      NodeJS.ReadableStream & { statusCode: number },
    ];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    expect(response.statusCode).toBe(status);
    expect(text).toContain(message);
  });

  it('is refused without an upgrade', async () => {
    const { client } = await tailing(['first']);
    await messages(client, 1);
    const response = await app?.inject(`/loki/api/v1/tail?query=${selector}`);
    expect([response?.statusCode, response?.body]).toEqual([
      400,
      'the client is not using the websocket protocol',
    ]);
    client.close();
  });

  it('too many of a tenant is closed with the reason', async () => {
    const { client, url } = await tailing(['first']);
    await messages(client, 1);
    const second = new WebSocket(url);
    await once(second, 'open');
    const third = new WebSocket(url);
    const [code, reason] = (await once(third, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([
      1_011,
      'max concurrent tail requests limit exceeded, count > limit (3 > 2)',
    ]);
    client.close();
    second.close();
  });

  it('ends after its longest time', async () => {
    const { client } = await tailing(['first'], { loki: { tailDurationMaxMs: 50 } });
    const [code, reason] = (await once(client, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1_011, 'reached tail max duration limit']);
  });

  it('ends with "going away" when the server stops, so that Grafana connects again', async () => {
    const { client } = await tailing(['first']);
    await messages(client, 1);
    const closed = once(client, 'close') as Promise<[number]>;
    await app?.close();
    expect((await closed)[0]).toBe(1_001);
  });

  it('ends with the text of a fault', async () => {
    const { client, search } = await tailing([]);
    search.answer = () => Promise.reject(new Error('disk on fire'));
    const [code, reason] = (await once(client, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1_011, "internal error; Varve's log tells more"]);
  });
});

describe('a reason', () => {
  it('is cut between characters where it is too long for a frame', () => {
    expect(shortened('short')).toBe('short');
    const cut = shortened('ä'.repeat(100));
    expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(123);
    expect(cut).toBe(`${'ä'.repeat(59)}…`);
  });
});
