/** What a query took. */
export interface QueryStats {
  readonly segmentsTotal: number;
  /** Those that were opened. */
  readonly segmentsRead: number;
  /** The others. */
  readonly leftOut: SegmentsLeftOut;
  readonly rowsRead: number;
  /** Of them, those that were not sealed yet. */
  readonly memtableRowsRead: number;
  readonly bytesRead: number;
  readonly rowsMatched: number;
  readonly tracesRead: number;
  /** Without the wait. */
  readonly elapsedNs: number;
  /** What it waited for its turn. */
  readonly queuedNs: number;
  /** The most of its budget of memory that it held at once; 0 where that is not counted (SQL). */
  readonly memoryPeakBytes: number;
}

/** Segments that were not opened, by what told that they need not be. */
export interface SegmentsLeftOut {
  readonly byTime: number;
  /** Without a stream or series that matches. */
  readonly byLabels: number;
  /** Without the traces that are looked for. */
  readonly byTraceFilter: number;
  /** Without the texts that are looked for. */
  readonly byText: number;
  /** Whose rows that count are known from an earlier query. */
  readonly byKept: number;
  /** The answer was whole before it was their turn. */
  readonly byLimit: number;
}

/** A whole response body, as the plan's `answer` asks for it. */
export interface QueryAnswer {
  readonly body: Buffer;
  /** No rows, series or spans. Some APIs answer 404 then. */
  readonly empty: boolean;
  /** Why it may be partial or surprising; the body says so as well. */
  readonly warnings: readonly string[];
  /** Of a tail: where its next part begins. */
  readonly position?: string;
  readonly stats: QueryStats;
}

/** The answer to a SQL statement. */
export interface SqlAnswer {
  /** Whole, in the format that was asked for. */
  readonly body: Buffer;
  /** Why it may be partial. */
  readonly warnings: readonly string[];
  readonly stats: QueryStats;
}

/** What became of a SQL statement. */
export type SqlOutcome =
  | ({ readonly kind: 'answered' } & SqlAnswer)
  | {
      readonly kind: 'refused';
      readonly message: string;
      /** Where in its text, from 1; undefined where that is not known. */
      readonly place: { readonly line: number; readonly column: number } | undefined;
    };
