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
 * behind its own, not in front of everybody else's.
 */
export class QueryQueue {
  readonly #limits: QueueLimits;
  #running = 0;
  /** By tenant, in the order of their next turns; no list is empty. */
  readonly #waiting = new Map<string, Waiter[]>();

  constructor(limits: QueueLimits) {
    this.#limits = limits;
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
    if (this.#running < this.#limits.runningMax) {
      this.#running += 1;
    } else {
      const askedMs = performance.now();
      await this.#turn(tenant, patience);
      waitedMs = performance.now() - askedMs;
    }
    try {
      return await work(waitedMs);
    } finally {
      this.#next();
    }
  }

  /** Hands the place of a finished query on. */
  #next(): void {
    const [tenant, waiters] = this.#waiting.entries().next().value ?? [];
    const waiter = waiters?.shift();
    if (tenant === undefined || waiters === undefined || waiter === undefined) {
      this.#running -= 1;
      return;
    }
    // Behind the others, until its turn comes again.
    this.#waiting.delete(tenant);
    if (waiters.length > 0) this.#waiting.set(tenant, waiters);
    waiter.start();
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
