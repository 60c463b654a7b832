import type { ErrorCode } from '../storage/index.ts';

/** Why a request was refused before anything was run; each API has its own status for each. */
export type RefusalKind = 'badParameter' | 'tenantMissing' | 'notFound' | 'notAcceptable' | 'notSupported';

/** What clients see for each code, unless their peer says it otherwise. */
export const usualStatus = {
  BODY_INVALID: 400,
  BODY_TOO_LARGE: 413,
  ENCODING_UNSUPPORTED: 415,
  TENANT_INVALID: 400,
  OVERLOADED: 429,
  READ_ONLY: 503,
  DISK_FULL: 503,
  HOLD_REFUSED: 400,
  DATA_DIR_LOCKED: 500,
  SETTING_FIXED: 500,
  STORE_CORRUPT: 500,
  IO: 500,
  REGEX_INVALID: 400,
  QUERY_INVALID: 400,
  QUERY_EXECUTION: 422,
  QUERY_TIMEOUT: 504,
  QUERY_BUDGET: 422,
  QUERY_CANCELLED: 499,
  CLOSED: 503,
  INTERNAL: 500,
} as const satisfies Record<ErrorCode, number>;

/** The same for what is refused before anything is run. */
export const usualRefusalStatus = {
  badParameter: 400,
  tenantMissing: 401,
  notFound: 404,
  notAcceptable: 406,
  notSupported: 501,
} as const satisfies Record<RefusalKind, number>;

/** A request that an API refuses; the message is the peer's where it has one. */
export class Refused extends Error {
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Refused';
    this.kind = kind;
  }
}

/** A parameter that cannot be read or is out of its bounds. */
export function badParameter(message: string): Refused {
  return new Refused('badParameter', message);
}

/** The peer answers this and Varve does not yet; said aloud instead of with an empty result. */
export function notSupported(what: string): Refused {
  return new Refused('notSupported', `${what} not supported by this version of Varve`);
}

/** What is said of a fault of ours; the log has the rest. */
export const faultText = "internal error; Varve's log tells more";

/** The status that fastify's own refusals carry (body too large, malformed headers), if it is one of a client's faults. */
export function clientFaultStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}
