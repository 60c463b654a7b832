import { QueryTextError } from '../../search/index.ts';
import { type ErrorCode, VarveError } from '../../storage/index.ts';
import { type Answer, textAnswer } from '../answer.ts';
import { clientFaultStatus, faultText, Refused, usualRefusalStatus, usualStatus } from '../errors.ts';

/** What Loki's clients see for each code. Grafana hides the text of 5xx answers of label pickers. */
const lokiStatus: Record<ErrorCode, number> = { ...usualStatus, QUERY_EXECUTION: 400, QUERY_BUDGET: 400 };

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
  if (error instanceof Refused) return textAnswer(usualRefusalStatus[error.kind], error.message);
  if (error instanceof VarveError) return textAnswer(lokiStatus[error.code], lokiText(error));
  const status = clientFaultStatus(error);
  if (status !== undefined && error instanceof Error) return textAnswer(status, error.message);
  return textAnswer(500, faultText);
}
