import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BodyEncoding, Receipt } from '../../storage/index.ts';
import { IngestError } from '../errors.ts';
import { refuseOtherMethods } from '../methods.ts';
import { answerText, plainTextStatus, refuseInText, type StatusTable } from '../plain-text.ts';
import {
  contentEncodingOf,
  type Declared,
  leaveBodiesUnread,
  mediaTypeOf,
  type Receiver,
} from '../receiver.ts';

/** What Loki's clients see for each refusal. Promtail sends 429 and 5xx again and drops other 4xx. */
const lokiPushStatus: StatusTable = { ...plainTextStatus, ENCODING_UNSUPPORTED: 400 };

// In JSON, `deflate` is the raw stream without zlib's container, as Loki reads it.
const jsonEncodings: Readonly<Record<string, BodyEncoding>> = {
  '': 'identity',
  gzip: 'gzip',
  deflate: 'rawDeflate',
};
const protobufEncodings: Readonly<Record<string, BodyEncoding>> = { '': 'snappy', snappy: 'snappy' };

/** The second is what senders of before Loki 1.0 know; both take both forms of JSON. */
const paths = ['/loki/api/v1/push', '/api/prom/push'] as const;

/** Loki's push, in snappy-compressed protobuf and in JSON (contract: Loki HTTP API, "Ingest logs"). */
export const lokiPush: Receiver = {
  name: 'lokiPush',
  register(app, intake) {
    leaveBodiesUnread(app);
    refuseOtherMethods(app, paths);
    for (const path of paths) {
      app.post(path, async (request, reply) => {
        try {
          const receipt = await intake.http(lokiPush.name, request, declaredBy(request));
          return await answer(reply, receipt, intake.retryAfterSeconds);
        } catch (thrown) {
          return await refuseInText(reply, thrown, lokiPushStatus, intake);
        }
      });
    }
  },
};

function declaredBy(request: FastifyRequest): Declared {
  const isJson = mediaTypeOf(request) === 'application/json';
  const name = contentEncodingOf(request);
  const encoding = (isJson ? jsonEncodings : protobufEncodings)[name];
  if (encoding === undefined)
    throw new IngestError('ENCODING_UNSUPPORTED', `Content-Encoding "${name}" not supported`);
  return { format: isJson ? 'lokiPushJson' : 'lokiPushProtobuf', encoding };
}

/** Reasons that pass: once streams have gone quiet there is room for others. */
const passing = new Set(['streamsTooMany']);

/**
 * What was good in the request is stored by then. A 400 says "the rest will never work"; a 429 asks to send
 * all of it again, of which what was stored is known again as long as the same is refused.
 */
async function answer(
  reply: FastifyReply,
  receipt: Receipt,
  retryAfterSeconds: number,
): Promise<FastifyReply> {
  if (receipt.refused.length > 0) {
    const sentences = receipt.refused.map(({ message }) => message).join('; ');
    if (!receipt.refused.some(({ reason }) => passing.has(reason)))
      return await answerText(reply, 400, sentences);
    return await answerText(reply.header('retry-after', String(retryAfterSeconds)), 429, sentences);
  }
  // Streams without entries are nothing to complain of, no streams at all are.
  if (receipt.accepted === 0 && receipt.answer === undefined)
    return await answerText(reply, 422, 'error at least one valid stream is required for ingestion');
  return await reply.code(204).send();
}
