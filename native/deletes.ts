/** How a text is compared. Labels: as a whole, patterns anchored. Lines: a part of the line. */
export type MatchKind = 'equal' | 'notEqual' | 'regex' | 'notRegex';

/** A condition on a label; a label that is not there is the empty text. */
export interface LabelMatch {
  readonly name: string;
  readonly kind: MatchKind;
  readonly value: string;
}

/** A condition on a line. */
export interface LineMatch {
  readonly kind: MatchKind;
  readonly value: string;
}

/** What of a span a condition is about. Kinds and statuses are OTLP's numbers, in decimal. */
export type SpanField =
  | { readonly name: 'traceId' | 'name' | 'kind' | 'status' }
  | { readonly name: 'resource' | 'span'; readonly key: string };

/** A condition on a span; one that lacks the attribute is not meant, whatever the comparison. */
export interface SpanMatch {
  readonly field: SpanField;
  readonly kind: MatchKind;
  readonly value: string;
  readonly valueType: 'string' | 'int' | 'bool';
}

/** What is to be erased (`native/view/src/deletes.rs`): of what is stored when it is asked for. */
export interface NewDelete {
  /** With samples go their exemplars. */
  readonly table: 'logs' | 'spans' | 'samples';
  /** Of logs and samples: all must hold; one of them must not match the empty text. */
  readonly labels: readonly LabelMatch[];
  /** Of logs: all must hold of a line. */
  readonly lines: readonly LineMatch[];
  /** Of spans: all must hold. */
  readonly spans?: readonly SpanMatch[];
  /** Milliseconds since the epoch, both included. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** A request to erase, and what became of it. */
export interface DeleteRequest {
  readonly id: number;
  readonly tenant: string;
  readonly what: NewDelete;
  readonly createdAtMs: number;
  /** Until then it can be cancelled; after it segments are rewritten. */
  readonly dueAtMs: number;
  /** Records that are hidden and not yet erased, by segment. */
  readonly pending: readonly { readonly segment: number; readonly records: number }[];
  /** Gone from the disk. */
  readonly recordsErased: number;
  readonly segmentsRewritten: number;
  /** When the last segment was rewritten; null before. */
  readonly doneAtMs: number | null;
}

/** What retention lets go of one tenant and table. */
export interface Expired {
  readonly tenant: string;
  readonly table: string;
  readonly segments: number;
  readonly records: number;
  readonly bytes: number;
  /** Segments of which a part goes, and about how much that is. */
  readonly segmentsInPart: number;
  readonly recordsInPart: number;
  readonly bytesInPart: number;
}
