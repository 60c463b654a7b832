const KiB = 1024;
const smallestBytes = 64 * KiB;
const largestBytes = 8 * 1024 * KiB;

/**
 * Memory that bodies are read into, one after the other. Fresh memory costs a page fault for each 4 KiB and
 * waits for the collector afterwards; this is used again at once.
 */
export class BodyBuffers {
  readonly #keptMaxBytes: number;
  /** By their size. */
  readonly #free = new Map<number, Buffer[]>();
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #keptBytes = 0;

  /** `keptMaxBytes`: what may lie here unused. */
  constructor(keptMaxBytes: number) {
    this.#keptMaxBytes = keptMaxBytes;
  }

  /** Memory of this length; what was in it before still is. */
  take(bytes: number): Buffer {
    if (bytes > largestBytes) return Buffer.allocUnsafeSlow(bytes);
    const size = sizeFor(bytes);
    const kept = this.#free.get(size)?.pop();
    if (kept !== undefined) this.#keptBytes -= size;
    const buffer = kept ?? Buffer.allocUnsafeSlow(size);
    this.#lent.add(buffer.buffer);
    return buffer.subarray(0, bytes);
  }

  /** Takes back what `take` gave. Nobody may read it any more. */
  giveBack(taken: Buffer): void {
    const { buffer } = taken;
    // Given back twice it would be lent to two bodies at once.
    if (!this.#lent.delete(buffer)) return;
    const size = buffer.byteLength;
    if (this.#keptBytes + size > this.#keptMaxBytes) return;
    const free = this.#free.get(size) ?? [];
    free.push(Buffer.from(buffer));
    this.#free.set(size, free);
    this.#keptBytes += size;
  }
}

/** Few sizes, so that one serves many bodies, and at most an eighth more than what is reserved of a long body. */
function sizeFor(bytes: number): number {
  const atLeast = Math.max(smallestBytes, bytes);
  const step = 2 ** Math.floor(Math.log2(atLeast)) / 8;
  return Math.ceil(atLeast / step) * step;
}
