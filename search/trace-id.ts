import { VarveError } from '../storage/index.ts';

declare const brand: unique symbol;

/** 32 lower-case hex digits. Only `parseTraceId` makes one. */
export type TraceId = string & { readonly [brand]: 'TraceId' };

/**
 * Reads a trace id as Tempo's clients send it: 1 to 32 hex digits of either case. Shorter ids
 * (64-bit ones, from Zipkin and older SDKs) are padded with zeros on the left, as Tempo pads them.
 *
 * @throws VarveError QUERY_INVALID, saying which length or character was wrong
 */
export function parseTraceId(text: string): TraceId {
  const badAt = text.search(/[^0-9a-fA-F]/);
  if (badAt !== -1) {
    const bad = text.charAt(badAt);
    throw new VarveError(
      'QUERY_INVALID',
      `trace IDs can only contain hex characters: invalid character '${bad}' at position ${badAt + 1}`,
    );
  }
  if (text.length === 0 || text.length > 32) {
    throw new VarveError('QUERY_INVALID', `trace id has ${text.length} digits; it must have 1 to 32`);
  }
  return text.toLowerCase().padStart(32, '0') as TraceId;
}
