import { placeOf, QueryTextError } from '../errors.ts';
import { parseBytes } from '../text/bytes.ts';
import type { Token as LexedToken } from '../text/cursor.ts';
import { parseDuration, parsePrometheusDuration, unknownUnit } from '../text/duration.ts';
import { quote, unquote } from '../text/string.ts';
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
  /** What is no token, or no range; its text says why. The parser refuses it when it comes to it. */
  | 'badText'
  | 'badRange'
  | 'end';

type Token = LexedToken<TokenKind>;

const keywords = new Set(
  (
    'and or unless by without bool on ignoring group_left group_right offset unwrap ' +
    'json logfmt unpack regexp pattern line_format label_format decolorize drop keep'
  ).split(' '),
);
const conversions: ReadonlySet<string> = new Set(['bytes', 'duration', 'duration_seconds']);
const functions = new Set<string>([
  ...rangeOps,
  ...vectorOps,
  'label_replace',
  'vector',
  'ip',
  ...conversions,
]);

const space = /(?:[ \t\r\n]|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;
const word = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
const quoted = /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y;
const flag = /--[a-zA-Z][a-zA-Z-]*/y;
// As Loki does, a length or size goes on while its letters are of some unit: `5mb` is `5m` and a name.
const length = /-?(?:\d|\.\d)[\d.]*[nuµmshdwy][\d.nuµmshdwy]*/y;
const size = /(?:\d|\.\d)[\d.]*[BikKMGTP][\d.BikKMGTP]*/y;
const number = /0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const symbol = /\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[{}(),.=|<>+\-*/%^\]]/y;
/** Loki's scanner is Go's: a character in quotes, and every sign that is no symbol, is a name to it. */
const otherName = /'(?:[^'\\\n]|\\.)*'|[^]/uy;
const callFollows = /\s*(?:\(|(?:by|without)\s*\()/iy;

/** The tokens of a LogQL query, the last one `end`. */
export function lex(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  for (;;) {
    if (' \t\n\r#/'.includes(text.charAt(at))) at += match(space)?.length ?? 0;
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
  if (end === -1) {
    const fault = "missing closing ']' in duration";
    return { token: { kind: 'badRange', text: fault, from }, to: text.length };
  }
  const written = text.slice(from + 1, end);
  const fault = rangeFault(written);
  const token = { kind: fault === undefined ? 'range' : 'badRange', text: fault ?? written, from } as const;
  return { token, to: end + 1 };
}

function rangeFault(text: string): string | undefined {
  if (text === '') return 'empty duration string';
  const unit = unknownUnit(text);
  if (unit !== undefined) return `unknown unit ${quote(unit)} in duration ${quote(text)}`;
  return parsePrometheusDuration(text) === null ? `not a valid duration string: ${quote(text)}` : undefined;
}

function lexToken(text: string, from: number, match: (pattern: RegExp) => string | undefined): Lexed {
  const as = (kind: TokenKind, written: string, value = written): Lexed => ({
    token: { kind, text: value, from },
    to: from + written.length,
  });
  const first = text.charAt(from);
  if ('(){},'.includes(first)) return as('symbol', first);
  const name = match(word);
  if (name !== undefined) {
    const kind = wordKind(text, from, name);
    // Words of the language are read in any case; names are what they are.
    return as(kind, name, kind === 'identifier' ? name : name.toLowerCase());
  }
  const literal = match(quoted);
  if (literal !== undefined) {
    const value = unquote(literal);
    return value === null ? as('badText', literal, 'invalid char escape') : as('string', literal, value);
  }
  const fault = numberFault(text, from);
  if (fault !== undefined) return as('badText', text.slice(from), fault);
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
  if (`"\``.includes(first)) return as('badText', text.slice(from), 'literal not terminated');
  return as('identifier', match(otherName) ?? first);
}

const digitless = /0[bB]/y;
const badOctal = /0[0-7]*([89])\d*(?![\d.eE])/y;

/** What Go's scanner says of a number: `0B` begins a binary one to it, `08` an octal one. */
function numberFault(text: string, from: number): string | undefined {
  digitless.lastIndex = from;
  if (digitless.test(text)) return 'decimal literal has no digits';
  badOctal.lastIndex = from;
  const [, digit] = badOctal.exec(text) ?? [];
  return digit === undefined ? undefined : `invalid digit '${digit}' in octal literal`;
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
      return 'FUNCTION_FLAG';
    case 'function':
      if (text === 'ip') return text;
      return conversions.has(text) ? `${text.toUpperCase()}_CONV` : text.toUpperCase();
    case 'keyword':
    case 'symbol':
    case 'badText':
    case 'badRange':
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
