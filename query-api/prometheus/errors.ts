import { QueryTextError } from '../../search/index.ts';
import { type ErrorCode, VarveError } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import { clientFaultStatus, faultText, type RefusalKind, Refused } from '../errors.ts';

type ErrorType = 'bad_data' | 'execution' | 'timeout' | 'canceled' | 'internal' | 'unavailable' | 'not_found';

interface Meaning {
  readonly status: number;
  readonly type: ErrorType;
}

/** What Prometheus' clients see for each code. Grafana reads envelopes of 2xx, 400, 422 and 503 only. */
const prometheusMeaning = {
  BODY_INVALID: { status: 400, type: 'bad_data' },
  BODY_TOO_LARGE: { status: 413, type: 'bad_data' },
  ENCODING_UNSUPPORTED: { status: 415, type: 'bad_data' },
  TENANT_INVALID: { status: 400, type: 'bad_data' },
  OVERLOADED: { status: 429, type: 'unavailable' },
  READ_ONLY: { status: 503, type: 'unavailable' },
  DISK_FULL: { status: 503, type: 'unavailable' },
  HOLD_REFUSED: { status: 400, type: 'bad_data' },
  DATA_DIR_LOCKED: { status: 500, type: 'internal' },
  SETTING_FIXED: { status: 500, type: 'internal' },
  STORE_CORRUPT: { status: 500, type: 'internal' },
  IO: { status: 500, type: 'internal' },
  REGEX_INVALID: { status: 400, type: 'bad_data' },
  QUERY_INVALID: { status: 400, type: 'bad_data' },
  QUERY_EXECUTION: { status: 422, type: 'execution' },
  QUERY_TIMEOUT: { status: 503, type: 'timeout' },
  QUERY_BUDGET: { status: 422, type: 'execution' },
  QUERY_CANCELLED: { status: 499, type: 'canceled' },
  CLOSED: { status: 503, type: 'unavailable' },
  INTERNAL: { status: 500, type: 'internal' },
} as const satisfies Record<ErrorCode, Meaning>;

const refusalMeaning = {
  badParameter: { status: 400, type: 'bad_data' },
  tenantMissing: { status: 401, type: 'bad_data' },
  notFound: { status: 404, type: 'not_found' },
  notAcceptable: { status: 406, type: 'bad_data' },
  notSupported: { status: 501, type: 'unavailable' },
} as const satisfies Record<RefusalKind, Meaning>;

export function prometheusRefusal(error: unknown): Answer {
  if (error instanceof QueryTextError) {
    return envelope(refusalMeaning.badParameter, `invalid parameter "query": ${error.message}`);
  }
  if (error instanceof Refused) return envelope(refusalMeaning[error.kind], error.message);
  if (error instanceof VarveError) return envelope(prometheusMeaning[error.code], prometheusText(error));
  const status = clientFaultStatus(error);
  if (status !== undefined && error instanceof Error)
    return envelope({ status, type: 'bad_data' }, error.message);
  return envelope({ status: 500, type: 'internal' }, faultText);
}

/** Prometheus' words where clients look for them, then Varve's own, which name the limit and its setting. */
function prometheusText({ code, message }: VarveError): string {
  if (code === 'QUERY_TIMEOUT') return `query timed out in expression evaluation: ${message}`;
  if (code === 'QUERY_CANCELLED') return 'query was canceled in expression evaluation';
  return message;
}

function envelope({ status, type }: Meaning, error: string): Answer {
  const body = Buffer.from(JSON.stringify({ status: 'error', errorType: type, error }));
  return { status, contentType: 'application/json', body };
}
