import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAuthenticate, hashPassword, type Scope } from './auth.ts';

const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

async function asked(authorization: string, orgId = '', scope: Scope = 'write') {
  const password = await hashPassword('pässword:1');
  const authenticate = createAuthenticate({
    tenants: {
      shop: {
        tokens: [
          { sha256: sha256('s3cret'), scopes: ['write', 'read'] },
          { sha256: sha256('both'), scopes: ['read'] },
        ],
        users: { alice: { password, scopes: ['read'] } },
      },
      bank: { tokens: [{ sha256: sha256('both'), scopes: ['read', 'metrics'] }] },
      open: {},
    },
  });
  return await authenticate?.({ authorization, orgId, scope });
}

describe('who asks', () => {
  it('is nobody’s business where no credentials are configured', () => {
    expect(createAuthenticate({ tenants: { shop: {} } })).toBeUndefined();
  });

  it.each([
    ['Bearer s3cret', '', 'write', { orgId: 'shop' }],
    ['bearer  s3cret', 'shop', 'read', { orgId: 'shop' }],
    [basic('alice', 'pässword:1'), '', 'read', { orgId: 'shop' }],
    ['Bearer both', 'bank|shop', 'read', { orgId: 'bank|shop' }],
    ['Bearer both', '', 'metrics', { orgId: '' }],
  ] as const)('%s for tenant "%s" may %s', async (authorization, orgId, scope, verdict) => {
    expect(await asked(authorization, orgId, scope)).toEqual(verdict);
  });

  it.each([
    ['', 'write', /^authentication needed/],
    ['Bearer guess', 'write', /^the credentials are not known$/],
    ['Digest x', 'write', /^the credentials are not known$/],
    [basic('alice', 'wrong'), 'read', /^the credentials are not known$/],
    [basic('mallory', 'pässword:1'), 'read', /^the credentials are not known$/],
    ['Basic !', 'read', /^the credentials are not known$/],
  ] as const)('%s is not known', async (authorization, scope, message) => {
    const verdict = await asked(authorization, '', scope);
    expect(verdict).toEqual({
      refused: 'unauthenticated',
      message: expect.stringMatching(message) as unknown,
    });
  });

  it.each([
    ['Bearer s3cret', 'bank', 'write', "may not write for tenant 'bank'"],
    ['Bearer s3cret', 'shop|bank', 'read', "may not read for tenant 'bank'"],
    [basic('alice', 'pässword:1'), '', 'write', "may not write for tenant 'shop'"],
    ['Bearer both', '', 'read', 'X-Scope-OrgID must say which'],
    ['Bearer s3cret', '', 'metrics', "lack the scope 'metrics'"],
  ] as const)('%s for tenant "%s" may not %s', async (authorization, orgId, scope, message) => {
    const verdict = await asked(authorization, orgId, scope);
    expect(verdict).toEqual({ refused: 'forbidden', message: expect.stringContaining(message) as unknown });
  });
});
