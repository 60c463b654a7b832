import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logMarker } from '../../bench/logs.ts';
import { callRaw, postRaw } from '../support/raw-requests.ts';
import { startVarve, type Varve } from '../support/varve.ts';

const protobuf = { 'content-type': 'application/x-protobuf' };
const exporting = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
const tenants = {
  shop: {
    tokens: [
      { sha256: sha256('writer'), scopes: ['write'] },
      { sha256: sha256('reader'), scopes: ['read', 'metrics'] },
    ],
  },
  bank: { tokens: [{ sha256: sha256('banker'), scopes: ['read'] }] },
};

describe('where tenants have credentials', () => {
  let varve: Varve;
  const url = (listener: 'otlp' | 'loki' | 'all', path: string) =>
    `http://127.0.0.1:${varve.ports[listener]}${path}`;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const send = async (headers: Record<string, string>) =>
    await postRaw(url('otlp', '/v1/logs'), { ...protobuf, ...headers }, logMarker('guarded', Date.now()));
  const query = async (headers: Record<string, string>, listener: 'loki' | 'all' = 'loki') => {
    const path = `/loki/api/v1/query_range?query=${encodeURIComponent('{service_name=~".+"}')}`;
    const response = await fetch(url(listener, path), { headers });
    return {
      status: response.status,
      asks: response.headers.get('www-authenticate'),
      text: await response.text(),
    };
  };

  beforeAll(async () => {
    varve = await startVarve({ settings: { tenants: JSON.stringify(tenants) } });
  });

  afterAll(async () => {
    await varve.stop();
  });

  it('a sender without any is asked for them, over HTTP and gRPC', async () => {
    const answer = await send({});
    expect([answer.status, answer.type]).toEqual([401, 'application/x-protobuf']);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    const message = logMarker('guarded', Date.now());
    expect(await callRaw(varve.ports.grpc, exporting, message)).toMatchObject({ code: 16 });
  });

  it('a token that may write writes for its tenant, and is that tenant’s only', async () => {
    expect((await send(bearer('writer'))).status).toBe(200);
    expect((await send({ ...bearer('writer'), 'x-scope-orgid': 'bank' })).status).toBe(403);
    expect((await send(bearer('reader'))).status).toBe(403);
    expect((await send(bearer('guess'))).status).toBe(401);
  });

  it('a token that may read finds what was written, and another tenant’s does not', async () => {
    await send(bearer('writer'));
    expect(await query(bearer('reader'))).toMatchObject({
      status: 200,
      text: expect.stringContaining('guarded') as unknown,
    });
    const other = await query(bearer('banker'), 'all');
    expect([other.status, other.text.includes('guarded')]).toEqual([200, false]);
    expect((await query(bearer('writer'))).status).toBe(403);
    expect(await query({})).toMatchObject({ status: 401, asks: expect.stringContaining('Basic') as unknown });
  });

  it('/metrics needs a scope of its own, /ready none', async () => {
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(url('all', path), { headers })).status;
    expect(await status('/metrics')).toBe(401);
    expect(await status('/metrics', bearer('banker'))).toBe(403);
    expect(await status('/metrics', bearer('reader'))).toBe(200);
    expect(await status('/ready')).toBe(200);
  });

  it.each(['/config', '/services', '/log_level'])(
    '%s needs the same scope, and shows no hash',
    async (path) => {
      for (const listener of ['loki', 'all'] as const) {
        const ask = async (headers: Record<string, string> = {}) =>
          await fetch(url(listener, path), { headers });
        const statuses = [ask(), ask(bearer('banker'))].map(async (response) => (await response).status);
        expect(await Promise.all(statuses)).toEqual([401, 403]);
        const shown = await ask(bearer('reader'));
        expect(shown.status).toBe(200);
        expect(await shown.text()).not.toContain(sha256('writer'));
      }
    },
  );
});
