/**
 * Numbers that look random and are the same in every run (mulberry32, by T. Ettinger: 32 bits of state,
 * full period). Not for anything secret.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** 0 to 2³² − 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 to `limit` − 1. */
  below(limit: number): number {
    return Math.floor((this.next() / 4_294_967_296) * limit);
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }

  /** `count` bytes, a multiple of four. */
  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let offset = 0; offset < count; offset += 4) bytes.writeUInt32LE(this.next(), offset);
    return bytes;
  }
}
