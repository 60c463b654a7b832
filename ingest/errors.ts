import { type ErrorCode, VarveError } from '../storage/index.ts';

/** What receivers refuse by themselves, beside native code's codes; `docs/errors.md` tells what each means. */
type ReceiverCode =
  | 'TENANT_MISSING'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'TENANT_OVERLOADED'
  | 'RATE_EXCEEDED'
  | 'MEDIA_TYPE_UNSUPPORTED'
  | 'BODY_ABORTED'
  | 'APPEND_TIMEOUT';

/** A table over it must name them all, so that no receiver forgets one. */
export type IngestCode = ErrorCode | ReceiverCode;

/** Why a request was refused as a whole. Nothing of it was stored, but see APPEND_TIMEOUT. */
export class IngestError extends Error {
  readonly code: IngestCode;
  /** When another try can help, where that is known. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: IngestCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterSeconds?: number } = {},
  ) {
    super(message, options);
    this.name = 'IngestError';
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Why a request was refused, for its sender. */
export interface RequestRefusal {
  readonly code: IngestCode;
  readonly message: string;
  /** When another try can help, where that is known. */
  readonly retryAfterSeconds?: number | undefined;
}

/** Anything thrown on a request's way, as a code and a sentence for the sender. */
export function refusalOf(thrown: unknown): RequestRefusal {
  if (thrown instanceof IngestError) {
    const { code, message, retryAfterSeconds } = thrown;
    return { code, message, retryAfterSeconds };
  }
  if (thrown instanceof VarveError) return { code: thrown.code, message: thrown.message };
  return { code: 'INTERNAL', message: 'internal error; the server log tells more' };
}

/** `WWW-Authenticate` of a 401: what may be sent to be known. */
export const challenge = 'Basic realm="varve", Bearer realm="varve"';

/** Whether the answer must say how to be known. */
export function asksForCredentials(code: IngestCode): boolean {
  return code === 'UNAUTHENTICATED' || code === 'TENANT_MISSING';
}

/** Seconds after which a refused sender may try again; undefined where that cannot help. */
export function retryAfterOf(refusal: RequestRefusal, standardSeconds: number): number | undefined {
  if (!isRetryable(refusal.code)) return undefined;
  return refusal.retryAfterSeconds ?? standardSeconds;
}

/** Whether the sender can help it by sending the same again later. */
function isRetryable(code: IngestCode): boolean {
  return retryable.has(code);
}

const retryable: ReadonlySet<IngestCode> = new Set([
  'OVERLOADED',
  'TENANT_OVERLOADED',
  'RATE_EXCEEDED',
  'READ_ONLY',
  'DISK_FULL',
  'CLOSED',
  'IO',
  'APPEND_TIMEOUT',
]);
