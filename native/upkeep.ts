/** How far a check, or the check that a repair begins with, has come. */
export interface UpkeepProgress {
  readonly segments: number;
  readonly segmentsTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
}

export interface SegmentName {
  readonly id: number;
  readonly tenant: string;
  readonly table: string;
}

/** One thing that is wrong. */
export interface Finding {
  readonly path: string;
  /** What a process that was killed left half made (`leftover`) harms nothing. */
  readonly part: 'manifest' | 'parquet' | 'directory' | 'text' | 'quarantine' | 'leftover';
  readonly segment: SegmentName | null;
  readonly what: string;
  /** What is to be done about it. */
  readonly remedy: string;
}

/** What a check found (`native/view/src/check.rs`). */
export interface CheckReport {
  readonly segments: number;
  readonly bytes: number;
  /** Rows that were decoded; for samples these are chunks. */
  readonly rows: number;
  readonly findings: readonly Finding[];
  readonly isDamaged: boolean;
}

/** Something that was mended. */
export interface Repaired {
  readonly path: string;
  readonly segment: SegmentName | null;
  readonly what: string;
  readonly how: string;
}

/** Records that are in no sound file. */
export interface LostRecords {
  readonly tenant: string;
  readonly table: string;
  readonly segment: number;
  readonly records: number;
  /** Milliseconds since the epoch, both included. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly what: string;
  /** Why they could not be brought back. */
  readonly why: string;
}

/** What a repair did, or would do (`native/view/src/repair.rs`). */
export interface RepairReport {
  readonly segments: number;
  readonly repaired: readonly Repaired[];
  readonly lost: readonly LostRecords[];
  /** Files that a killed process left half made. */
  readonly removed: readonly string[];
}
