import { describe, expect, it } from 'vitest';
import { FakeSearch, serverOver } from '../fake-search.ts';

async function asking() {
  const search = new FakeSearch();
  const app = await serverOver(search);
  const ask = async (parameters: string) => {
    const url = `/varve/api/v1/logs/search?${encodeURI(parameters)}`;
    const { statusCode, body } = await app.inject({ url });
    return { status: statusCode, text: body };
  };
  return { search, ask };
}

describe('a search for words', () => {
  it('takes the parameters of a log query, and streams by a selector', async () => {
    const { search, ask } = await asking();
    const { status } = await ask('query=pay*&selector={app="x"}&start=1&end=2&limit=7&order=newest');
    expect(status).toBe(200);
    expect(search.lastAsked).toMatchObject({
      answer: 'loki',
      plan: {
        node: 'logSearch',
        input: {
          matchers: [{ name: 'app', op: '=', value: 'x' }],
          range: { from: '1000000000', to: '2000000000' },
        },
        query: { kind: 'prefix', text: 'pay' },
        order: 'newest',
        limit: 7,
      },
    });
  });

  it.each([
    [
      'query=a&limit=6000',
      'max entries limit per query exceeded, limit > max_entries_limit_per_query (6000 > 5000)',
    ],
    ['query=a&order=oldest', "invalid order 'oldest'; it is 'score' or 'newest'"],
    ['query=(a', "line 1, col 3: ')' was expected"],
    ['', 'line 1, col 1: a word was expected'],
  ])('%j is refused: %s', async (parameters, message) => {
    const { ask } = await asking();
    expect(await ask(parameters)).toEqual({ status: 400, text: message });
  });
});
