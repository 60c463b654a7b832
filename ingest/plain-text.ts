import type { FastifyReply } from 'fastify';
import { asksForCredentials, challenge, type IngestCode, refusalOf, retryAfterOf } from './errors.ts';
import type { Intake } from './receiver.ts';

/** An HTTP status for each refusal. */
export type StatusTable = Readonly<Record<IngestCode, number>>;

/** What senders see of APIs that answer in plain text. All of them send 5xx again and drop most 4xx. */
export const plainTextStatus = {
  BODY_INVALID: 400,
  BODY_TOO_LARGE: 413,
  BODY_ABORTED: 400,
  ENCODING_UNSUPPORTED: 415,
  MEDIA_TYPE_UNSUPPORTED: 415,
  TENANT_INVALID: 400,
  TENANT_MISSING: 401,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  TENANT_OVERLOADED: 429,
  RATE_EXCEEDED: 429,
  OVERLOADED: 503,
  READ_ONLY: 503,
  DISK_FULL: 503,
  HOLD_REFUSED: 400,
  APPEND_TIMEOUT: 503,
  CLOSED: 503,
  IO: 503,
  DATA_DIR_LOCKED: 500,
  SETTING_FIXED: 500,
  STORE_CORRUPT: 500,
  REGEX_INVALID: 500,
  QUERY_INVALID: 500,
  QUERY_EXECUTION: 500,
  QUERY_TIMEOUT: 500,
  QUERY_BUDGET: 500,
  QUERY_CANCELLED: 500,
  INTERNAL: 500,
} as const satisfies StatusTable;

/** One line, as senders log it. */
export async function answerText(reply: FastifyReply, status: number, line: string): Promise<FastifyReply> {
  return await reply.code(status).type('text/plain; charset=utf-8').send(`${line}\n`);
}

/** Answers for a request that was refused as a whole. */
export async function refuseInText(
  reply: FastifyReply,
  thrown: unknown,
  status: StatusTable,
  intake: Intake,
): Promise<FastifyReply> {
  const refusal = refusalOf(thrown);
  const { code, message } = refusal;
  const retryAfter = retryAfterOf(refusal, intake.retryAfterSeconds);
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  if (asksForCredentials(code)) reply.header('www-authenticate', challenge);
  // The rest of the body is not read, so the connection cannot be used again.
  if (code === 'BODY_TOO_LARGE') reply.header('connection', 'close');
  return await answerText(reply, status[code], message);
}
