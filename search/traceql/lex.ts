import { placeOf, QueryTextError } from '../errors.ts';
import type { Token as LexedToken } from '../text/cursor.ts';
import { parseDuration } from '../text/duration.ts';
import { unquote } from '../text/string.ts';
import { intrinsics, readAttribute } from './fields.ts';

export type TokenKind =
  | 'identifier'
  | 'string'
  | 'integer'
  | 'float'
  | 'duration'
  /** A field with its scope: `.x`, `resource."a b"`. */
  | 'attribute'
  /** `duration`, `span:status`. */
  | 'intrinsic'
  | 'keyword'
  | 'symbol'
  | 'end';
export type Token = LexedToken<TokenKind>;

export const metricsFunctions = [
  'rate',
  'count_over_time',
  'min_over_time',
  'max_over_time',
  'avg_over_time',
  'sum_over_time',
  'quantile_over_time',
  'histogram_over_time',
  'compare',
];

const keywords = new Set([
  ...'true false nil ok error unset unspecified internal server client producer consumer'.split(' '),
  ...'parent count avg max min sum by coalesce select with topk bottomk'.split(' '),
  ...metricsFunctions,
]);

const space = /(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;
const attribute =
  /(?:parent\.(?:(?:resource|span|event|link|instrumentation)\.)?|(?:resource|span|event|link|instrumentation)\.|\.(?!\d))(?:"(?:[^"\\]|\\["\\])*"|[^\s{}()=~!<>&|^,"])*/y;
const scopedIntrinsic = /(trace|span|event|link|instrumentation):(\w*)/y;
const word = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
const quoted = /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y;
const measure = /(?:\d+(?:\.\d*)?|\.\d+)[a-zµμ][0-9a-zµμ.]*/y;
const float = /(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y;
const integer = /\d+/y;
const symbol = /&&|\|\||&>>|&<<|&>|&<|&~|!>>|!<<|!>|!<|!=|!~|=~|>=|<=|>>|<<|[{}()=<>!|~+\-*/%^,]/y;

/**
 * The tokens of a TraceQL query, the last one `end`.
 *
 * @throws QueryTextError for what starts no token
 */
export function lex(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  for (;;) {
    at += match(space)?.length ?? 0;
    if (at === text.length) break;
    const { kind, written, value } = lexToken(text, at, match);
    tokens.push({ kind, text: value, from: at });
    at += written.length;
  }
  tokens.push({ kind: 'end', text: '$end', from: text.length });
  return tokens;
}

interface Lexed {
  readonly kind: TokenKind;
  readonly written: string;
  readonly value: string;
}

function lexToken(text: string, at: number, match: (pattern: RegExp) => string | undefined): Lexed {
  const as = (kind: TokenKind, written: string, value = written): Lexed => ({ kind, written, value });
  // Nothing else starts with these, and queries of thousands of brackets are asked as well.
  const first = text.charAt(at);
  if ('(){},'.includes(first)) return as('symbol', first);
  const named = match(attribute);
  if (named !== undefined) {
    if (text.charAt(at + named.length) === '"') throw lexError(text, at, 'unexpected EOF, expecting "', 0);
    if (readAttribute(named) !== null) return as('attribute', named);
    const bare = named.startsWith('.');
    const missing = named.startsWith('parent') ? 'IDENTIFIER or resource. or span.' : 'IDENTIFIER';
    const message = `syntax error: unexpected END_ATTRIBUTE, expecting ${missing}`;
    throw lexError(text, at, message, bare ? undefined : 0);
  }
  const scoped = match(scopedIntrinsic);
  if (scoped !== undefined) {
    if (intrinsics.has(scoped)) return as('intrinsic', scoped);
    const colon = scoped.indexOf(':');
    throw lexError(text, at + colon + 1, `syntax error: unexpected ${scoped.slice(colon + 1) || '$end'}`);
  }
  const name = match(word);
  if (name !== undefined && intrinsics.has(name)) return as('intrinsic', name);
  if (name !== undefined) return as(keywords.has(name) ? 'keyword' : 'identifier', name);
  const literal = match(quoted);
  if (literal !== undefined) {
    const value = unquote(literal);
    if (value === null) throw lexError(text, at, 'invalid syntax');
    return as('string', literal, value);
  }
  const measured = match(measure);
  if (measured !== undefined && parseDuration(measured) !== null) return as('duration', measured);
  for (const [kind, pattern] of [
    ['float', float],
    ['integer', integer],
    ['symbol', symbol],
  ] as const) {
    const written = match(pattern);
    if (written !== undefined) return as(kind, written);
  }
  if (`"\``.includes(text.charAt(at))) throw lexError(text, at, 'literal not terminated');
  throw lexError(text, at, `syntax error: unexpected ${text.charAt(at)}`);
}

/** How Tempo names a token in its messages. */
export function tokenName({ kind, text }: Token): string {
  switch (kind) {
    case 'identifier':
    case 'string':
    case 'integer':
    case 'float':
    case 'duration':
      return kind.toUpperCase();
    case 'attribute':
      return /^[a-z]*\./.exec(text)?.[0] ?? text;
    case 'intrinsic':
    case 'keyword':
    case 'symbol':
    case 'end':
      return text;
  }
}

/**
 * An error in Tempo's words: `parse error at line 1, col 3: unknown identifier: a`.
 *
 * @param shownLine the line that the message names; Tempo's scanner forgets that of tokens which take it more
 *   than one step, and says 0
 */
export function lexError(text: string, offset: number, message: string, shownLine?: number): QueryTextError {
  const place = placeOf(text, offset);
  const line = shownLine ?? place.line;
  return new QueryTextError('traceql', place, `parse error at line ${line}, col ${place.column}: ${message}`);
}
