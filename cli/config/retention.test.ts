import { describe, expect, it } from 'vitest';
import { loadConfig } from './load.ts';
import { streamRetention, streamsOf } from './retention.ts';

const configOf = (flags: Readonly<Record<string, string>>) =>
  loadConfig({ file: undefined, environment: {}, flags: new Map(Object.entries(flags)) }).config;

describe('rules for streams', () => {
  it('are told with their matchers; those of series hold for exemplars too', () => {
    const config = configOf({
      'retention-logs-streams': '[{"selector":"{env=\\"dev\\"}","priority":2,"max_age_ms":86400000}]',
      'retention-samples-series': '[{"selector":"up","max_bytes":4096}]',
    });
    const up = { tenant: null, priority: 0, maxAgeMs: 0, maxBytes: 4_096 };
    const labels = [{ name: '__name__', kind: 'equal', value: 'up' }];
    expect(streamRetention(config)).toEqual([
      {
        tenant: null,
        table: 'logs',
        priority: 2,
        maxAgeMs: 86_400_000,
        maxBytes: 0,
        labels: [{ name: 'env', kind: 'equal', value: 'dev' }],
      },
      { ...up, table: 'samples', labels },
      { ...up, table: 'exemplars', labels },
    ]);
  });

  it('of everybody hold for a tenant without an age and rules of its own', () => {
    const { retention, tenants } = configOf({
      'retention-logs-streams': '[{"selector":"{env=\\"dev\\"}"}]',
      tenants:
        '{"a":{"retention":{"spans_max_age_ms":1}},"b":{"retention":{"logs_max_age_ms":1}},"c":{"retention":{"logs_streams":[{"selector":"{x=\\"y\\"}"}]}}}',
    });
    const selectors = Object.values(tenants).map((own) =>
      streamsOf(own.retention ?? {}, retention).map(({ selector }) => selector),
    );
    expect(selectors).toEqual([['{env="dev"}'], [], ['{x="y"}']]);
  });

  it.each([
    ['[{"selector":"{env="}]', 'retention.logs_streams'],
    ['[{"selector":"{env=}"}]', 'retention.logs_streams has the selector "{env=}"'],
    ['[{"selector":"{env=\\"dev\\"} |= \\"x\\""}]', 'leave out filters'],
    ['[{"selector":"{env=\\"dev\\"}","period":"24h"}]', 'period'],
  ])('%s are refused: %s', (text, message) => {
    expect(() => configOf({ 'retention-logs-streams': text })).toThrow(message);
  });
});
