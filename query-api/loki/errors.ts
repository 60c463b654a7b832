import { QueryTextError } from '../../search/index.ts';
import { type ErrorCode, VarveError } from '../../storage/index.ts';
import { type Answer, textAnswer } from '../answer.ts';
import { clientFaultStatus, faultText, type RefusalKind, Refused } from '../errors.ts';

/** What Loki's clients see for each code. Grafana hides the text of 5xx answers of label pickers. */
const lokiStatus = {
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
  QUERY_EXECUTION: 400,
  QUERY_TIMEOUT: 504,
  QUERY_BUDGET: 400,
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

/** Loki's words where clients look for them, then Varve's own, which name the limit and its setting. */
function lokiText({ code, message }: VarveError): string {
  if (code === 'QUERY_TIMEOUT') {
    return `request timed out, decrease the duration of the request or add more label matchers (prefer exact match over regex match) to reduce the amount of data processed: ${message}`;
  }
  if (code === 'QUERY_CANCELLED') return 'the request was cancelled by the client';
  return message;
}

export function lokiRefusal(error: unknown): Answer {
  if (error instanceof QueryTextError) return textAnswer(400, error.message);
  if (error instanceof Refused) return textAnswer(refusalStatus[error.kind], error.message);
  if (error instanceof VarveError) return textAnswer(lokiStatus[error.code], lokiText(error));
  const status = clientFaultStatus(error);
  if (status !== undefined && error instanceof Error) return textAnswer(status, error.message);
  return textAnswer(500, faultText);
}
