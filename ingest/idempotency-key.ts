import { IngestError } from './errors.ts';

/** Header, and gRPC metadata, by which a sender names a request. */
export const idempotencyKeyHeader = 'idempotency-key';

const idempotencyKeyMaxBytes = 256;

/**
 * The sender's own name for a request; undefined where it gave none.
 *
 * @throws IngestError BODY_INVALID for one that is too long
 */
export function idempotencyKeyOf(header: string | readonly string[] | undefined): string | undefined {
  const key = typeof header === 'string' ? header : header?.[0];
  if (key === undefined || key === '') return undefined;
  const bytes = Buffer.byteLength(key);
  if (bytes > idempotencyKeyMaxBytes) {
    throw new IngestError(
      'BODY_INVALID',
      `Idempotency-Key has ${bytes} bytes, over ${idempotencyKeyMaxBytes}; send a shorter one`,
    );
  }
  return key;
}
