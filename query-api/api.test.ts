import { gunzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import type * as front from '../search/index.ts';
import { VarveError } from '../storage/index.ts';
import { answerOf, FakeSearch, serverOver } from './fake-search.ts';
import type { ServedRequest } from './options.ts';

vi.mock('../search/index.ts', async (original) =>
  (await import('./fake-languages.ts')).withFakeLanguages(await original<typeof front>()),
);

const query = '/api/v1/query?query=up';

describe('the tenant of a request', () => {
  it('is the default one without X-Scope-OrgID', async () => {
    const search = new FakeSearch();
    const app = await serverOver(search);
    await app.inject(query);
    expect(search.lastAsked.tenants).toEqual(['anonymous']);
  });

  it('may be several, sorted and each once, for a federated read', async () => {
    const search = new FakeSearch();
    const app = await serverOver(search);
    await app.inject({ url: query, headers: { 'x-scope-orgid': 'b|a|b' } });
    expect(search.lastAsked.tenants).toEqual(['a', 'b']);
  });

  it.each([
    ['/loki/api/v1/query?query=vector(1)', 401],
    ['/api/v1/query?query=up', 401],
    ['/api/search?q={}', 400],
  ])('must be given when there is no default: %s answers %d', async (url, status) => {
    const app = await serverOver(new FakeSearch(), { tenantDefault: null });
    const response = await app.inject(url);
    expect(response.statusCode).toBe(status);
    expect(response.body).toContain('no org id');
  });

  it('is checked before the query', async () => {
    const app = await serverOver(new FakeSearch(), { tenantDefault: null });
    const response = await app.inject('/loki/api/v1/query?query=bad');
    expect(response.statusCode).toBe(401);
  });

  it('is not needed where nobody has data', async () => {
    const app = await serverOver(new FakeSearch(), { tenantDefault: null });
    const urls = ['/api/echo', '/api/v1/status/buildinfo', '/loki/api/v1/status/buildinfo', '/ready'];
    const answers = await Promise.all(urls.map(async (url) => (await app.inject(url)).statusCode));
    expect(answers).toEqual([200, 200, 200, 200]);
  });

  it.each([
    ['a/b', "tenant id has '/' at position 1"],
    ['a||b', 'tenant id has 0 bytes'],
    ['a|b|c|d', 'X-Scope-OrgID names 4 tenants, over tenantsPerQueryMax = 3'],
  ])('%s is refused: %s', async (tenant, message) => {
    const app = await serverOver(new FakeSearch());
    const response = await app.inject({
      url: '/loki/api/v1/labels',
      headers: { 'x-scope-orgid': tenant },
    });
    expect(response.statusCode).toBe(400);
    expect(response.body).toContain(message);
  });
});

describe('a form body', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  it('gives parameters like the URL, and comes first', async () => {
    const search = new FakeSearch();
    const app = await serverOver(search);
    await app.inject({
      method: 'POST',
      url: '/api/v1/query?query=b&time=4',
      headers: form,
      body: 'query=1%2B1',
    });
    expect(search.lastAsked.plan).toMatchObject({ text: '1+1', how: { time: 4_000_000_000n } });
  });

  it('may be empty', async () => {
    const app = await serverOver(new FakeSearch());
    const response = await app.inject({
      method: 'POST',
      url: '/api/v1/labels?match[]=up{a="b"}',
      headers: form,
    });
    expect(response.statusCode).toBe(200);
  });

  it('may not be longer than its limit', async () => {
    const app = await serverOver(new FakeSearch());
    const body = `query=${'x'.repeat(2_000)}`;
    const response = await app.inject({ method: 'POST', url: '/api/v1/query', headers: form, body });
    expect(response.statusCode).toBe(413);
    expect(response.json()).toMatchObject({ status: 'error', errorType: 'bad_data' });
  });

  it('of another type is not read for parameters', async () => {
    const search = new FakeSearch();
    const app = await serverOver(search);
    await app.inject({ method: 'POST', url: '/api/v1/query?query=up', body: { query: 'other' } });
    expect(search.lastAsked.plan).toMatchObject({ text: 'up' });
  });
});

describe('an answer', () => {
  const long = `{"long":"${'x'.repeat(2_000)}"}`;

  it('is gzipped for clients that accept it', async () => {
    const search = new FakeSearch();
    search.answer = () => Promise.resolve(answerOf(long));
    const app = await serverOver(search);
    const response = await app.inject({ url: query, headers: { 'accept-encoding': 'deflate, gzip;q=0.5' } });
    expect(response.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(gunzipSync(response.rawPayload).toString()).toBe(long);
  });

  it.each([
    ['short', 'gzip', '{}'],
    ['not accepted', 'br', long],
    ['refused by weight', 'gzip;q=0', long],
  ])('stays as it is when gzip is %s', async (_why, accepted, body) => {
    const search = new FakeSearch();
    search.answer = () => Promise.resolve(answerOf(body));
    const app = await serverOver(search);
    const response = await app.inject({ url: query, headers: { 'accept-encoding': accepted } });
    expect(response.headers['content-encoding']).toBeUndefined();
    expect(response.body).toBe(body);
  });

  it('is counted by route, without the values of its path', async () => {
    const served: ServedRequest[] = [];
    const metrics = { served: (request: ServedRequest) => void served.push(request) };
    const app = await serverOver(new FakeSearch(), {}, { metrics });
    await app.inject('/api/v1/label/job/values');
    expect(served).toEqual([
      { api: 'prometheus', route: '/api/v1/label/:name/values', status: 200, elapsedMs: 0 },
    ]);
  });
});

describe('a query', () => {
  it('is cancelled when the client closes its connection', async () => {
    const search = new FakeSearch();
    const client = new AbortController();
    const cancelled = new Promise<void>((resolve) => {
      search.answer = async ({ signal }) =>
        await new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            resolve();
            reject(new VarveError('QUERY_CANCELLED', 'the query was cancelled'));
          });
          client.abort();
        });
    });
    const app = await serverOver(search);
    const address = await app.listen({ host: '127.0.0.1', port: 0 });
    await expect(fetch(`${address}${query}`, { signal: client.signal })).rejects.toThrow();
    await cancelled;
    await app.close();
  });

  it('is not cancelled by the end of its own form body', async () => {
    const search = new FakeSearch();
    search.answer = async ({ signal }) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return answerOf(String(signal?.aborted));
    };
    const app = await serverOver(search);
    const address = await app.listen({ host: '127.0.0.1', port: 0 });
    const body = new URLSearchParams({ query: 'up' });
    const response = await fetch(`${address}/api/v1/query`, { method: 'POST', body });
    expect(await response.text()).toBe('false');
    await app.close();
  });

  it('that fails by a fault of ours says so without details, and the log has them', async () => {
    const search = new FakeSearch();
    search.answer = () => Promise.reject(new TypeError('x is not a function'));
    const error = vi.fn();
    const app = await serverOver(search, {}, { log: { debug: () => undefined, error } });
    const response = await app.inject('/loki/api/v1/query?query=vector(1)');
    expect([response.statusCode, response.body]).toEqual([500, "internal error; Varve's log tells more"]);
    expect(error).toHaveBeenCalledOnce();
  });
});
