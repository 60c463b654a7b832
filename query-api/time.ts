/** Nanoseconds per unit. */
export const nanos = {
  microsecond: 1_000n,
  millisecond: 1_000_000n,
  second: 1_000_000_000n,
  minute: 60_000_000_000n,
  hour: 3_600_000_000_000n,
  day: 86_400_000_000_000n,
} as const;

/** The earliest and latest instants of the data model: 64-bit nanoseconds since 1970. */
export const timeMin = -(2n ** 63n);
export const timeMax = 2n ** 63n - 1n;

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A decimal number, or undefined for any other text (also for hexadecimal, `NaN` and blanks). */
export function parseDecimal(text: string): number | undefined {
  if (!decimal.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** Seconds since 1970 with a fraction, kept to the millisecond as the peers keep it. */
export function instantFromSeconds(seconds: number): bigint {
  const whole = Math.trunc(seconds);
  const milliseconds = Math.round((seconds - whole) * 1_000);
  return clampInstant(BigInt(whole) * nanos.second + BigInt(milliseconds) * nanos.millisecond);
}

/** Brings an instant into the data model's bounds: Grafana sends milliseconds as if they were seconds. */
export function clampInstant(instant: bigint): bigint {
  if (instant < timeMin) return timeMin;
  return instant > timeMax ? timeMax : instant;
}

const rfc3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:[.,](\d+))?(Z|([+-])(\d{2}):(\d{2}))$/;

/** `2026-11-23T11:45:00.123456789Z` or with an offset, to the nanosecond; undefined for any other text. */
export function parseRfc3339(text: string): bigint | undefined {
  const found = rfc3339.exec(text);
  if (found === null) return undefined;
  const [, local = '', fraction = '', , sign, hours = '0', minutes = '0'] = found;
  const milliseconds = Date.parse(`${local}Z`);
  // Date.parse rolls 30 February over to March; the peers refuse it.
  if (Number.isNaN(milliseconds) || !new Date(milliseconds).toISOString().startsWith(local)) return undefined;
  const offset = BigInt(hours) * nanos.hour + BigInt(minutes) * nanos.minute;
  const ahead = sign === '-' ? -offset : offset;
  return BigInt(milliseconds) * nanos.millisecond + BigInt(fraction.slice(0, 9).padEnd(9, '0')) - ahead;
}

const prometheusDuration = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

const prometheusUnits = [
  365n * nanos.day,
  7n * nanos.day,
  nanos.day,
  nanos.hour,
  nanos.minute,
  nanos.second,
  nanos.millisecond,
];

/** `1h30m`, `15s`, `250ms`, `1d`: units from large to small, each once. Undefined for any other text. */
export function parsePrometheusDuration(text: string): bigint | undefined {
  if (text === '0') return 0n;
  const found = text === '' ? null : prometheusDuration.exec(text);
  if (found === null) return undefined;
  return prometheusUnits.reduce((sum, unit, index) => sum + BigInt(found[index + 1] ?? '0') * unit, 0n);
}

/** Float seconds (`15`, `0.5`) or a Prometheus duration; undefined for any other text. */
export function parseSecondsOrDuration(text: string): bigint | undefined {
  const seconds = parseDecimal(text);
  if (seconds === undefined) return parsePrometheusDuration(text);
  // Past this the number of nanoseconds is no 64-bit integer.
  if (Math.abs(seconds) > 9_223_372_036) return undefined;
  return BigInt(Math.trunc(seconds * 1e9));
}

const goDuration = /^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const goDurationParts = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

const goUnits: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: nanos.microsecond,
  µs: nanos.microsecond,
  μs: nanos.microsecond,
  ms: nanos.millisecond,
  s: nanos.second,
  m: nanos.minute,
  h: nanos.hour,
};

/** `100ms`, `1.5s`, `1h30m` as Go spells them; undefined for any other text. */
export function parseGoDuration(text: string): bigint | undefined {
  if (!goDuration.test(text)) return undefined;
  let sum = 0n;
  for (const [, number = '', unit = ''] of text.matchAll(goDurationParts)) {
    const [whole = '', fraction = ''] = number.split('.');
    const scale = goUnits[unit] ?? 0n;
    sum += BigInt(whole === '' ? '0' : whole) * scale;
    sum += (BigInt(fraction === '' ? '0' : fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return sum;
}
