import { IngestError } from './errors.ts';

/** Bytes that one request holds; given back by `release`, which may be called more than once. */
export interface Permit {
  /**
   * Reserves more bytes, or refuses at once: waiting inside would only move the queue from the
   * sender's disk into our memory.
   *
   * @throws IngestError TENANT_OVERLOADED, OVERLOADED
   */
  reserve(bytes: number): void;
  /** What is to be done once nothing is held any more. */
  atEnd(action: () => void): void;
  /** Whoever reads what is held: `release` waits for that, for an answer may be given before. */
  readUntil(reading: Promise<unknown>): void;
  release(): void;
}

/** Bounds the bytes of request bodies in flight, for each tenant first and then over all. */
export class Admission {
  readonly #maxBytes: number;
  readonly #tenantMaxBytes: (tenant: string) => number;
  readonly #tenantBytes = new Map<string, number>();
  #bytes = 0;

  constructor(limits: { maxBytes: number; tenantMaxBytes: (tenant: string) => number }) {
    this.#maxBytes = limits.maxBytes;
    this.#tenantMaxBytes = limits.tenantMaxBytes;
  }

  /** Bytes held now, over all tenants. */
  get inFlightBytes(): number {
    return this.#bytes;
  }

  enter(tenant: string): Permit {
    let held = 0;
    let actions: (() => void)[] = [];
    let reading: Promise<unknown> | undefined;
    const end = (): void => {
      this.#giveBack(tenant, held);
      held = 0;
      for (const action of actions) action();
      actions = [];
    };
    return {
      reserve: (bytes) => {
        this.#reserve(tenant, bytes);
        held += bytes;
      },
      atEnd: (action) => {
        actions.push(action);
      },
      readUntil: (promise) => {
        reading = promise;
      },
      release: () => {
        if (reading === undefined) end();
        else reading.then(end, end);
      },
    };
  }

  #reserve(tenant: string, bytes: number): void {
    const ofTenant = (this.#tenantBytes.get(tenant) ?? 0) + bytes;
    const tenantMaxBytes = this.#tenantMaxBytes(tenant);
    if (ofTenant > tenantMaxBytes) {
      throw new IngestError(
        'TENANT_OVERLOADED',
        `tenant ${tenant} has ${ofTenant} bytes in flight, over limits.in_flight_max_bytes = ${tenantMaxBytes}; send again later`,
      );
    }
    if (this.#bytes + bytes > this.#maxBytes) {
      throw new IngestError(
        'OVERLOADED',
        `${this.#bytes + bytes} bytes are in flight, over ingest.in_flight_max_bytes = ${this.#maxBytes}; send again later`,
      );
    }
    this.#tenantBytes.set(tenant, ofTenant);
    this.#bytes += bytes;
  }

  #giveBack(tenant: string, bytes: number): void {
    const left = (this.#tenantBytes.get(tenant) ?? 0) - bytes;
    if (left > 0) this.#tenantBytes.set(tenant, left);
    else this.#tenantBytes.delete(tenant);
    this.#bytes -= bytes;
  }
}
