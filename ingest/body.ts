import type { Readable } from 'node:stream';
import type { Permit } from './admission.ts';
import { IngestError } from './errors.ts';

/**
 * Reads a request's body as it was sent. Each chunk is reserved before it is kept, so a sender that
 * lies about its length holds no more than it was admitted for. How long a sender may take is the
 * HTTP server's `requestTimeout`.
 *
 * @throws IngestError BODY_TOO_LARGE, BODY_ABORTED, or what `permit.reserve` throws
 */
export async function readBody(
  stream: Readable,
  declaredBytes: number | undefined,
  maxBytes: number,
  permit: Permit,
): Promise<Buffer> {
  if (declaredBytes !== undefined && declaredBytes > maxBytes) throw bodyTooLarge(maxBytes);
  try {
    return await collect(stream, maxBytes, permit);
  } catch (thrown) {
    if (thrown instanceof IngestError) throw thrown;
    throw new IngestError('BODY_ABORTED', 'the sender left before its body was whole', { cause: thrown });
  }
}

async function collect(stream: Readable, maxBytes: number, permit: Permit): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not destroyed when refused: the socket must live on to carry the answer.
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw bodyTooLarge(maxBytes);
    permit.reserve(chunk.length);
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes);
}

/** The refusal of a body that is over its limit as sent. */
export function bodyTooLarge(maxBytes: number): IngestError {
  return new IngestError(
    'BODY_TOO_LARGE',
    `the body is over limits.body_max_bytes = ${maxBytes}; send smaller batches`,
  );
}
