import { setTimeout as pause } from 'node:timers/promises';

/** How long the first messages of a batch wait for others, of this connection or another. */
const gatherMs = 5;

/** Messages of all connections on their way to the store, in batches: one append for many senders. */
export class SyslogQueue {
  readonly #waitingMaxBytes: number;
  readonly #store: (body: Buffer) => Promise<void>;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #waitForRoom: (() => void)[] = [];
  #storing: Promise<void> | undefined;

  /** `store` must not reject. */
  constructor(waitingMaxBytes: number, store: (body: Buffer) => Promise<void>) {
    this.#waitingMaxBytes = waitingMaxBytes;
    this.#store = store;
  }

  /** Takes the messages, and resolves when there is room for more: who waits for it stops reading. */
  async add(messages: Buffer): Promise<void> {
    if (messages.length === 0) return;
    this.#waiting.push(messages);
    this.#waitingBytes += messages.length;
    this.#storing ??= this.#storeAll();
    if (this.#waitingBytes >= this.#waitingMaxBytes)
      await new Promise<void>((resolve) => this.#waitForRoom.push(resolve));
  }

  /** Resolves once nothing waits. */
  async empty(): Promise<void> {
    while (this.#storing !== undefined) await this.#storing;
  }

  async #storeAll(): Promise<void> {
    await pause(gatherMs);
    while (this.#waiting.length > 0) {
      const body = this.#takeBody();
      if (this.#waitingBytes < this.#waitingMaxBytes) this.#wake();
      await this.#store(body);
    }
    this.#storing = undefined;
  }

  /** As much as one append may be: each of many connections may have brought a chunk past the limit. */
  #takeBody(): Buffer {
    let [count, bytes] = [0, 0];
    for (const { length } of this.#waiting) {
      if (count > 0 && bytes + length > this.#waitingMaxBytes) break;
      count += 1;
      bytes += length;
    }
    this.#waitingBytes -= bytes;
    return Buffer.concat(this.#waiting.splice(0, count), bytes);
  }

  #wake(): void {
    const waiters = this.#waitForRoom;
    this.#waitForRoom = [];
    for (const resolve of waiters) resolve();
  }
}
