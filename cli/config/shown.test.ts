import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { defaultConfig, loadConfig } from './load.ts';
import { showConfig } from './shown.ts';

const sha256 = '8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4';
const password = `scrypt$16384$8$1$${'A'.repeat(22)}$${'B'.repeat(43)}`;
const tenants = {
  shop: {
    limits: { streams_max: 5 },
    tokens: [{ sha256, scopes: ['write'] }],
    users: { alice: { password, scopes: ['read'] } },
  },
};
const { config } = loadConfig({
  file: undefined,
  environment: {},
  flags: new Map([
    ['listen-loki-port', '0'],
    ['tenants', JSON.stringify(tenants)],
  ]),
});
const shownTenants = {
  shop: {
    limits: { streams_max: 5 },
    tokens: [{ sha256: '********', scopes: ['write'] }],
    users: { alice: { password: '********', scopes: ['read'] } },
  },
};

describe('a configuration that is shown', () => {
  it.each(['whole', 'diff', 'defaults'] as const)('holds no hash of a token or password: %s', (part) => {
    const text = showConfig(config, part);
    expect(text).not.toContain(sha256);
    expect(text).not.toContain(password);
  });

  it('is whole', () => {
    expect(parse(showConfig(config, 'whole'))).toEqual({ ...config, tenants: shownTenants });
  });

  it('or only what is not as it comes', () => {
    expect(parse(showConfig(config, 'diff'))).toEqual({ listen: { loki_port: 0 }, tenants: shownTenants });
  });

  it('or as it comes', () => {
    expect(parse(showConfig(config, 'defaults'))).toEqual(defaultConfig());
  });
});
