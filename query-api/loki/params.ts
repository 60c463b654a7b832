import type { Direction, TimeBounds } from '../../search/index.ts';
import { parseBounds } from '../bounds.ts';
import { badParameter } from '../errors.ts';
import { type Params, parseWhole, quoted } from '../params.ts';
import { nanos, parseSecondsOrDuration, timeMax, timeMin } from '../time.ts';

const pointsMax = 11_000n;
const uint32Max = 2n ** 32n - 1n;

/** What a range query says besides its text. */
export interface RangeParams extends TimeBounds {
  readonly limit: number;
  readonly direction: Direction;
  readonly step: bigint;
  readonly interval: bigint;
}

/** {@link parseBounds}, where a turned range is refused too; an empty one is not, whatever Loki's words say. */
export function parseRangeBounds(params: Params, now: bigint): TimeBounds {
  const bounds = parseBounds(params, now);
  if (bounds.to < bounds.from) throw badParameter('end timestamp must not be before or equal to start time');
  return bounds;
}

/** @throws Refused badParameter */
export function parseLimit(params: Params, fallback: number, name = 'limit'): number {
  const text = params.get(name);
  if (text === '') return fallback;
  const limit = parseInteger(text);
  if (limit <= 0n) throw badParameter(`${name} must be a positive value`);
  return Number(withinUint32(limit, name));
}

/** A whole number, refused in Go's words where it is none. @throws Refused badParameter */
export function parseInteger(text: string): bigint {
  const whole = parseWhole(text);
  const refused = (why: string) => badParameter(`strconv.Atoi: parsing ${quoted(text)}: ${why}`);
  if (whole === undefined) throw refused('invalid syntax');
  if (whole < timeMin || whole > timeMax) throw refused('value out of range');
  return whole;
}

/** @throws Refused badParameter */
export function withinUint32(value: bigint, name: string): bigint {
  if (value >= 0n && value <= uint32Max) return value;
  throw badParameter(`${name} value ${value} is out of range [0, ${uint32Max}]`);
}

/** `query`, with the line filter that was a parameter of its own before there were pipelines. */
export function queryWithFilter(params: Params): string {
  const [query, regexp] = [params.get('query'), params.get('regexp')];
  return regexp === '' ? query : `${query} |~ ${JSON.stringify(regexp)}`;
}

/** @throws Refused badParameter */
export function parseDirection(params: Params): Direction {
  const text = params.get('direction');
  switch (text.toUpperCase()) {
    case '':
    case 'BACKWARD':
      return 'backward';
    case 'FORWARD':
      return 'forward';
    default:
      throw badParameter(`invalid direction '${text}'`);
  }
}

/**
 * `step`, by default a 250th of the range in whole seconds and at least one.
 *
 * @throws Refused badParameter when it is not positive or gives more than 11,000 points
 */
export function parseStep(params: Params, { from, to }: TimeBounds): bigint {
  const text = params.get('step');
  const step = text === '' ? defaultStep({ from, to }) : lengthOf(text);
  if (step <= 0n) {
    throw badParameter(
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  }
  if ((to - from) / step > pointsMax) {
    throw badParameter(
      'exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter',
    );
  }
  return step;
}

function defaultStep({ from, to }: TimeBounds): bigint {
  const seconds = (to - from) / nanos.second / 250n;
  return (seconds > 1n ? seconds : 1n) * nanos.second;
}

function lengthOf(text: string): bigint {
  const length = parseSecondsOrDuration(text);
  if (length === undefined) throw badParameter(`cannot parse ${quoted(text)} to a valid duration`);
  return length;
}

/** Everything of a range query but its text, checked in Loki's order. */
export function parseRange(params: Params, now: bigint, limitDefault: number): RangeParams {
  const bounds = parseRangeBounds(params, now);
  const limit = parseLimit(params, limitDefault);
  const direction = parseDirection(params);
  const step = parseStep(params, bounds);
  return { ...bounds, limit, direction, step, interval: parseInterval(params) };
}

/** How far apart lines are at least. @throws Refused badParameter */
export function parseInterval(params: Params): bigint {
  const text = params.get('interval');
  const interval = text === '' ? 0n : lengthOf(text);
  if (interval < 0n) throw badParameter('interval must be >= 0');
  return interval;
}
