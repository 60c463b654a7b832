import type { Readable } from 'node:stream';
import type { Permit } from './admission.ts';
import type { BodyBuffers } from './body-buffers.ts';
import { IngestError } from './errors.ts';

/** What a body is held against, and where its memory comes from. */
export interface BodyRoom {
  /** `Content-Length`. */
  readonly declaredBytes?: number | undefined;
  readonly maxBytes: number;
  readonly permit: Pick<Permit, 'reserve' | 'atEnd'>;
  readonly buffers: BodyBuffers;
}

/**
 * How much of the declared length is reserved for each byte that came. A body that does not fit is refused with
 * its first chunk, and not when most of it was read in vain; who declares much and sends little, or slowly, holds
 * little.
 */
const reservedAhead = 16;

/**
 * Reads a request's body as it was sent. Each chunk is reserved before it is kept. The body is the permit's:
 * it may be read until that is released. How long a sender may take is the HTTP server's `requestTimeout`.
 *
 * @throws IngestError BODY_TOO_LARGE, BODY_ABORTED, or what `permit.reserve` throws
 */
export async function readBody(stream: Readable, room: BodyRoom): Promise<Buffer> {
  const { declaredBytes, maxBytes } = room;
  if (declaredBytes !== undefined && declaredBytes > maxBytes) throw bodyTooLarge(maxBytes);
  const body = new Gathered(room);
  try {
    // Not destroyed when refused: the socket must live on to carry the answer.
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
      body.add(chunk);
    return body.whole();
  } catch (thrown) {
    // Read on and let go: node leaves a body that somebody began to read, and the connection would stand still.
    stream.resume();
    if (thrown instanceof IngestError) throw thrown;
    throw new IngestError('BODY_ABORTED', 'the sender left before its body was whole', { cause: thrown });
  }
}

/** A body that is being read. */
class Gathered {
  readonly #room: BodyRoom;
  readonly #declaredBytes: number;
  #bytes = 0;
  #reservedBytes = 0;
  /** Of the declared length, once that is reserved; what came is in it. */
  #memory: Buffer | undefined;
  #filledBytes = 0;
  /** What came, where it is not in `#memory`. */
  #chunks: Buffer[] = [];

  constructor(room: BodyRoom) {
    this.#room = room;
    this.#declaredBytes = room.declaredBytes ?? 0;
  }

  add(chunk: Buffer): void {
    const { maxBytes } = this.#room;
    const bytes = this.#bytes + chunk.length;
    if (bytes > maxBytes) throw bodyTooLarge(maxBytes);
    this.#reserve(bytes);
    this.#keep(chunk);
    this.#bytes = bytes;
    if (
      this.#memory === undefined &&
      bytes < this.#declaredBytes &&
      this.#reservedBytes >= this.#declaredBytes
    )
      this.#move();
  }

  whole(): Buffer {
    const [first, ...others] = this.#chunks;
    if (this.#memory === undefined)
      return first !== undefined && others.length === 0 ? first : Buffer.concat(this.#chunks, this.#bytes);
    const filled = this.#memory.subarray(0, this.#filledBytes);
    return first === undefined ? filled : Buffer.concat([filled, ...this.#chunks], this.#bytes);
  }

  #keep(chunk: Buffer): void {
    const filledBytes = this.#filledBytes + chunk.length;
    if (this.#memory === undefined || this.#chunks.length > 0 || filledBytes > this.#memory.length) {
      this.#chunks.push(chunk);
      return;
    }
    this.#memory.set(chunk, this.#filledBytes);
    this.#filledBytes = filledBytes;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#reservedBytes) return;
    const wanted = Math.max(bytes, Math.min(this.#declaredBytes, bytes * reservedAhead));
    this.#room.permit.reserve(wanted - this.#reservedBytes);
    this.#reservedBytes = wanted;
  }

  /** From chunks into memory that holds the whole. */
  #move(): void {
    const { buffers, permit } = this.#room;
    const memory = buffers.take(this.#declaredBytes);
    permit.atEnd(() => {
      buffers.giveBack(memory);
    });
    this.#memory = memory;
    const chunks = this.#chunks;
    this.#chunks = [];
    for (const chunk of chunks) this.#keep(chunk);
  }
}

/** The refusal of a body that is over its limit as sent. */
export function bodyTooLarge(maxBytes: number): IngestError {
  return new IngestError(
    'BODY_TOO_LARGE',
    `the body is over limits.body_max_bytes = ${maxBytes}; send smaller batches`,
  );
}
