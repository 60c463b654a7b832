import { parseArgs } from 'node:util';

/** Sizes of a run. The defaults end in about two minutes on two cores. */
export interface BenchOptions {
  readonly logs: number;
  readonly spans: number;
  readonly samples: number;
  readonly series: number;
  readonly connections: number;
  /** How often each query is asked, and how many markers are looked for. */
  readonly repeats: number;
  /** Age at which memtables are sealed while the bench runs; the default of the program is minutes. */
  readonly sealAgeMs: number;
  /** Where data directories are made; the system's temporary folder unless given. */
  readonly folder: string | undefined;
  /** Where the results are written as JSON too. */
  readonly json: string | undefined;
}

const text = { type: 'string' } as const;
const flags = {
  logs: { ...text, default: '300000' },
  spans: { ...text, default: '150000' },
  samples: { ...text, default: '1200000' },
  series: { ...text, default: '5000' },
  connections: { ...text, default: '4' },
  repeats: { ...text, default: '30' },
  'seal-age-ms': { ...text, default: '5000' },
  folder: text,
  json: text,
} as const;

/** Fewer than ten batches have no 99th percentile worth its name; none leaves the signal out. */
const recordsMin = 10_000;

/** @throws RangeError, TypeError for a flag that is unknown or not a count */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({ args: [...args], options: flags });
  const count = (name: Exclude<keyof typeof flags, 'folder' | 'json'>, least: number): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`--${name} ${values[name]} is not a whole number of at least ${least}`);
    return value;
  };
  const size = (name: 'logs' | 'spans' | 'samples'): number =>
    Number(values[name]) === 0 ? 0 : count(name, recordsMin);
  return {
    logs: size('logs'),
    spans: size('spans'),
    samples: size('samples'),
    series: count('series', 20),
    connections: count('connections', 1),
    repeats: count('repeats', 1),
    sealAgeMs: count('seal-age-ms', 1_000),
    folder: values.folder,
    json: values.json,
  };
}
