import { describe, expect, it } from 'vitest';
import { parseTenant } from '../storage/index.ts';
import { FakeSearch, serverOver } from './fake-search.ts';

async function asked(url: string, headers: Record<string, string> = {}) {
  const search = new FakeSearch();
  const app = await serverOver(search, { tenantDefault: parseTenant('anonymous') });
  const response = await app.inject({ method: 'GET', url, headers });
  return { response, search };
}

const queries = [
  '/loki/api/v1/query_range?query={app="a"}&start=1&end=2',
  '/api/v1/query?query=up',
  '/api/traces/1',
  '/api/search?q={}&start=1&end=2',
];

describe('as_of', () => {
  it.each(queries)('is read of any API: %s', async (url) => {
    const { search } = await asked(`${url}${url.includes('?') ? '&' : '?'}as_of=2026-11-23T00:00:00Z`);
    expect(search.lastAsked.asOf).toEqual({ timeMs: Date.UTC(2026, 10, 23) });
  });

  it('is read of statements of SQL', async () => {
    const search = new FakeSearch();
    const app = await serverOver(search, { tenantDefault: parseTenant('anonymous') });
    await app.inject({ method: 'POST', url: '/api/sql?as_of=logs/0=1:40', payload: 'SELECT 1' });
    expect(search.statements[0]?.asOf).toEqual({ position: 'logs/0=1:40' });
  });

  it('is nothing where nobody says it', async () => {
    const { search } = await asked('/api/v1/query?query=up');
    expect(search.lastAsked.asOf).toBeUndefined();
  });

  it.each([
    ['logs/0=1:40,spans/3=1:7', { position: 'logs/0=1:40,spans/3=1:7' }],
    ['1700000000.25', { timeMs: 1_700_000_000_250 }],
    ['1700000000250000000', { timeMs: 1_700_000_000_250 }],
  ])('may be %j, also in a header', async (text, asOf) => {
    const { search } = await asked('/api/v1/query?query=up', { 'x-varve-as-of': text });
    expect(search.lastAsked.asOf).toEqual(asOf);
  });

  it('is refused in the words of the API where it cannot be read', async () => {
    const { response } = await asked('/api/v1/query?query=up&as_of=yesterday');
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ status: 'error', errorType: 'bad_data' });
    expect(response.body).toContain('cannot read as_of');
  });
});

describe('where requests are about now, as_of is refused, not left aside', () => {
  const asOf = 'as_of=2026-11-23T00:00:00Z';

  it.each([
    ['POST', `/api/deletes?table=spans&query={name="a"}&${asOf}`],
    ['GET', `/api/deletes?${asOf}`],
    ['DELETE', `/api/deletes?id=7&${asOf}`],
    ['POST', `/loki/api/v1/delete?query={app="a"}&start=1700000000&${asOf}`],
    ['POST', `/api/v1/admin/tsdb/delete_series?match[]=up&${asOf}`],
  ] as const)('%s %s', async (method, url) => {
    const app = await serverOver(new FakeSearch(), { tenantDefault: parseTenant('anonymous') });
    const response = await app.inject({ method, url });
    expect(response.statusCode).toBe(400);
    expect(response.body).toContain('what is deleted is gone as of every moment; leave out as_of');
  });

  it('a live tail', async () => {
    const { response } = await asked('/loki/api/v1/tail?query={app="a"}', {
      'x-varve-as-of': '2026-11-23T00:00:00Z',
    });
    expect(response.statusCode).toBe(400);
    expect(response.body).toContain('a tail tells what is stored from now on; leave out as_of');
  });
});

describe('the position', () => {
  it('is told', async () => {
    const { response } = await asked('/api/position');
    expect(response.json()).toEqual({ position: 'logs/0=1:40' });
  });
});
