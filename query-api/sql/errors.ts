import { QueryTextError } from '../../search/index.ts';
import { VarveError } from '../../storage/index.ts';
import type { Answer } from '../answer.ts';
import { clientFaultStatus, faultText, Refused, usualRefusalStatus, usualStatus } from '../errors.ts';

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
    return told(usualRefusalStatus[error.kind], { code: 'REQUEST_INVALID', message: error.message });
  if (error instanceof VarveError) {
    const status = usualStatus[error.code];
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
