import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FakeSearch, serverOver } from '../fake-search.ts';

interface Limits {
  readonly limits: Readonly<Record<string, unknown>>;
}

async function limitsOf(tenant?: string) {
  const app = await serverOver(new FakeSearch());
  const headers = tenant === undefined ? {} : { 'x-scope-orgid': tenant };
  const response = await app.inject({ url: '/loki/api/v1/drilldown-limits', headers });
  return response.json<Limits>();
}

/** The texts of a list in Rust. */
function listIn(path: string, name: string): string[] {
  const source = readFileSync(path, 'utf8');
  const constants = new Map(
    [...source.matchAll(/const (\w+): &str = "([^"]+)";/g)].map(([, constant = '', text = '']) => [
      constant,
      text,
    ]),
  );
  const [, list = ''] = new RegExp(`${name}: [^=]+= \\[([^\\]]+)\\]`).exec(source) ?? [];
  return [...list.matchAll(/"([^"]+)"|\b([A-Z_]+)\b/g)].map(
    ([, text, constant = '']) => text ?? constants.get(constant) ?? '',
  );
}

describe('the limits that Logs Drilldown is told', () => {
  it('are the fields that Loki publishes, with what is configured', async () => {
    expect(await limitsOf()).toEqual({
      limits: {
        discover_log_levels: true,
        discover_service_name: expect.arrayContaining(['app']) as unknown,
        log_level_fields: expect.arrayContaining(['level']) as unknown,
        max_entries_limit_per_query: 5_000,
        max_line_size_truncate: false,
        max_query_bytes_read: '0B',
        max_query_length: '0s',
        max_query_lookback: '0s',
        max_query_range: '0s',
        max_query_series: 2,
        metric_aggregation_enabled: false,
        otlp_config: {},
        pattern_persistence_enabled: false,
        query_timeout: '1m',
        retention_period: '0s',
        retention_stream: null,
        volume_enabled: true,
        volume_max_series: 10,
      },
      pattern_ingester_enabled: true,
      version: '3.5.0',
    });
  });

  it.each([
    ['brief', '1w'],
    ['other', '0s'],
    ['brief|other', '1w'],
  ])('keep the lines of %s for %s', async (tenant, period) => {
    expect((await limitsOf(tenant)).limits).toMatchObject({ retention_period: period });
  });

  it('keep streams by the rules of the tenant, told as Loki tells them', async () => {
    const rules = { retention_stream: [{ period: '1d', priority: 2, selector: '{env="dev"}' }] };
    expect((await limitsOf('ruled')).limits).toMatchObject(rules);
    expect((await limitsOf('ruled|brief')).limits).toMatchObject({ retention_stream: null });
  });

  it('name the labels and fields that lines are looked through for', async () => {
    const { limits } = await limitsOf();
    expect(limits['discover_service_name']).toEqual(
      listIn('native/wire/src/decode/log_sink.rs', 'SERVICE_NAME_LABELS'),
    );
    expect(limits['log_level_fields']).toEqual(listIn('native/wire/src/decode/level.rs', 'LEVEL_FIELDS'));
  });
});
