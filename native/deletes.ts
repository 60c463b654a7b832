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

/** What is to be erased (`native/view/src/deletes.rs`): of what is stored when it is asked for. */
export interface NewDelete {
  readonly table: 'logs' | 'samples';
  /** All must hold; one of them must not match the empty text. */
  readonly labels: readonly LabelMatch[];
  /** Of logs: all must hold of a line. */
  readonly lines: readonly LineMatch[];
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

/** Segments of one tenant and table that retention lets go. */
export interface Expired {
  readonly tenant: string;
  readonly table: string;
  readonly segments: number;
  readonly records: number;
  readonly bytes: number;
}
