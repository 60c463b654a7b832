import { describe, expect, it, vi } from 'vitest';
import type * as front from '../../search/index.ts';
import { answerOf, FakeSearch, serverOver } from '../fake-search.ts';

vi.mock('../../search/index.ts', async (original) =>
  (await import('../fake-languages.ts')).withFakeLanguages(await original<typeof front>()),
);

const streams = { streams: [{ labels: '{app="shop"}', entries: [] }], stats: { summary: {} } };

async function ask(path: string, told: object = streams) {
  const search = new FakeSearch();
  search.answer = () => Promise.resolve(answerOf(JSON.stringify(told)));
  const app = await serverOver(search);
  const response = await app.inject(`/api/prom/${encodeURI(path)}`);
  return { search, response };
}

describe('the paths of before Loki 1.0', () => {
  it('answer lines in the form of then', async () => {
    const { response, search } = await ask(
      'query?query={app="shop"}&start=1795434300&end=1795434960&limit=7',
    );
    expect(response.json()).toEqual(streams);
    expect(search.lastAsked).toMatchObject({
      answer: 'lokiLegacy',
      plan: { text: '{app="shop"}', how: { from: 1_795_434_300_000_000_000n, limit: 7 } },
    });
  });

  it('take a filter beside the query', async () => {
    const { search } = await ask('query?query={app="shop"}&regexp=a".b');
    expect(search.lastAsked.plan).toMatchObject({ text: '{app="shop"} |~ "a\\".b"' });
  });

  it.each([
    ['query?query=rate({a="b"}[1m])', 'legacy endpoints only support streams result type'],
    ['query?query=bad', 'parse error: unexpected bad'],
    [
      'query?query={a="b"}&limit=6000',
      'max entries limit per query exceeded, limit > max_entries_limit_per_query (6000 > 5000)',
    ],
  ])('refuse %s: %s', async (path, message) => {
    const { response, search } = await ask(path);
    expect([response.statusCode, response.body]).toEqual([400, message]);
    expect(search.asked).toEqual([]);
  });

  it.each([
    ['label', { kind: 'names' }],
    ['label/app/values', { kind: 'values', name: 'app' }],
  ])('list labels and their values without a status: %s', async (path, of) => {
    const { response, search } = await ask(path, { status: 'success', data: ['a', 'b'] });
    expect(response.json()).toEqual({ values: ['a', 'b'] });
    expect(search.lastAsked.plan).toMatchObject({ node: 'streamLabels', of });
  });

  it('list streams as the newer path does', async () => {
    const { response } = await ask('series?match={app="shop"}', {
      status: 'success',
      data: [{ app: 'shop' }],
    });
    expect(response.json()).toEqual({ status: 'success', data: [{ app: 'shop' }] });
  });

  it('have no rules', async () => {
    const { response } = await ask('rules/shop');
    expect([response.statusCode, response.body]).toEqual([404, 'no rule groups found']);
  });
});
