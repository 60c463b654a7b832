import { VarveError } from '../storage/index.ts';

export interface QueueLimits {
  /** Queries that run at once, whoever's they are. */
  readonly runningMax: number;
  /** Queries of one tenant that wait for their turn. */
  readonly waitingPerTenantMax: number;
}

interface Waiter {
  readonly start: () => void;
}

/** What a query waits with: how long at most, and whether its client is still there. */
export interface Patience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lets so many queries run at once, and gives turns by tenant: one that asks a thousand questions waits
 * behind its own, not in front of everybody else's. One place is never the last tenant's: whoever comes
 * while another's long queries fill the rest need not wait for the end of one of them.
 */
export class QueryQueue {
  readonly #limits: QueueLimits;
  readonly #runningPerTenantMax: number;
  /** By tenant; none is 0. */
  readonly #running = new Map<string, number>();
  /** By tenant, in the order of their next turns; no list is empty. */
  readonly #waiting = new Map<string, Waiter[]>();

  constructor(limits: QueueLimits) {
    this.#limits = limits;
    this.#runningPerTenantMax = Math.max(1, limits.runningMax - 1);
  }

  /** Queries that wait now. */
  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, waiters) => sum + waiters.length, 0);
  }

  /**
   * Runs `work` when it is its turn, and tells it for how many milliseconds it waited.
   *
   * @throws VarveError OVERLOADED at once when too many of the tenant wait; QUERY_TIMEOUT and QUERY_CANCELLED
   *   when its turn does not come in time
   */
  async run<T>(tenant: string, patience: Patience, work: (waitedMs: number) => Promise<T>): Promise<T> {
    let waitedMs = 0;
    if (this.#isFull() || !this.#mayRun(tenant)) {
      const askedMs = performance.now();
      await this.#turn(tenant, patience);
      waitedMs = performance.now() - askedMs;
    } else this.#count(tenant, 1);
    try {
      return await work(waitedMs);
    } finally {
      this.#count(tenant, -1);
      this.#next();
    }
  }

  #isFull(): boolean {
    const running = [...this.#running.values()].reduce((sum, count) => sum + count, 0);
    return running >= this.#limits.runningMax;
  }

  #mayRun(tenant: string): boolean {
    return (this.#running.get(tenant) ?? 0) < this.#runningPerTenantMax;
  }

  #count(tenant: string, change: 1 | -1): void {
    const count = (this.#running.get(tenant) ?? 0) + change;
    if (count === 0) this.#running.delete(tenant);
    else this.#running.set(tenant, count);
  }

  /** Gives the place of a finished query to the next tenant that may have it. */
  #next(): void {
    for (const [tenant, waiters] of this.#waiting) {
      const waiter = this.#mayRun(tenant) ? waiters.shift() : undefined;
      if (waiter === undefined) continue;
      // Behind the others, until its turn comes again.
      this.#waiting.delete(tenant);
      if (waiters.length > 0) this.#waiting.set(tenant, waiters);
      this.#count(tenant, 1);
      waiter.start();
      return;
    }
  }

  async #turn(tenant: string, { timeoutMs, signal }: Patience): Promise<void> {
    const waiters = this.#waiting.get(tenant) ?? [];
    const { waitingPerTenantMax } = this.#limits;
    if (waiters.length >= waitingPerTenantMax) {
      throw new VarveError(
        'OVERLOADED',
        `too many outstanding requests: ${waiters.length} queries of tenant ${tenant} wait already; ask again later, or raise query.waiting_per_tenant_max`,
      );
    }
    if (signal?.aborted === true) throw cancelled();
    await new Promise<void>((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', leave);
        act();
      };
      const give = (error: VarveError): void => {
        this.#remove(tenant, waiter);
        settle(() => {
          reject(error);
        });
      };
      const leave = (): void => {
        give(cancelled());
      };
      const waiter: Waiter = {
        start: () => {
          settle(resolve);
        },
      };
      const timer = setTimeout(() => {
        give(tooLate(timeoutMs));
      }, timeoutMs);
      signal?.addEventListener('abort', leave, { once: true });
      waiters.push(waiter);
      this.#waiting.set(tenant, waiters);
    });
  }

  #remove(tenant: string, waiter: Waiter): void {
    const rest = (this.#waiting.get(tenant) ?? []).filter((one) => one !== waiter);
    if (rest.length > 0) this.#waiting.set(tenant, rest);
    else this.#waiting.delete(tenant);
  }
}

function cancelled(): VarveError {
  return new VarveError('QUERY_CANCELLED', 'the query was cancelled by the client');
}

function tooLate(timeoutMs: number): VarveError {
  return new VarveError(
    'QUERY_TIMEOUT',
    `the query waited ${timeoutMs} ms for its turn; ask less at once, or raise query.timeout_ms`,
  );
}
