import { badParameter } from '../errors.ts';
import { type Params, parseWhole, quoted } from '../params.ts';
import { instantFromSeconds, nanos, parseDecimal, parseRfc3339, parseSecondsOrDuration } from '../time.ts';

const pointsMax = 11_000n;

/**
 * An instant as Prometheus reads it: float seconds, kept to the millisecond, or RFC 3339.
 *
 * @throws Refused badParameter
 */
function parseTime(params: Params, name: string): bigint {
  return readInstant(params.get(name), (reason) => `invalid parameter "${name}": ${reason}`);
}

/** As {@link parseTime}, with a fallback when there is none, and in the words of its optional parameters. */
export function parseTimeOr(params: Params, name: string, fallback: bigint): bigint {
  const text = params.get(name);
  if (text === '') return fallback;
  return readInstant(
    text,
    (reason) => `invalid parameter "${name}": invalid time value for '${name}': ${reason}`,
  );
}

function readInstant(text: string, word: (reason: string) => string): bigint {
  const seconds = parseDecimal(text);
  const instant = seconds === undefined ? parseRfc3339(text) : instantFromSeconds(seconds);
  if (instant === undefined) throw badParameter(word(`cannot parse ${quoted(text)} to a valid timestamp`));
  return instant;
}

/** @throws Refused badParameter */
function parseDuration(params: Params, name: string): bigint {
  const text = params.get(name);
  const length = parseSecondsOrDuration(text);
  if (length === undefined) {
    throw badParameter(`invalid parameter "${name}": cannot parse ${quoted(text)} to a valid duration`);
  }
  return length;
}

/** `start`, `end` and `step` of a range query, in nanoseconds. */
export interface RangeParams {
  readonly start: bigint;
  readonly end: bigint;
  readonly step: bigint;
}

/** @throws Refused badParameter when the range is turned, the step not positive or over 11,000 points asked for */
export function parseRange(params: Params): RangeParams {
  const start = parseTime(params, 'start');
  const end = parseTime(params, 'end');
  if (end < start) {
    throw badParameter('invalid parameter "end": end timestamp must not be before start time');
  }
  // Prometheus counts steps in milliseconds; a finer one would never move on.
  const given = parseDuration(params, 'step');
  const step = given > nanos.millisecond ? given - (given % nanos.millisecond) : given;
  if (step <= 0n) {
    throw badParameter(
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  }
  if ((end - start) / step > pointsMax) {
    throw badParameter(
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
  }
  return { start, end, step };
}

/** The most entries of a list, 0 for all. @throws Refused badParameter */
export function parseLimit(params: Params): number {
  const text = params.get('limit');
  if (text === '') return 0;
  const limit = parseWhole(text);
  if (limit === undefined || limit > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw badParameter(`invalid parameter "limit": strconv.Atoi: parsing ${quoted(text)}: invalid syntax`);
  }
  if (limit < 0n) throw badParameter('invalid parameter "limit": limit must be non-negative');
  return Number(limit);
}

/** A number of metadata, 0 for all, which Prometheus also takes any negative one for. @throws Refused badParameter */
export function parseCount(params: Params, name: 'limit' | 'limit_per_metric'): number {
  const text = params.get(name);
  if (text === '') return 0;
  const count = parseWhole(text);
  if (count === undefined || count > unsigned32Max) throw badParameter(`${name} must be a number`);
  return count < 0n ? 0 : Number(count);
}

const unsigned32Max = 2n ** 32n - 1n;

/** The request's own `timeout` in milliseconds, if it has one. @throws Refused badParameter */
export function parseTimeout(params: Params): { readonly timeoutMs?: number } {
  if (params.get('timeout') === '') return {};
  return { timeoutMs: Number(parseDuration(params, 'timeout') / nanos.millisecond) };
}

/** `lookback_delta`, or the server's. @throws Refused badParameter */
export function parseLookback(params: Params, defaultMs: number): bigint {
  if (params.get('lookback_delta') === '') return BigInt(defaultMs) * nanos.millisecond;
  const lookback = parseDuration(params, 'lookback_delta');
  if (lookback <= 0n) {
    throw badParameter('invalid parameter "lookback_delta": lookback delta must be a positive duration');
  }
  return lookback;
}

const escapedName = /_(?:_|([0-9a-fA-F]{1,6})_)/g;

/**
 * A label's name from a path: `U__` in front marks a UTF-8 name whose odd characters are written
 * `_<hex>_` and whose underscores are doubled.
 *
 * @throws Refused badParameter when it is empty
 */
export function parseLabelName(text: string): string {
  const name = text.startsWith('U__') ? text.slice(3).replace(escapedName, unescapedCharacter) : text;
  if (name === '') throw badParameter(`invalid label name: ${quoted(text)}`);
  return name;
}

function unescapedCharacter(whole: string, hex: string | undefined): string {
  if (hex === undefined) return '_';
  const code = Number.parseInt(hex, 16);
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : whole;
}
