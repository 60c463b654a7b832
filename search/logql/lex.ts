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
const measure = /(?:\d+(?:\.\d*)?|\.\d+)[a-zA-Zµμ][0-9a-zA-Zµμ.]*/y;
const number = /0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const symbol = /\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[{}(),=|<>+\-*/%^[\]]/y;
const callFollows = /(?:\s|#[^\n]*)*(?:\(|(?:by|without)\b)/y;

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
  if (end === -1) throw lexError(text, from, 'missing closing ] of a range');
  return { token: { kind: 'range', text: text.slice(from + 1, end).trim(), from }, to: end + 1 };
}

function lexToken(text: string, from: number, match: (pattern: RegExp) => string | undefined): Lexed {
  const as = (kind: TokenKind, written: string, value = written): Lexed => ({
    token: { kind, text: value, from },
    to: from + written.length,
  });
  const name = match(word);
  if (name !== undefined) return as(wordKind(text, from, name), name);
  const literal = match(quoted);
  if (literal !== undefined) {
    const value = unquote(literal);
    if (value === null) throw lexError(text, from, `invalid syntax in string ${literal}`);
    return as('string', literal, value);
  }
  const measured = match(measure);
  if (measured !== undefined) {
    if (parseDuration(measured) !== null) return as('duration', measured);
    if (parseBytes(measured) !== null) return as('bytes', measured);
  }
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
  if (keywords.has(name)) return 'keyword';
  if (!functions.has(name)) return 'identifier';
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

/** An error in Loki's words: `parse error at line 1, col 5: literal not terminated`. */
export function lexError(text: string, offset: number, message: string): QueryTextError {
  const place = placeOf(text, offset);
  return new QueryTextError(
    'logql',
    place,
    `parse error at line ${place.line}, col ${place.column}: ${message}`,
  );
}
