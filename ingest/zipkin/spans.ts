import type { FastifyRequest } from 'fastify';
import { IngestError } from '../errors.ts';
import { takePostedSpans } from '../posted-spans.ts';
import { type Declared, gzipOrNone, mediaTypeOf, type Receiver } from '../receiver.ts';

/** Zipkin's spans, version 2, in JSON (Zipkin API 2.0, `POST /spans`). */
export const zipkinSpans: Receiver = {
  name: 'zipkin',
  register(app, intake) {
    takePostedSpans(app, intake, { receiver: zipkinSpans.name, path: '/api/v2/spans', declaredBy });
  },
};

function declaredBy(request: FastifyRequest): Declared {
  const media = mediaTypeOf(request);
  // Some senders name no type; JSON is what they send.
  if (media !== '' && media !== 'application/json')
    throw new IngestError(
      'MEDIA_TYPE_UNSUPPORTED',
      `Zipkin's spans are taken as application/json, not ${media}`,
    );
  return { format: 'zipkinJson', encoding: gzipOrNone(request) };
}
