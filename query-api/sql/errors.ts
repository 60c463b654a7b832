import { QueryTextError } from '../../search/index.ts';
import { type ErrorCode, VarveError } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import { clientFaultStatus, faultText, type RefusalKind, Refused } from '../errors.ts';

/** What clients of SQL see for each code: 400 for the statement, 422 for what its data or limits forbid. */
const sqlStatus = {
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

const refusalStatus = {
  badParameter: 400,
  tenantMissing: 401,
  notFound: 404,
  notAcceptable: 406,
  notSupported: 501,
} as const satisfies Record<RefusalKind, number>;

/** What was wrong, and where in the statement, where that is known. */
interface Told {
  readonly code: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

export function sqlRefusal(error: unknown): Answer {
  if (error instanceof QueryTextError) {
    const { message, line, column } = error;
    return told(400, { code: 'QUERY_INVALID', message, line, column });
  }
  if (error instanceof Refused)
    return told(refusalStatus[error.kind], { code: 'REQUEST_INVALID', message: error.message });
  if (error instanceof VarveError) {
    const status = sqlStatus[error.code];
    return told(status, { code: error.code, message: status === 500 ? faultText : error.message });
  }
  const status = clientFaultStatus(error);
  if (status !== undefined && error instanceof Error)
    return told(status, { code: 'REQUEST_INVALID', message: error.message });
  return told(500, { code: 'INTERNAL', message: faultText });
}

function told(status: number, error: Told): Answer {
  return {
    status,
    contentType: 'application/json',
    body: Buffer.from(`${JSON.stringify({ error })}\n`),
  };
}
