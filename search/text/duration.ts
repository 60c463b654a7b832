/** Nanoseconds in each unit of Go's `time.ParseDuration`. */
const goUnits: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3_600e9,
};

const prometheusUnits = [
  ['y', 365n * 86_400_000n],
  ['w', 7n * 86_400_000n],
  ['d', 86_400_000n],
  ['h', 3_600_000n],
  ['m', 60_000n],
  ['s', 1_000n],
  ['ms', 1n],
] as const;

const prometheusPattern = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** The longest length that native code can hold, in nanoseconds (an `i64`). */
const longest = 2n ** 63n - 1n;

/**
 * A length as Prometheus writes it, in nanoseconds: `1h30m`, `2w`, `250ms`, units from long to short,
 * each once, no fractions. `null` when it is not one or longer than 292 years.
 */
export function parsePrometheusDuration(text: string): bigint | null {
  if (text === '0') return 0n;
  const found = prometheusPattern.exec(text);
  if (found === null || text === '') return null;
  const milliseconds = prometheusUnits.reduce(
    (sum, [, unitMs], index) => sum + BigInt(found[index + 1] ?? 0) * unitMs,
    0n,
  );
  const nanos = milliseconds * 1_000_000n;
  return nanos > longest ? null : nanos;
}

/** The first unit that Prometheus does not know in what else is written as a length: `minutes` of `5minutes`. */
export function unknownUnit(text: string): string | undefined {
  const units: readonly string[] = prometheusUnits.map(([unit]) => unit);
  if (!/^(?:\d+\D+)+$/.test(text)) return undefined;
  return (text.match(/\D+/g) ?? []).find((unit) => !units.includes(unit));
}

/** A length as Go writes it, in nanoseconds: `1.5s`, `-1h2m`, `250us`. `null` when it is not one. */
export function parseGoDuration(text: string): bigint | null {
  const negative = text.startsWith('-');
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === '0') return 0n;
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return null;
  let nanos = 0n;
  for (const [, amount = '', unit = ''] of body.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    const [whole = '', fraction = ''] = amount.split('.');
    const unitNanos = goUnits[unit] ?? 0;
    nanos += BigInt(whole || '0') * BigInt(unitNanos);
    nanos += (BigInt(fraction || '0') * BigInt(unitNanos)) / 10n ** BigInt(fraction.length);
  }
  if (nanos > longest) return null;
  return negative ? -nanos : nanos;
}

/** A length as Loki and Tempo read it: Go's form first, then Prometheus' (for `1d`, `1w`, `1y`). */
export function parseDuration(text: string): bigint | null {
  return parseGoDuration(text) ?? parsePrometheusDuration(text);
}

const shownPrometheusUnits = [
  ['y', 365n * 86_400_000n, 'exact'],
  ['w', 7n * 86_400_000n, 'exact'],
  ['d', 86_400_000n, 'rest'],
  ['h', 3_600_000n, 'rest'],
  ['m', 60_000n, 'rest'],
  ['s', 1_000n, 'rest'],
  ['ms', 1n, 'rest'],
] as const;

/** A length as Prometheus writes it: `1h30m`, `2w`; years and weeks only where nothing is left over. */
export function showPrometheusDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  let left = (nanos < 0n ? -nanos : nanos) / 1_000_000n;
  let shown = nanos < 0n ? '-' : '';
  for (const [unit, size, use] of shownPrometheusUnits) {
    if (use === 'exact' && left % size !== 0n) continue;
    const count = left / size;
    if (count > 0n) shown += `${String(count)}${unit}`;
    left -= count * size;
  }
  return shown;
}

/** A length as Go writes it: `1h0m0s`, `1.5s`, `250ms`, `10µs`. */
export function showGoDuration(nanos: bigint): string {
  const sign = nanos < 0n ? '-' : '';
  const length = nanos < 0n ? -nanos : nanos;
  if (length === 0n) return '0s';
  if (length < 1_000n) return `${sign}${String(length)}ns`;
  if (length < 1_000_000n) return `${sign}${decimal(length, 1_000n)}µs`;
  if (length < 1_000_000_000n) return `${sign}${decimal(length, 1_000_000n)}ms`;
  const minutes = length / 60_000_000_000n;
  const seconds = `${decimal(length % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  const rest = `${String(minutes % 60n)}m${seconds}`;
  return sign + (hours === 0n ? rest : `${String(hours)}h${rest}`);
}

function decimal(count: bigint, unit: bigint): string {
  const fraction = (count % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '');
  return `${String(count / unit)}${fraction === '' ? '' : `.${fraction}`}`;
}
