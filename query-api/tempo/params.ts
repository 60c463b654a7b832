import type { TimeBounds } from '../../search/index.ts';
import { parseBounds as parseSpan } from '../bounds.ts';
import { badParameter } from '../errors.ts';
import { type Params, parseWhole, quoted } from '../params.ts';
import { clampInstant, nanos, parseGoDuration } from '../time.ts';

const unsigned32Max = 2n ** 32n - 1n;

/**
 * An unsigned 32-bit number; 0 when there is none, as Tempo reads its parameters.
 *
 * @throws Refused badParameter
 */
export function parseUnsigned(params: Params, name: string): number {
  const text = params.get(name);
  if (text === '') return 0;
  const number = text.startsWith('+') ? undefined : parseWhole(text);
  if (number === undefined || number < 0n) {
    throw badParameter(`invalid ${name}: strconv.ParseUint: parsing ${quoted(text)}: invalid syntax`);
  }
  if (number > unsigned32Max) {
    throw badParameter(`invalid ${name}: strconv.ParseUint: parsing ${quoted(text)}: value out of range`);
  }
  return Number(number);
}

/**
 * `start` and `end` in whole seconds; without them the recent past.
 *
 * @throws Refused badParameter when the range is empty or turned
 */
export function parseBounds(params: Params, now: bigint, recentMs: number): TimeBounds {
  const start = parseUnsigned(params, 'start');
  const end = parseUnsigned(params, 'end');
  if (start === 0 && end === 0) return recentBounds(now, recentMs);
  checkBoth(params);
  checkOrder(start, end);
  return boundsOf(start, end);
}

/**
 * The same of lists of tags and values, which take instants as metrics queries do, and `since`.
 *
 * @throws Refused badParameter when one bound is missing, or the range is turned
 */
export function parseListBounds(params: Params, now: bigint, recentMs: number): TimeBounds {
  if (params.get('since') !== '') return parseSpan(params, now);
  if (params.get('start') === '' && params.get('end') === '') return recentBounds(now, recentMs);
  checkBoth(params);
  const { from, to } = parseSpan(params, now);
  if (from > to)
    throw badParameter(
      `http parameter start must be before end. received start=${from / nanos.second} end=${to / nanos.second}`,
    );
  return { from, to };
}

function recentBounds(now: bigint, recentMs: number): TimeBounds {
  return { from: now - BigInt(recentMs) * nanos.millisecond, to: now };
}

function checkBoth(params: Params): void {
  if (params.get('start') !== '' && params.get('end') !== '') return;
  throw badParameter(
    'error parsing date range: only one of start and end provided: must provide both or neither',
  );
}

/** `start` and `end` of a look-up by id, which Tempo takes for a hint: only both together count. */
export function parseHint(params: Params): TimeBounds | undefined {
  const start = parseSigned(params, 'start');
  const end = parseSigned(params, 'end');
  if (start === undefined || end === undefined) return undefined;
  checkOrder(start, end);
  return { from: clampInstant(start * nanos.second), to: clampInstant(end * nanos.second) };
}

function parseSigned(params: Params, name: string): bigint | undefined {
  const text = params.get(name);
  if (text === '') return undefined;
  const number = parseWhole(text);
  if (number === undefined)
    throw badParameter(`invalid ${name}: strconv.ParseInt: parsing ${quoted(text)}: invalid syntax`);
  return number;
}

function checkOrder(start: number | bigint, end: number | bigint): void {
  if (start < end) return;
  throw badParameter(`http parameter start must be before end. received start=${start} end=${end}`);
}

function boundsOf(start: number, end: number): TimeBounds {
  return { from: BigInt(start) * nanos.second, to: BigInt(end) * nanos.second };
}

/** A Go duration in nanoseconds, if there is one. @throws Refused badParameter */
export function parseDuration(params: Params, name: string): bigint | undefined {
  const text = params.get(name);
  if (text === '') return undefined;
  const length = text === '0' ? 0n : parseGoDuration(text);
  if (length === undefined) throw badParameter(`invalid ${name}: time: invalid duration ${quoted(text)}`);
  return length;
}

/** The most names of tags, 0 for all; as in Tempo what is no number counts as none. */
export function parseTagsLimit(params: Params): number {
  const limit = parseWhole(params.get('limit')) ?? 0n;
  return limit < 0n || limit > unsigned32Max ? 0 : Number(limit);
}

/** The most entries of a list, 0 for all. @throws Refused badParameter */
export function parseListLimit(params: Params): number {
  return parseUnsigned(params, 'limit');
}
