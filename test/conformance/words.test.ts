import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushLines } from '../support/loki-push.ts';
import { getJson, startVarve, type Varve } from '../support/varve.ts';

const path = '/varve/api/v1/logs/search';

let varve: Varve;

interface Found {
  readonly total: number;
  readonly hits: readonly {
    readonly score: number;
    readonly line: string;
    readonly matched: readonly string[];
    readonly labels: Readonly<Record<string, string>>;
  }[];
  readonly stats: {
    readonly ingester: { readonly store: { readonly chunk: { readonly headChunkLines: number } } };
  };
}

async function search(query: string, more: Readonly<Record<string, string>> = {}): Promise<Found> {
  return (await getJson(varve.ports.loki, path, { query, since: '1h', ...more })) as Found;
}

async function lines(query: string, more: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const found = await search(query, { order: 'newest', ...more });
  return found.hits.map(({ line }) => line).toReversed();
}

const sealed = [
  'payment accepted for order 17',
  'payment DECLINED by the acquirer',
  'Paymnet retried after timeout',
  'level=error msg="refund declined" user-id=7',
  ...Array.from({ length: 300 }, (_, number) => `request ${number} finished`),
];
const inMemory = ['payment declined twice: declined, declined', 'the acquirer accepted it'];

async function untilSealed(): Promise<void> {
  for (const givenUpAt = Date.now() + 30_000; Date.now() < givenUpAt; ) {
    const { total, stats } = await search('request');
    if (total === 300 && stats.ingester.store.chunk.headChunkLines === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('the lines are still in memory');
}

beforeAll(async () => {
  varve = await startVarve({ settings: { 'view-memtable-max-age-ms': '1000' } });
  await pushLines(varve, { app: 'shop' }, sealed);
  await untilSealed();
  await pushLines(varve, { app: 'pay' }, inMemory);
});

afterAll(async () => {
  await varve.kill();
});

describe('a search for words', () => {
  it('finds all of them in any case, in segments and in memory', async () => {
    expect(await lines('Payment declined')).toEqual([sealed[1], inMemory[0]]);
    expect(await lines('refund OR "order 17"')).toEqual([sealed[0], sealed[3]]);
    expect(await lines('declined -payment')).toEqual([sealed[3]]);
    expect(await lines('(accepted OR retried) NOT order')).toEqual([sealed[2], inMemory[1]]);
  });

  it('finds phrases by their words, whatever stands between them', async () => {
    expect(await lines('user-id=7')).toEqual([sealed[3]]);
    expect(await lines('"declined payment"')).toEqual([]);
    expect(await lines('"by the acq"*')).toEqual([sealed[1]]);
  });

  it('finds words that are cut short or misspelt', async () => {
    expect(await lines('acq*')).toEqual([sealed[1], inMemory[1]]);
    expect(await lines('payment~')).toEqual([sealed[0], sealed[1], sealed[2], inMemory[0]]);
    expect(await lines('paymen')).toEqual([]);
  });

  it('has the lines first that fit best, and tells why and how many there are', async () => {
    const { total, hits } = await search('payment OR declined OR request', { limit: '3' });
    expect(total).toBe(304);
    expect(hits.map(({ line }) => line)).toEqual([inMemory[0], sealed[1], sealed[0]]);
    expect(hits[0]?.matched).toEqual(['payment', 'declined', 'declined', 'declined']);
    expect(hits[1]).toMatchObject({ matched: ['payment', 'DECLINED'], labels: { app: 'shop' } });
    const scores = hits.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  it('looks at the streams and the time that are asked for', async () => {
    expect(await lines('declined', { selector: '{app="pay"}' })).toEqual([inMemory[0]]);
    expect(await lines('declined', { start: '1', end: '2' })).toEqual([]);
  });

  it.each([
    ['payment OR', 'line 1, col 11: a word was expected'],
    ['--', 'line 1, col 3: a word was expected'],
    ['"..."', "'...' has no letter and no digit to search for"],
    [
      Array.from({ length: 65 }, () => 'a').join(' '),
      'the query has more than 64 words; search for less at once',
    ],
  ])('%j is refused: %s', async (query, message) => {
    const parameters = new URLSearchParams({ query });
    const response = await fetch(`http://127.0.0.1:${varve.ports.loki}${path}?${parameters.toString()}`);
    expect([response.status, await response.text()]).toEqual([400, message]);
  });
});
