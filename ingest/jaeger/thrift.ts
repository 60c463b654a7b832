import type { FastifyRequest } from 'fastify';
import { IngestError } from '../errors.ts';
import { takePostedSpans } from '../posted-spans.ts';
import { type Declared, gzipOrNone, mediaTypeOf, type Receiver } from '../receiver.ts';

const mediaTypes: ReadonlySet<string> = new Set([
  'application/x-thrift',
  'application/vnd.apache.thrift.binary',
]);

/** Jaeger's spans in Thrift, as its clients send them to a collector. */
export const jaegerThrift: Receiver = {
  name: 'jaegerThrift',
  register(app, intake) {
    takePostedSpans(app, intake, { receiver: jaegerThrift.name, path: '/api/traces', declaredBy });
  },
};

function declaredBy(request: FastifyRequest): Declared {
  const media = mediaTypeOf(request);
  if (!mediaTypes.has(media))
    throw new IngestError(
      'MEDIA_TYPE_UNSUPPORTED',
      `Jaeger's spans are taken as ${[...mediaTypes].join(' or ')}, not '${media}'`,
    );
  return { format: 'jaegerThrift', encoding: gzipOrNone(request) };
}
