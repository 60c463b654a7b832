import { placeOf, QueryTextError } from '../errors.ts';
import type { Token as LexedToken } from '../text/cursor.ts';
import { unquote } from '../text/string.ts';
import { aggregationOps } from './syntax.ts';

export type TokenKind = 'word' | 'string' | 'number' | 'duration' | 'symbol' | 'end';
export type Token = LexedToken<TokenKind>;

const space = /(?:[ \t\r\n]|#[^\n]*)+/y;
const metricWord = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const word = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const quoted = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y;
const duration = /(?:\d+(?:ms|[ywdhms]))+/y;
const number = /0[xX][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y;
const symbol = /=~|!~|!=|==|>=|<=|<\/|>\/|[{}()[\],:=<>+\-*/%^@]/y;

/**
 * The tokens of a PromQL query, the last one `end`.
 *
 * @throws QueryTextError for what starts no token
 */
export function lex(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  // A colon belongs to metric names, but separates range and step inside brackets.
  let inBrackets = false;
  let inBraces = false;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  for (;;) {
    at += match(space)?.length ?? 0;
    if (at === text.length) break;
    const name = match(inBrackets || inBraces ? word : metricWord);
    const { kind, written, value } =
      name === undefined ? lexOther(text, at, match) : { kind: 'word' as const, written: name, value: name };
    if (written === '[' || written === ']') inBrackets = written === '[';
    if (written === '{' || written === '}') inBraces = written === '{';
    tokens.push({ kind, text: value, from: at });
    at += written.length;
  }
  tokens.push({ kind: 'end', text: '', from: text.length });
  return tokens;
}

interface Lexed {
  readonly kind: TokenKind;
  readonly written: string;
  readonly value: string;
}

function lexOther(text: string, at: number, match: (pattern: RegExp) => string | undefined): Lexed {
  const literal = match(quoted);
  if (literal !== undefined) {
    const value = unquote(literal);
    if (value === null) throw parseError(text, at, `invalid syntax in string ${literal}`);
    return { kind: 'string', written: literal, value };
  }
  const numeral = lexNumber(text, at, match);
  if (numeral !== undefined) return numeral;
  const sign = match(symbol);
  if (sign !== undefined) return { kind: 'symbol', written: sign, value: sign };
  const char = text.charAt(at);
  if (char === '"' || char === "'") throw parseError(text, at, 'unterminated quoted string');
  if (char === '`') throw parseError(text, at, 'unterminated raw string');
  throw parseError(text, at, `unexpected character: ${JSON.stringify(char)}`);
}

/** The longer of a number and a duration; what is glued to it makes it neither. */
function lexNumber(
  text: string,
  at: number,
  match: (pattern: RegExp) => string | undefined,
): Lexed | undefined {
  const asNumber = match(number) ?? '';
  const asDuration = match(duration) ?? '';
  const written = asDuration.length >= asNumber.length ? asDuration : asNumber;
  if (written === '') return undefined;
  const next = text.charAt(at + written.length);
  if (/[\w.]/.test(next))
    throw parseError(text, at, `bad number or duration syntax: ${JSON.stringify(written + next)}`);
  return { kind: written === asDuration ? 'duration' : 'number', written, value: written };
}

const keywords = new Set(
  'bool by group_left group_right ignoring offset on without smoothed anchored fill fill_left fill_right'.split(
    ' ',
  ),
);
const operators = new Set('and or unless atan2'.split(' '));
const operatorSymbols = new Set('= != =~ !~ == >= <= </ >/ < > + - * / % ^'.split(' '));
const aggregators = new Set<string>(aggregationOps);

/** How Prometheus names a token in its messages. */
export function tokenName({ kind, text }: Token): string {
  switch (kind) {
    case 'end':
      return 'end of input';
    case 'string':
    case 'number':
    case 'duration':
      return `${kind} ${JSON.stringify(text)}`;
    case 'symbol':
      return operatorSymbols.has(text) ? `<op:${text}>` : JSON.stringify(text);
    case 'word': {
      const lower = text.toLowerCase();
      if (keywords.has(lower)) return `<${lower}>`;
      if (operators.has(lower)) return `<op:${lower}>`;
      if (aggregators.has(lower)) return `<aggr:${lower}>`;
      return `identifier ${JSON.stringify(text)}`;
    }
  }
}

/** An error in Prometheus' words: `1:5: parse error: unexpected end of input`. */
export function parseError(text: string, offset: number, message: string): QueryTextError {
  const place = placeOf(text, offset);
  return new QueryTextError('promql', place, `${place.line}:${place.column}: parse error: ${message}`);
}
