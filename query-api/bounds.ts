import type { TimeBounds } from '../search/index.ts';
import { badParameter } from './errors.ts';
import { type Params, parseWhole, quoted } from './params.ts';
import {
  clampInstant,
  instantFromSeconds,
  nanos,
  parseDecimal,
  parsePrometheusDuration,
  parseRfc3339,
} from './time.ts';

/** How Loki reads `start`, `end` and `since`, and Tempo those of its metrics queries. */

const sinceDefault = nanos.hour;

/**
 * An instant as Loki reads it: whole numbers of up to 10 digits are seconds, longer ones
 * nanoseconds, numbers with a dot seconds, anything else RFC 3339.
 *
 * @throws Refused badParameter, in the words of Loki's last attempt
 */
export function parseInstant(text: string, fallback: bigint): bigint {
  if (text === '') return fallback;
  const seconds = text.includes('.') ? parseDecimal(text) : undefined;
  if (seconds !== undefined) return instantFromSeconds(seconds);
  const whole = parseWhole(text);
  if (whole !== undefined) return clampInstant(text.length <= 10 ? whole * nanos.second : whole);
  const instant = parseRfc3339(text);
  if (instant === undefined) throw badParameter(`strconv.ParseInt: parsing ${quoted(text)}: invalid syntax`);
  return instant;
}

/**
 * `start`, `end` and `since`. Without `start` it is `since` (an hour) before `end`, or before now
 * when `end` lies in the future.
 *
 * @throws Refused badParameter
 */
export function parseBounds(params: Params, now: bigint): TimeBounds {
  const since = parseSince(params.get('since'));
  const to = named('end', () => parseInstant(params.get('end'), now));
  const anchor = to > now ? now : to;
  const from = named('start', () => parseInstant(params.get('start'), anchor - since));
  return { from, to };
}

function parseSince(text: string): bigint {
  if (text === '') return sinceDefault;
  const since = parsePrometheusDuration(text);
  if (since === undefined) {
    throw badParameter(`could not parse 'since' parameter: not a valid duration string: ${quoted(text)}`);
  }
  return since;
}

function named(name: string, parse: () => bigint): bigint {
  try {
    return parse();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw badParameter(`could not parse '${name}' parameter: ${text}`);
  }
}
