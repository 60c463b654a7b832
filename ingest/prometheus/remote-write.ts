import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BodyEncoding, Receipt } from '../../storage/index.ts';
import { IngestError } from '../errors.ts';
import { answerText, plainTextStatus, refuseInText } from '../plain-text.ts';
import { contentEncodingOf, type Declared, leaveBodiesUnread, type Receiver } from '../receiver.ts';

const encodings: Readonly<Record<string, BodyEncoding>> = {
  // The specification asks for the header, some senders leave it out and compress all the same.
  '': 'snappy',
  snappy: 'snappy',
  gzip: 'gzip',
  zstd: 'zstd',
};

/** Series with bad labels are dropped and counted, the rest is a success (Prometheus, remote write 1.0 handler). */
const silentReasons: ReadonlySet<string> = new Set(['labelsInvalid']);

/** Prometheus remote write 1.0 (Remote-Write specification 1.0). */
export const remoteWrite: Receiver = {
  name: 'remoteWrite',
  register(app, intake) {
    leaveBodiesUnread(app);
    for (const path of ['/api/v1/write', '/api/v1/push']) {
      app.post(path, async (request, reply) => {
        try {
          return await answer(reply, await intake.http(remoteWrite.name, request, declaredBy(request)));
        } catch (thrown) {
          return await refuseInText(reply, thrown, plainTextStatus, intake);
        }
      });
    }
  },
};

function declaredBy(request: FastifyRequest): Declared {
  const [media = '', ...parameters] = (request.headers['content-type'] ?? 'application/x-protobuf')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const message = parameters.find((parameter) => parameter.startsWith('proto='))?.slice('proto='.length);
  if (
    media !== 'application/x-protobuf' ||
    (message ?? 'prometheus.writerequest') !== 'prometheus.writerequest'
  ) {
    // Senders of 2.0 fall back only on this status.
    throw new IngestError(
      'MEDIA_TYPE_UNSUPPORTED',
      `content type '${request.headers['content-type'] ?? ''}' is not application/x-protobuf;proto=prometheus.WriteRequest`,
    );
  }
  const name = contentEncodingOf(request);
  const encoding = encodings[name];
  if (encoding === undefined)
    throw new IngestError('ENCODING_UNSUPPORTED', `content encoding '${name}' is not snappy, gzip or zstd`);
  return { format: 'remoteWriteV1', encoding };
}

async function answer(reply: FastifyReply, receipt: Receipt): Promise<FastifyReply> {
  const told = receipt.refused.filter(({ reason }) => !silentReasons.has(reason));
  if (told.length === 0) return await reply.code(204).send();
  return await answerText(reply, 400, told.map(({ message }) => message).join('; '));
}
