import type { FastifyRequest } from 'fastify';
import type { BodyFormat } from '../../storage/index.ts';
import { IngestError } from '../errors.ts';
import { takePostedSpans } from '../posted-spans.ts';
import { type Declared, gzipOrNone, mediaTypeOf, type Receiver } from '../receiver.ts';

/** Zipkin's spans, version 2, in JSON or protobuf (Zipkin API 2.0, `POST /spans`). */
export const zipkinSpans: Receiver = {
  name: 'zipkin',
  register(app, intake) {
    takePostedSpans(app, intake, { receiver: zipkinSpans.name, path: '/api/v2/spans', declaredBy });
  },
};

// Some senders name no type; JSON is what they send.
const formats: Readonly<Record<string, BodyFormat>> = {
  '': 'zipkinJson',
  'application/json': 'zipkinJson',
  'application/x-protobuf': 'zipkinProtobuf',
};

function declaredBy(request: FastifyRequest): Declared {
  const media = mediaTypeOf(request);
  const format = formats[media];
  if (format === undefined)
    throw new IngestError(
      'MEDIA_TYPE_UNSUPPORTED',
      `Zipkin's spans are taken as application/json or application/x-protobuf, not ${media}`,
    );
  return { format, encoding: gzipOrNone(request) };
}
