/** What a query took. */
export interface QueryStats {
  readonly segmentsTotal: number;
  readonly segmentsRead: number;
  readonly rowsRead: number;
  readonly bytesRead: number;
  readonly rowsMatched: number;
  readonly elapsedNs: number;
}

/** A whole response body, as the plan's `answer` asks for it. */
export interface QueryAnswer {
  readonly body: Buffer;
  /** No rows, series or spans. Some APIs answer 404 then. */
  readonly empty: boolean;
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
