import type { FastifyRequest } from 'fastify';
import type { BodyEncoding } from '../../storage/index.ts';
import { IngestError } from '../errors.ts';
import { answerText, plainTextStatus, refuseInText } from '../plain-text.ts';
import { contentEncodingOf, type Declared, leaveBodiesUnread, type Receiver } from '../receiver.ts';

const encodings: Readonly<Record<string, BodyEncoding>> = { '': 'identity', gzip: 'gzip' };

const mediaTypes: ReadonlySet<string> = new Set([
  'application/x-thrift',
  'application/vnd.apache.thrift.binary',
]);

/** Jaeger's spans in Thrift, as its clients send them to a collector. */
export const jaegerThrift: Receiver = {
  name: 'jaegerThrift',
  register(app, intake) {
    leaveBodiesUnread(app);
    app.post('/api/traces', async (request, reply) => {
      try {
        const { refused } = await intake.http(jaegerThrift.name, request, declaredBy(request));
        if (refused.length === 0) return await reply.code(202).send();
        // The others are stored; a 4xx keeps the sender from sending all of them again.
        return await answerText(reply, 400, refused.map(({ message }) => message).join('; '));
      } catch (thrown) {
        return await refuseInText(reply, thrown, plainTextStatus, intake);
      }
    });
  },
};

function declaredBy(request: FastifyRequest): Declared {
  const media = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!mediaTypes.has(media))
    throw new IngestError(
      'MEDIA_TYPE_UNSUPPORTED',
      `Jaeger's spans are taken as ${[...mediaTypes].join(' or ')}, not '${media}'`,
    );
  const name = contentEncodingOf(request);
  const encoding = encodings[name];
  if (encoding === undefined)
    throw new IngestError('ENCODING_UNSUPPORTED', `content encoding '${name}' is not gzip`);
  return { format: 'jaegerThrift', encoding };
}
