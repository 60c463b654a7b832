import type { QueryTextError } from '../errors.ts';
import { TokenCursor } from '../text/cursor.ts';
import { lex, parseError, type TokenKind, tokenName } from './lex.ts';

const closers: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Walks the tokens of a PromQL query; every refusal is a QueryTextError in Prometheus' words. */
export class Cursor extends TokenCursor<TokenKind> {
  readonly #text: string;
  readonly #open: string;

  /** @throws QueryTextError for what starts no token */
  constructor(text: string) {
    const tokens = lex(text);
    super(text, tokens, ['symbol']);
    this.#text = text;
    const open: string[] = [];
    for (const { kind, text: sign } of tokens) {
      if (kind !== 'symbol') continue;
      if (sign in closers) open.push(sign);
      else if (sign === closers[open.at(-1) ?? '']) open.pop();
    }
    this.#open = open.at(-1) ?? '';
  }

  /** Whether this token is the keyword, which may be written in any case. */
  isWord(keyword: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'word' && token.text.toLowerCase() === keyword;
  }

  /** Steps over the keyword, if it stands here. */
  skipWord(keyword: string): boolean {
    const here = this.isWord(keyword);
    if (here) this.advance();
    return here;
  }

  /** Steps over the symbol `text`, or refuses what stands there. */
  expect(text: string, context = '', expected = ''): void {
    if (!this.skip(text)) throw this.unexpected(context, expected);
  }

  /** Steps over a token of this kind and gives its text, or refuses what stands there. */
  take(kind: TokenKind, context: string, expected: string): string {
    if (!this.isA(kind)) throw this.unexpected(context, expected);
    return this.advance();
  }

  /** `unexpected X in label matching, expected string`, at this token; at the end, what is open. */
  unexpected(context = '', expected = ''): QueryTextError {
    const { token } = this;
    if (token.kind === 'end' && this.#open === '{')
      return this.error('unexpected end of input inside braces');
    if (token.kind === 'end' && this.#open === '(') return this.error('unclosed left parenthesis');
    if (token.kind === 'end' && this.#open === '[') return this.error('unclosed left bracket');
    const where = context === '' ? '' : ` in ${context}`;
    const wanted = expected === '' ? '' : `, expected ${expected}`;
    return this.error(`unexpected ${tokenName(token)}${where}${wanted}`);
  }

  /** An error at this token, or at an offset. */
  error(message: string, offset = this.token.from): QueryTextError {
    return parseError(this.#text, offset, message);
  }

  protected override tooDeep(message: string): QueryTextError {
    return this.error(message);
  }
}
