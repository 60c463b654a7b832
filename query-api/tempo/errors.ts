import { QueryTextError } from '../../search/index.ts';
import { type ErrorCode, VarveError } from '../../storage/index.ts';
import { type Answer, textAnswer } from '../answer.ts';
import {
  clientFaultStatus,
  faultText,
  type RefusalKind,
  Refused,
  usualRefusalStatus,
  usualStatus,
} from '../errors.ts';

/** What Tempo's clients see for each code; 422 is what Tempo says of traces over its limits. */
const tempoStatus: Record<ErrorCode, number> = { ...usualStatus, QUERY_EXECUTION: 400 };

const refusalStatus: Record<RefusalKind, number> = { ...usualRefusalStatus, tenantMissing: 400 };

export function tempoRefusal(error: unknown): Answer {
  if (error instanceof QueryTextError) return textAnswer(400, `invalid TraceQL query: ${error.message}`);
  if (error instanceof Refused) return textAnswer(refusalStatus[error.kind], error.message);
  if (error instanceof VarveError) return textAnswer(tempoStatus[error.code], error.message);
  const status = clientFaultStatus(error);
  if (status !== undefined && error instanceof Error) return textAnswer(status, error.message);
  return textAnswer(500, faultText);
}
