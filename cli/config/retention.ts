import { type LogRows, logql, promql } from '../../search/index.ts';
import { labelMatches, type StorageOptions } from '../../storage/index.ts';
import type { Config } from './schema.ts';

type Rules = Config['retention'];
type StreamRule = Rules['logs_streams'][number];
type Matchers = LogRows['scan']['matchers'];
type Rule = StorageOptions['streamRetention'][number];

/** What is wrong with the selectors of all rules. */
export function retentionProblems({ retention, tenants }: Config): string[] {
  const sections = [
    { name: 'retention', rules: retention },
    ...Object.entries(tenants).map(([tenant, own]) => ({
      name: `tenants.${tenant}.retention`,
      rules: own.retention ?? {},
    })),
  ];
  return sections.flatMap(({ name, rules }) => [
    ...problemsOf(`${name}.logs_streams`, rules.logs_streams ?? [], streamMatchers),
    ...problemsOf(`${name}.samples_series`, rules.samples_series ?? [], seriesMatchers),
  ]);
}

function problemsOf(name: string, rules: readonly StreamRule[], read: (text: string) => Matchers): string[] {
  return rules.flatMap(({ selector }) => {
    try {
      read(selector);
      return [];
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      return [`${name} has the selector ${JSON.stringify(selector)}: ${why}`];
    }
  });
}

/** The rules as the store is told of them. Where a tenant has an age or rules of its own it has none of the others. */
export function streamRetention({ retention, tenants }: Config): Rule[] {
  const own = Object.entries(tenants).flatMap(([tenant, { retention: rules }]) =>
    rules === undefined
      ? []
      : rulesFor(tenant, {
          logs_streams: streamsOf(rules, retention),
          samples_series:
            rules.samples_series ?? (rules.samples_max_age_ms === undefined ? retention.samples_series : []),
        }),
  );
  return [...rulesFor(null, retention), ...own];
}

/** The rules for a tenant's streams, where it has a section of its own. */
export function streamsOf(own: Partial<Rules>, common: Rules): Rules['logs_streams'] {
  return own.logs_streams ?? (own.logs_max_age_ms === undefined ? common.logs_streams : []);
}

/** A rule as Loki's API tells it. */
export function shownRule({ selector, priority = 0, max_age_ms: maxAgeMs = 0 }: StreamRule) {
  return { selector, priority, maxAgeMs };
}

function rulesFor(tenant: string | null, rules: Pick<Rules, 'logs_streams' | 'samples_series'>): Rule[] {
  const rule = (table: Rule['table'], read: (text: string) => Matchers) => (given: StreamRule) => ({
    tenant,
    table,
    priority: given.priority ?? 0,
    maxAgeMs: given.max_age_ms ?? 0,
    maxBytes: given.max_bytes ?? 0,
    labels: labelMatches(read(given.selector)),
  });
  return [
    ...rules.logs_streams.map(rule('logs', streamMatchers)),
    ...rules.samples_series.map(rule('samples', seriesMatchers)),
    ...rules.samples_series.map(rule('exemplars', seriesMatchers)),
  ];
}

function streamMatchers(selector: string): Matchers {
  const { scan, stages } = logql.rows(selector, { from: 0n, to: 1n });
  if (stages.length > 0) throw new Error('it selects streams; leave out filters and other stages');
  return scan.matchers;
}

function seriesMatchers(selector: string): Matchers {
  return promql.selector(selector);
}
