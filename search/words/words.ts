import { placeOf, QueryTextError } from '../errors.ts';
import type { TimeBounds } from '../lookup.ts';
import { timeRange } from '../plan/build.ts';
import type { LabelMatcher, Plan, SearchOrder, TextExpr } from '../plan/generated.ts';

/** Brackets and negations inside each other; more is a mistake of whoever wrote the query. */
const depthMax = 32;

/** Searching lines for words, for those who come from search engines ([docs/search.md](../../docs/search.md)). */
export const words = {
  /** @throws QueryTextError */
  plan(text: string, how: WordsHow): Plan {
    const { matchers, order, limit, ...range } = how;
    const input = { matchers: [...matchers], range: timeRange(range.from, range.to) };
    return { node: 'logSearch', input, query: new Parser(text).whole(), order, limit };
  },
};

/** Of which streams and when, and which lines come first. */
export interface WordsHow extends TimeBounds {
  readonly matchers: readonly LabelMatcher[];
  readonly order: SearchOrder;
  readonly limit: number;
}

/** `payment declined`, `"payment declined"`, `decl*`, `paymnet~`, `a OR b`, `NOT a`, `-a`, `(a OR b) c`. */
class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): TextExpr {
    const expr = this.#any();
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw this.#error("unexpected ')'");
    if (isOnlyNegated(expr))
      throw this.#error('a search needs a word that is there, not only words that are not', 0);
    return expr;
  }

  #any(): TextExpr {
    const parts = [this.#all()];
    while (this.#takeWord('OR')) parts.push(this.#all());
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : { kind: 'any', parts };
  }

  #all(): TextExpr {
    const parts: TextExpr[] = [];
    for (;;) {
      const isJoined = this.#takeWord('AND');
      if (isJoined && parts.length === 0) throw this.#error("a word was expected before 'AND'");
      const part = this.#part();
      if (part === undefined) {
        if (isJoined || parts.length === 0) throw this.#error('a word was expected');
        break;
      }
      parts.push(part);
    }
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : { kind: 'all', parts };
  }

  #part(): TextExpr | undefined {
    this.#skipBlanks();
    const next = this.#text.charAt(this.#at);
    if (next === '' || next === ')' || this.#isWord('OR') || this.#isWord('AND')) return undefined;
    if (this.#takeWord('NOT') || this.#take('-'))
      return { kind: 'not', part: this.#inner(() => this.#part()) };
    if (this.#take('(')) {
      const inner = this.#inner(() => this.#any());
      this.#skipBlanks();
      if (!this.#take(')')) throw this.#error("')' was expected");
      return inner;
    }
    return next === '"' ? this.#phrase() : this.#word();
  }

  #inner(read: () => TextExpr | undefined): TextExpr {
    this.#depth += 1;
    if (this.#depth > depthMax)
      throw this.#error(`more than ${depthMax} brackets and negations in each other`);
    const inner = read();
    if (inner === undefined) throw this.#error('a word was expected');
    this.#depth -= 1;
    return inner;
  }

  #phrase(): TextExpr {
    const from = this.#at;
    const end = this.#text.indexOf('"', from + 1);
    if (end === -1) throw this.#error("the phrase has no closing '\"'", from);
    this.#at = end + 1;
    const text = this.#text.slice(from + 1, end);
    return this.#take('*') ? { kind: 'prefix', text } : { kind: 'phrase', text };
  }

  #word(): TextExpr {
    const [written = ''] = /^[^\s()"*~]+/u.exec(this.#text.slice(this.#at)) ?? [];
    if (written === '') throw this.#error(`unexpected '${this.#text.charAt(this.#at)}'`);
    this.#at += written.length;
    if (this.#take('*')) return { kind: 'prefix', text: written };
    if (!this.#take('~')) return { kind: 'phrase', text: written };
    const [digits = ''] = /^[0-9]*/.exec(this.#text.slice(this.#at)) ?? [];
    // As search engines guess: a letter in short words, two in long ones.
    const edits = digits === '' ? (written.length > 5 ? 2 : 1) : Number(digits);
    if (edits > 2) throw this.#error(`'~${digits}' is more than 2 letters`);
    this.#at += digits.length;
    return { kind: 'fuzzy', text: written, edits };
  }

  #isWord(word: string): boolean {
    const after = this.#text.charAt(this.#at + word.length);
    return this.#text.startsWith(word, this.#at) && (after === '' || /[\s()"]/.test(after));
  }

  #takeWord(word: string): boolean {
    this.#skipBlanks();
    if (!this.#isWord(word)) return false;
    this.#at += word.length;
    return true;
  }

  #take(sign: string): boolean {
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at += 1;
  }

  #error(problem: string, at = this.#at): QueryTextError {
    const place = placeOf(this.#text, at);
    return new QueryTextError('words', place, `line ${place.line}, col ${place.column}: ${problem}`);
  }
}

/** Nothing but negations: every line of the store would be found. */
function isOnlyNegated(expr: TextExpr): boolean {
  switch (expr.kind) {
    case 'phrase':
    case 'prefix':
    case 'fuzzy':
      return false;
    case 'not':
      return true;
    case 'all':
      return expr.parts.every(isOnlyNegated);
    case 'any':
      return expr.parts.some(isOnlyNegated);
  }
}
