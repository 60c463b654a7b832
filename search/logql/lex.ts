import { placeOf, QueryTextError } from '../errors.ts';
import { parseBytes } from '../text/bytes.ts';
import type { Token as LexedToken } from '../text/cursor.ts';
import { parseDuration } from '../text/duration.ts';
import { unquote } from '../text/string.ts';
import { rangeOps, vectorOps } from './syntax.ts';

export type TokenKind =
  | 'identifier'
  | 'string'
  | 'number'
  | 'duration'
  | 'bytes'
  /** What stands between `[` and `]`. */
  | 'range'
  /** `--strict`, `--keep-empty`. */
  | 'flag'
  | 'keyword'
  /** A function's name where `(`, `by` or `without` follows. */
  | 'function'
  | 'symbol'
  | 'end';

type Token = LexedToken<TokenKind>;

const keywords = new Set(
  (
    'and or unless by without bool on ignoring group_left group_right offset unwrap ' +
    'json logfmt unpack regexp pattern line_format label_format decolorize drop keep'
  ).split(' '),
);
const functions = new Set<string>([
  ...rangeOps,
  ...vectorOps,
  'label_replace',
  'vector',
  'ip',
  'bytes',
  'duration',
  'duration_seconds',
]);

const space = /(?:\s|#[^\n]*)+/y;
const word = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
const quoted = /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y;
const flag = /--[a-zA-Z][a-zA-Z-]*/y;
// As Loki does, a length or size goes on while its letters are of some unit: `5mb` is `5m` and a name.
const length = /-?(?:\d|\.\d)[\d.]*[nuµmshdwy][\d.nuµmshdwy]*/y;
const size = /(?:\d|\.\d)[\d.]*[BikKMGTP][\d.BikKMGTP]*/y;
const number = /0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const symbol = /\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[{}(),=|<>+\-*/%^[\]]/y;
const callFollows = /\s*(?:\(|(?:by|without)\s*\()/iy;

/**
 * The tokens of a LogQL query, the last one `end`.
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
    const token = lexRange(text, at) ?? lexToken(text, at, match);
    tokens.push(token.token);
    at = token.to;
  }
  tokens.push({ kind: 'end', text: '$end', from: text.length });
  return tokens;
}

interface Lexed {
  readonly token: Token;
  readonly to: number;
}

function lexRange(text: string, from: number): Lexed | undefined {
  if (text.charAt(from) !== '[') return undefined;
  const end = text.indexOf(']', from);
  if (end === -1) throw lexError(text, from, "missing closing ']' in duration", 0);
  return { token: { kind: 'range', text: text.slice(from + 1, end), from }, to: end + 1 };
}

function lexToken(text: string, from: number, match: (pattern: RegExp) => string | undefined): Lexed {
  const as = (kind: TokenKind, written: string, value = written): Lexed => ({
    token: { kind, text: value, from },
    to: from + written.length,
  });
  const name = match(word);
  if (name !== undefined) {
    const kind = wordKind(text, from, name);
    // Words of the language are read in any case; names are what they are.
    return as(kind, name, kind === 'identifier' ? name : name.toLowerCase());
  }
  const literal = match(quoted);
  if (literal !== undefined) {
    const value = unquote(literal);
    if (value === null) throw lexError(text, from, `invalid syntax in string ${literal}`);
    return as('string', literal, value);
  }
  const duration = match(length);
  if (duration !== undefined && parseDuration(duration) !== null) return as('duration', duration);
  const bytes = match(size);
  if (bytes !== undefined && parseBytes(bytes) !== null) return as('bytes', bytes);
  const numeral = match(number);
  if (numeral !== undefined) return as('number', numeral);
  const option = match(flag);
  if (option === '--strict' || option === '--keep-empty') return as('flag', option);
  const sign = match(symbol);
  if (sign !== undefined) return as('symbol', sign);
  if (`"\``.includes(text.charAt(from))) throw lexError(text, from, 'literal not terminated');
  throw lexError(text, from, `unexpected char ${JSON.stringify(text.charAt(from))}`);
}

function wordKind(text: string, from: number, name: string): TokenKind {
  const lower = name.toLowerCase();
  if (keywords.has(lower)) return 'keyword';
  if (!functions.has(lower)) return 'identifier';
  callFollows.lastIndex = from + name.length;
  return callFollows.test(text) ? 'function' : 'identifier';
}

/** How Loki names a token in its messages. */
export function tokenName({ kind, text }: Token): string {
  switch (kind) {
    case 'identifier':
    case 'string':
    case 'number':
    case 'duration':
    case 'bytes':
    case 'range':
      return kind.toUpperCase();
    case 'flag':
      return 'PARSER_FLAG';
    case 'function':
      return text === 'ip' ? text : text.toUpperCase();
    case 'keyword':
    case 'symbol':
    case 'end':
      return text;
  }
}

/**
 * An error in Loki's words: `parse error at line 1, col 5: literal not terminated`.
 *
 * @param shownLine the line that the message names, where Loki names another than the true one
 */
export function lexError(text: string, offset: number, message: string, shownLine?: number): QueryTextError {
  const place = placeOf(text, offset);
  const line = shownLine ?? place.line;
  return new QueryTextError('logql', place, `parse error at line ${line}, col ${place.column}: ${message}`);
}
