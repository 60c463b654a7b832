import { type ErrorCode, VarveError } from '../storage/index.ts';

/** What receivers refuse by themselves, beside native code's codes; `docs/errors.md` tells what each means. */
type ReceiverCode =
  | 'TENANT_MISSING'
  | 'TENANT_OVERLOADED'
  | 'MEDIA_TYPE_UNSUPPORTED'
  | 'BODY_ABORTED'
  | 'APPEND_TIMEOUT';

/** A table over it must name them all, so that no receiver forgets one. */
export type IngestCode = ErrorCode | ReceiverCode;

/** Why a request was refused as a whole. Nothing of it was stored, but see APPEND_TIMEOUT. */
export class IngestError extends Error {
  readonly code: IngestCode;

  constructor(code: IngestCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IngestError';
    this.code = code;
  }
}

/** Anything thrown on a request's way, as a code and a sentence for the sender. */
export function refusalOf(thrown: unknown): { readonly code: IngestCode; readonly message: string } {
  if (thrown instanceof IngestError || thrown instanceof VarveError)
    return { code: thrown.code, message: thrown.message };
  return { code: 'INTERNAL', message: 'internal error; the server log tells more' };
}

/** Whether the sender can help it by sending the same again later. */
export function isRetryable(code: IngestCode): boolean {
  return retryable.has(code);
}

const retryable: ReadonlySet<IngestCode> = new Set([
  'OVERLOADED',
  'TENANT_OVERLOADED',
  'READ_ONLY',
  'CLOSED',
  'IO',
  'APPEND_TIMEOUT',
]);
