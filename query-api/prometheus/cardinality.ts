import { lookup } from '../../search/index.ts';
import type { Answer } from '../answer.ts';
import type { Call } from '../api.ts';
import { badParameter } from '../errors.ts';
import { parseWhole } from '../params.ts';
import { timeMax, timeMin } from '../time.ts';
import { success } from './answers.ts';

interface Count {
  readonly name: string;
  readonly value: number;
}

/** The most entries of each list without a limit, and the most with one. */
const [limitDefault, limitMax] = [10n, 10_000n];

/** How many series there are by name, label and value, for dashboards of cardinality. */
export async function cardinality(call: Call): Promise<Answer> {
  const limit = parseLimit(call);
  const plan = lookup.seriesLabels([], { from: timeMin, to: timeMax }, { kind: 'sets' }, 0);
  const { body } = await call.ask({ plan, answer: 'prometheus' });
  const { data } = JSON.parse(body.toString()) as { data: readonly Readonly<Record<string, string>>[] };
  const [byMetric, byPair] = [new Map<string, number>(), new Map<string, number>()];
  const valuesOf = new Map<string, Set<string>>();
  const bytesOf = new Map<string, number>();
  for (const labels of data) {
    for (const [name, value] of Object.entries(labels)) {
      add(byPair, `${name}=${value}`, 1);
      if (name === '__name__') add(byMetric, value, 1);
      const values = valuesOf.get(name) ?? new Set();
      if (!values.has(value)) add(bytesOf, name, Buffer.byteLength(value));
      valuesOf.set(name, values.add(value));
    }
  }
  const byLabel = [...valuesOf].map(([name, values]) => [name, values.size] as const);
  return success({
    headStats: { numSeries: data.length, numLabelPairs: byPair.size, chunkCount: 0, minTime: 0, maxTime: 0 },
    seriesCountByMetricName: greatest(byMetric, limit),
    labelValueCountByLabelName: greatest(byLabel, limit),
    memoryInBytesByLabelName: greatest(bytesOf, limit),
    seriesCountByLabelValuePair: greatest(byPair, limit),
  });
}

function parseLimit({ params }: Call): number {
  const text = params.get('limit');
  const limit = text === '' ? limitDefault : parseWhole(text);
  if (limit === undefined || limit < 1n) throw badParameter('limit must be a positive number');
  if (limit > limitMax) throw badParameter(`limit must not exceed ${limitMax}`);
  return Number(limit);
}

function add(counts: Map<string, number>, key: string, more: number): void {
  counts.set(key, (counts.get(key) ?? 0) + more);
}

function greatest(counts: Iterable<readonly [string, number]>, limit: number): Count[] {
  return [...counts]
    .map(([name, value]) => ({ name, value }))
    .sort((one, other) => other.value - one.value || (one.name < other.name ? -1 : 1))
    .slice(0, limit);
}
