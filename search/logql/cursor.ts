import type { QueryTextError } from '../errors.ts';
import { type Token, TokenCursor } from '../text/cursor.ts';
import { lex, lexError, type TokenKind, tokenName } from './lex.ts';

/** Walks the tokens of a LogQL query; every refusal is a QueryTextError in Loki's words. */
export class Cursor extends TokenCursor<TokenKind> {
  readonly #text: string;

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
    if (this.isA('badText') || this.isA('badRange')) return this.error(this.token.text);
    const expecting = expected.length === 0 ? '' : `, expecting ${expected.join(' or ')}`;
    return this.error(`syntax error: unexpected ${tokenName(this.token)}${expecting}`);
  }

  /** An error at this token. */
  error(message: string): QueryTextError {
    return lexError(this.#text, this.token.from, message, saysLineZero(this.token) ? 0 : undefined);
  }

  protected override tooDeep(message: string): QueryTextError {
    return this.error(message);
  }
}

/**
 * Whether Loki names line 0 for an error there: its scanner forgets the line of a token that takes more
 * than one step to read.
 */
function saysLineZero({ kind, text }: Token<TokenKind>): boolean {
  switch (kind) {
    case 'range':
    case 'badRange':
    case 'duration':
    case 'bytes':
    case 'flag':
      return true;
    case 'symbol':
      return text.length > 1;
    case 'identifier':
    case 'string':
    case 'number':
    case 'keyword':
    case 'function':
    case 'badText':
    case 'end':
      return false;
  }
}
