import { type Place, placeOf, type QueryTextError } from '../errors.ts';
import { lex, lexError, type Token, type TokenKind, tokenName } from './lex.ts';

/** The deepest nesting that is read; deeper is no query but an attack on the stack. */
const depthMax = 200;

/** Walks the tokens of a LogQL query; every refusal is a QueryTextError in Loki's words. */
export class Cursor {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  /** @throws QueryTextError for what starts no token */
  constructor(text: string) {
    this.#text = text;
    this.#tokens = lex(text);
  }

  get token(): Token {
    return this.peek(0);
  }

  get place(): Place {
    return placeOf(this.#text, this.token.from);
  }

  /** The token `ahead` of this one; past the last it is the end. */
  peek(ahead: number): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw lexError(this.#text, 0, 'empty query');
    return token;
  }

  /** Whether this token is the symbol, keyword or function `text`. */
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.text === text && ['symbol', 'keyword', 'function'].includes(token.kind);
  }

  /** Whether this token is of that kind. */
  isA(kind: TokenKind): boolean {
    return this.token.kind === kind;
  }

  /** Steps over the symbol, keyword or function `text`, if it stands here. */
  skip(text: string): boolean {
    if (!this.is(text)) return false;
    this.#at += 1;
    return true;
  }

  /**
   * Steps over `text`, or refuses what stands there. `expected` is what the message names; nothing
   * where so much could stand that Loki names nothing.
   */
  expect(text: string, expected: readonly string[] = [text]): void {
    if (!this.skip(text)) throw this.unexpected(...expected);
  }

  /** Steps over a token of this kind and gives its text, or refuses what stands there. */
  take(kind: TokenKind, ...or: readonly string[]): string {
    const { token } = this;
    if (token.kind !== kind) throw this.unexpected(kind.toUpperCase(), ...or);
    this.#at += 1;
    return token.text;
  }

  /** Reads something nested; too deep is refused. */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > depthMax)
      throw lexError(
        this.#text,
        this.token.from,
        `nested deeper than ${depthMax} levels; write a flatter query`,
      );
    const result = read();
    this.#depth -= 1;
    return result;
  }

  /** A list with commas between, at least one. */
  list<T>(read: () => T): T[] {
    const items = [read()];
    while (this.skip(',')) items.push(read());
    return items;
  }

  /** `syntax error: unexpected X, expecting A or B`, at this token. */
  unexpected(...expected: readonly string[]): QueryTextError {
    const expecting = expected.length === 0 ? '' : `, expecting ${expected.join(' or ')}`;
    return this.error(`syntax error: unexpected ${tokenName(this.token)}${expecting}`);
  }

  /** An error at this token. */
  error(message: string): QueryTextError {
    return lexError(this.#text, this.token.from, message);
  }

  /** An error in a duration, which Loki reports on line 0. */
  durationError(message: string): QueryTextError {
    const error = this.error(message);
    error.message = `parse error at line 0, col ${error.column}: ${message}`;
    return error;
  }
}
