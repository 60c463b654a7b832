import type { FastifyRequest } from 'fastify';
import type { BodyEncoding } from '../../storage/index.ts';
import { IngestError } from '../errors.ts';
import { refuseOtherMethods } from '../methods.ts';
import { answerText, plainTextStatus, refuseInText } from '../plain-text.ts';
import { contentEncodingOf, type Declared, leaveBodiesUnread, type Receiver } from '../receiver.ts';

const encodings: Readonly<Record<string, BodyEncoding>> = { '': 'identity', gzip: 'gzip' };

/** Zipkin's spans, version 2, in JSON (Zipkin API 2.0, `POST /spans`). */
export const zipkinSpans: Receiver = {
  name: 'zipkin',
  register(app, intake) {
    leaveBodiesUnread(app);
    refuseOtherMethods(app, ['/api/v2/spans']);
    app.post('/api/v2/spans', async (request, reply) => {
      try {
        const { refused } = await intake.http(zipkinSpans.name, request, declaredBy(request));
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
  const media = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  // Some senders name no type; JSON is what they send.
  if (media !== undefined && media !== '' && media !== 'application/json')
    throw new IngestError(
      'MEDIA_TYPE_UNSUPPORTED',
      `Zipkin's spans are taken as application/json, not ${media}`,
    );
  const name = contentEncodingOf(request);
  const encoding = encodings[name];
  if (encoding === undefined)
    throw new IngestError('ENCODING_UNSUPPORTED', `content encoding '${name}' is not gzip`);
  return { format: 'zipkinJson', encoding };
}
