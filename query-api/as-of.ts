import type { AsOf } from '../search/index.ts';
import { badParameter } from './errors.ts';
import { type Params, quoted } from './params.ts';
import { instantFromSeconds, nanos, parseDecimal, parseRfc3339 } from './time.ts';

/** A number from which on it counts nanoseconds, not seconds: no time in seconds is that large. */
const nanosecondsFrom = 1e15;

/**
 * As of when a request of any API reads: `as_of` among its parameters, or `X-Varve-As-Of`. A position
 * (`logs/0=1:40,spans/3=1:7`), RFC 3339, or seconds or nanoseconds since 1970.
 *
 * @throws Refused badParameter
 */
export function asOfIn(
  params: Params,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): AsOf | undefined {
  const header = headers['x-varve-as-of'];
  const text = params.get('as_of') || (typeof header === 'string' ? header : '');
  if (text === '') return undefined;
  if (text.includes('/')) return { position: text };
  const at = instantOf(text);
  if (at === undefined)
    throw badParameter(
      `cannot read as_of ${quoted(text)}: it is a position such as logs/0=1:40, RFC 3339, or seconds since 1970`,
    );
  return { timeMs: Number(at / nanos.millisecond) };
}

/**
 * Refuses a moment where requests are about now, rather than leaving it aside.
 *
 * @param reason why they are
 * @throws Refused badParameter
 */
export function refuseAsOf(
  params: Params,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  reason: string,
): void {
  if (asOfIn(params, headers) !== undefined)
    throw badParameter(`${reason}; leave out as_of and the header X-Varve-As-Of`);
}

function instantOf(text: string): bigint | undefined {
  if (/^\d+$/.test(text) && Number(text) >= nanosecondsFrom) return BigInt(text);
  const seconds = parseDecimal(text);
  return seconds === undefined ? parseRfc3339(text) : instantFromSeconds(seconds);
}
