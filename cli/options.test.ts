import { describe, expect, it } from 'vitest';
import { loadConfig } from './config/load.ts';
import { storageOptions } from './options.ts';

const rulesFor = (flags: Readonly<Record<string, string>>) => {
  const { config } = loadConfig({ file: undefined, environment: {}, flags: new Map(Object.entries(flags)) });
  return storageOptions(config).retention;
};

describe('retention as the store is told of it', () => {
  it('has a rule of everybody for each table, and exemplars go with samples', () => {
    expect(rulesFor({ 'retention-samples-max-age-ms': '5000', 'retention-logs-max-bytes': '7' })).toEqual([
      { tenant: null, table: 'logs', maxAgeMs: 0, maxBytes: 7 },
      { tenant: null, table: 'spans', maxAgeMs: 0, maxBytes: 0 },
      { tenant: null, table: 'samples', maxAgeMs: 5000, maxBytes: 0 },
      { tenant: null, table: 'exemplars', maxAgeMs: 5000, maxBytes: 0 },
    ]);
  });

  it("takes a tenant's own values, and everybody's where it has none", () => {
    const rules = rulesFor({
      'retention-spans-max-age-ms': '100',
      tenants: '{"shop":{"retention":{"logs_max_age_ms":60000}},"bank":{}}',
    });
    expect(rules.filter(({ tenant }) => tenant !== null)).toEqual([
      { tenant: 'shop', table: 'logs', maxAgeMs: 60_000, maxBytes: 0 },
      { tenant: 'shop', table: 'spans', maxAgeMs: 100, maxBytes: 0 },
      { tenant: 'shop', table: 'samples', maxAgeMs: 0, maxBytes: 0 },
      { tenant: 'shop', table: 'exemplars', maxAgeMs: 0, maxBytes: 0 },
    ]);
  });

  it('refuses a rule of a tenant that is not known, by its name', () => {
    expect(() => rulesFor({ tenants: '{"shop":{"retention":{"logs_max_age":60000}}}' })).toThrow(
      'logs_max_age',
    );
  });
});
