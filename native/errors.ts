/**
 * Every error that native code can answer with (`native/types/src/code.rs`); `docs/errors.md` tells
 * what each means. A record over it must name them all, so a new code does not compile until every
 * API says what its clients see.
 */
const errorCodes = [
  'BODY_INVALID',
  'BODY_TOO_LARGE',
  'ENCODING_UNSUPPORTED',
  'TENANT_INVALID',
  'OVERLOADED',
  'READ_ONLY',
  'DISK_FULL',
  'HOLD_REFUSED',
  'DATA_DIR_LOCKED',
  'SETTING_FIXED',
  'STORE_CORRUPT',
  'IO',
  'REGEX_INVALID',
  'QUERY_INVALID',
  'QUERY_EXECUTION',
  'QUERY_TIMEOUT',
  'QUERY_BUDGET',
  'QUERY_CANCELLED',
  'CLOSED',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** An error with a code that APIs map to their own status; the message is for people. */
export class VarveError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'VarveError';
    this.code = code;
  }
}

const codes: ReadonlySet<string> = new Set(errorCodes);

/**
 * What crossed the binding as `CODE: message`, as a VarveError. Anything else that was thrown is a
 * fault of ours and becomes INTERNAL with its cause.
 */
export function toVarveError(thrown: unknown): VarveError {
  if (thrown instanceof VarveError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const colon = text.indexOf(': ');
  const code = text.slice(0, colon);
  if (colon !== -1 && codes.has(code))
    return new VarveError(code as ErrorCode, text.slice(colon + 2), { cause: thrown });
  return new VarveError('INTERNAL', text, { cause: thrown });
}
