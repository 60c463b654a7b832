import type { QueryTextError } from '../errors.ts';
import { TokenCursor } from '../text/cursor.ts';
import { lex, lexError, type TokenKind, tokenName } from './lex.ts';

/** Walks the tokens of a LogQL query; every refusal is a QueryTextError in Loki's words. */
export class Cursor extends TokenCursor<TokenKind> {
  readonly #text: string;

  /** @throws QueryTextError for what starts no token */
  constructor(text: string) {
    super(text, lex(text), ['symbol', 'keyword', 'function']);
    this.#text = text;
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
    if (!this.isA(kind)) throw this.unexpected(kind.toUpperCase(), ...or);
    return this.advance();
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

  protected override tooDeep(message: string): QueryTextError {
    return this.error(message);
  }
}
