/** The query languages: SQL is read by native code, the others have a parser here; `words` is Varve's own search. */
export type Language = 'logql' | 'promql' | 'traceql' | 'sql' | 'words';

/** A place in a query's text, both from 1, as the peers count them (columns in UTF-16 units). */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Bad query text: position, what was found, what was expected; message worded as the peer words it. */
export class QueryTextError extends Error {
  readonly language: Language;
  readonly line: number;
  readonly column: number;

  constructor(language: Language, place: Place, message: string) {
    super(message);
    this.name = 'QueryTextError';
    this.language = language;
    this.line = place.line;
    this.column = place.column;
  }
}

/** Good query text that asks for something which the plan algebra has no node for. */
export class ConstructUnsupportedError extends QueryTextError {
  /** As the language's documentation calls it: `line_format`, `info()`, `rate()`. */
  readonly construct: string;

  constructor(language: Language, place: Place, construct: string) {
    super(
      language,
      place,
      `line ${place.line}, col ${place.column}: ${construct} is not supported; rewrite the query without it`,
    );
    this.name = 'ConstructUnsupportedError';
    this.construct = construct;
  }
}

/** The place of a character of `text`, given by its offset from 0. */
export function placeOf(text: string, offset: number): Place {
  return placeIn(lineStarts(text), offset);
}

/** The offsets of a text's lines. */
export function lineStarts(text: string): number[] {
  return [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
}

/** As `placeOf`, for many places of one text. */
export function placeIn(starts: readonly number[], offset: number): Place {
  let line = 0;
  let past = starts.length;
  while (past - line > 1) {
    const middle = (line + past) >> 1;
    if ((starts[middle] ?? 0) <= offset) line = middle;
    else past = middle;
  }
  return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
}
