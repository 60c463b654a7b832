import { lineStarts, type Place, placeIn } from '../errors.ts';

/** One token of a query. */
export interface Token<Kind extends string> {
  readonly kind: Kind;
  /** As written; of a string what it stands for. */
  readonly text: string;
  /** Offset from 0. */
  readonly from: number;
}

/** The deepest nesting that is read; deeper is no query but an attack on the stack. */
export const depthMax = 200;

/** The most operators of one query, for the same reason: a chain of them is as deep as it is long. */
const operatorsMax = 1_000;

/** Walks the tokens of a query; each language adds its own words for what it refuses. */
export abstract class TokenCursor<Kind extends string> {
  readonly #tokens: readonly Token<Kind>[];
  /** Kinds whose tokens are known by their text: symbols, keywords. */
  readonly #fixedKinds: readonly Kind[];
  #at = 0;
  #depth = 0;
  #operators = 0;
  readonly #lines: readonly number[];

  /** `tokens` are those of `text`, at least the end. */
  constructor(text: string, tokens: readonly Token<Kind>[], fixedKinds: readonly Kind[]) {
    this.#tokens = tokens;
    this.#fixedKinds = fixedKinds;
    this.#lines = lineStarts(text);
  }

  /** What is refused as nested too deep. */
  protected abstract tooDeep(message: string): Error;

  get token(): Token<Kind> {
    return this.peek(0);
  }

  /** Where this token starts. */
  get place(): Place {
    return placeIn(this.#lines, this.token.from);
  }

  /** The token `ahead` of this one; past the last it is the end. */
  peek(ahead: number): Token<Kind> {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new Error('a cursor needs the end token at least');
    return token;
  }

  /** Whether the token `ahead` is the symbol or keyword `text`. */
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.text === text && this.#fixedKinds.includes(token.kind);
  }

  /** Whether this token is of that kind. */
  isA(kind: Kind): boolean {
    return this.token.kind === kind;
  }

  /** Goes on to the next token and gives this one's text. */
  advance(): string {
    const { text } = this.token;
    this.#at += 1;
    return text;
  }

  /** Steps over the symbol or keyword `text`, if it stands here. */
  skip(text: string): boolean {
    if (!this.is(text)) return false;
    this.#at += 1;
    return true;
  }

  /** Reads something nested; too deep is refused. */
  nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > depthMax)
      throw this.tooDeep(`nested deeper than ${depthMax} levels; write a flatter query`);
    const result = read();
    this.#depth -= 1;
    return result;
  }

  /** Counts an operator that joins two operands; too many are refused. */
  countOperator(): void {
    this.#operators += 1;
    if (this.#operators > operatorsMax)
      throw this.tooDeep(`more than ${operatorsMax} operators; ask several queries`);
  }

  /** A list with commas between, at least one. */
  list<T>(read: () => T): T[] {
    const items = [read()];
    while (this.skip(',')) items.push(read());
    return items;
  }
}
