import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createAuthenticate } from './auth.ts';
import { defaultConfig } from './config/load.ts';
import { guarded } from './guard.ts';
import { operatorPages } from './operator-pages.ts';

const config = { ...defaultConfig(), data_dir: '/srv/varve' };
const pages = operatorPages({
  config,
  logLevel: () => 'info',
  services: () => ({ server: 'Running', journal: 'Failed' }),
});

async function ask(method: 'GET' | 'POST', url: string) {
  const app = fastify();
  await app.register(pages);
  return await app.inject({ method, url });
}

describe('pages that Loki has for whoever runs it', () => {
  it.each([
    ['/config', config],
    ['/config?mode=diff', { data_dir: '/srv/varve' }],
    ['/config?mode=diffs', { data_dir: '/srv/varve' }],
    ['/config?mode=defaults', defaultConfig()],
  ])('%s shows the configuration in YAML, as text', async (url, shown) => {
    const response = await ask('GET', url);
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(parse(response.body)).toEqual(shown);
  });

  it('/services lists parts with their states', async () => {
    expect((await ask('GET', '/services')).body).toBe('server => Running\njournal => Failed\n');
  });

  it('/log_level tells the level and does not change it', async () => {
    expect((await ask('GET', '/log_level')).json()).toEqual({ message: 'Current log level is info' });
    const changed = await ask('POST', '/log_level?log_level=debug');
    expect([changed.statusCode, changed.json()]).toEqual([
      405,
      {
        status: 'failed',
        message: 'no port of Varve takes commands; set telemetry.log_level and start again',
      },
    ]);
  });

  it('are for those only who may see metrics, where credentials are configured', async () => {
    const sha256 = '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b';
    const authenticate = createAuthenticate({
      tenants: { shop: { tokens: [{ sha256, scopes: ['read', 'write'] }] } },
    });
    const app = fastify();
    await app.register(guarded(pages, 'metrics', authenticate));
    const statuses = [{}, { authorization: 'Bearer secret' }].map(
      async (headers) => (await app.inject({ url: '/config', headers })).statusCode,
    );
    expect(await Promise.all(statuses)).toEqual([401, 403]);
  });
});
