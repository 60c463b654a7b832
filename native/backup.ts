/** The sealed part of an open store at one moment; the files stay until they are let go. */
export interface PinnedFiles {
  /** The manifest as it then is. */
  readonly manifest: string;
  /** The files that it names. */
  readonly files: readonly string[];
}

/** The journal of an open store at one moment. */
export interface JournalFiles {
  /** Oldest first, each with how far it is synced. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** By partition the first place that may be missing from that, `epoch:offset`. */
  readonly tails: Readonly<Record<string, string>>;
}
