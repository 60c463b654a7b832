import { ConstructUnsupportedError, type QueryTextError } from '../errors.ts';
import { TokenCursor } from '../text/cursor.ts';
import { lex, lexError, type TokenKind, tokenName } from './lex.ts';

/** Walks the tokens of a TraceQL query; every refusal is a QueryTextError in Tempo's words. */
export class Cursor extends TokenCursor<TokenKind> {
  readonly #text: string;

  /** @throws QueryTextError for what starts no token */
  constructor(text: string) {
    super(text, lex(text), ['symbol', 'keyword']);
    this.#text = text;
  }

  /** Steps over `text`, or refuses what stands there. */
  expect(text: string, ...expected: readonly string[]): void {
    if (!this.skip(text)) throw this.unexpected(...expected);
  }

  /** `syntax error: unexpected X, expecting A or B`, at this token. */
  unexpected(...expected: readonly string[]): QueryTextError {
    const expecting = expected.length === 0 ? '' : `, expecting ${expected.join(' or ')}`;
    return this.error(`syntax error: unexpected ${tokenName(this.token)}${expecting}`);
  }

  /** An error at this token. */
  error(message: string): QueryTextError {
    const { kind, text, from } = this.token;
    return lexError(this.#text, from, message, kind === 'symbol' && text.length > 1 ? 0 : undefined);
  }

  /** The refusal of a construct that starts at this token. */
  unsupported(construct: string): ConstructUnsupportedError {
    return new ConstructUnsupportedError('traceql', this.place, construct);
  }

  protected override tooDeep(message: string): QueryTextError {
    return this.error(message);
  }
}
