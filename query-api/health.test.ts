import { describe, expect, it } from 'vitest';
import { FakeSearch, serverOver } from './fake-search.ts';

describe('health', () => {
  it.each([
    ['/ready', 'ready\n'],
    ['/-/ready', 'Varve is Ready.\n'],
    ['/-/healthy', 'Varve is Healthy.\n'],
    ['/status/version', 'varve 0.1.0 (revision abc)\n'],
    ['/status', '{"journal":{"readOnly":null}}'],
  ])('%s answers %j', async (url, text) => {
    const app = await serverOver(new FakeSearch());
    const response = await app.inject(url);
    expect([response.statusCode, response.body]).toEqual([200, text]);
  });

  it.each(['/ready', '/-/ready'])('%s is 503 while Varve starts or stops', async (url) => {
    const app = await serverOver(new FakeSearch(), {}, { isReady: () => false });
    const response = await app.inject(url);
    expect(response.statusCode).toBe(503);
  });

  it('lives while it is not ready', async () => {
    const app = await serverOver(new FakeSearch(), {}, { isReady: () => false });
    expect((await app.inject('/-/healthy')).statusCode).toBe(200);
  });
});
