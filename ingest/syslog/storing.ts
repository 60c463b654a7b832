import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Receipt, TenantId } from '../../storage/index.ts';
import { refusalOf, retryAfterOf } from '../errors.ts';
import type { Intake } from '../receiver.ts';

// Syslog has no answer that would make a sender try again, so trying again is ours to do.
const retrySeconds = 0.1;

const tellEveryMs = 60_000;

/** Stores bodies of one receiver, one after the other, so that lines keep their order of arrival. */
export class SyslogStoring {
  readonly #receiver: string;
  readonly #tenant: TenantId;
  readonly #intake: Intake;
  readonly #givenUp = new AbortController();
  readonly #keyPrefix = `syslog-${randomUUID()}-`;
  #bodies = 0;
  #toldMs = -tellEveryMs;

  constructor(receiver: string, tenant: TenantId, intake: Intake) {
    this.#receiver = receiver;
    this.#tenant = tenant;
    this.#intake = intake;
  }

  /**
   * Resolves once the body is stored, however long the store is overloaded; or, with a line in the log,
   * once it is lost: when it can never be stored, or after `giveUp`.
   */
  async store(body: Uint8Array): Promise<void> {
    this.#bodies += 1;
    // The key makes trying again safe after a time-out, when nobody knows whether it was stored.
    const idempotencyKey = `${this.#keyPrefix}${this.#bodies}`;
    const declared = { format: 'syslog', encoding: 'identity', idempotencyKey } as const;
    for (;;) {
      try {
        this.#tell(await this.#intake.message(this.#receiver, this.#tenant, body, declared));
        return;
      } catch (thrown) {
        const refusal = refusalOf(thrown);
        const waitSeconds = retryAfterOf(refusal, retrySeconds);
        if (waitSeconds === undefined || this.#givenUp.signal.aborted) {
          const { code, message } = refusal;
          const lost = { receiver: this.#receiver, code, bytes: body.length };
          this.#intake.log.error(lost, `syslog messages are lost: ${message}`);
          return;
        }
        await this.#pause(waitSeconds);
      }
    }
  }

  /** Ends trying again: what cannot be stored now is lost. */
  giveUp(): void {
    this.#givenUp.abort();
  }

  /** Messages that a limit keeps out: their senders are not answered, so the log must say it. */
  #tell({ refused }: Receipt): void {
    const nowMs = performance.now();
    if (refused.length === 0 || nowMs - this.#toldMs < tellEveryMs) return;
    this.#toldMs = nowMs;
    this.#intake.log.warn(
      { receiver: this.#receiver, tenant: this.#tenant, refused },
      'syslog messages refused',
    );
  }

  async #pause(seconds: number): Promise<void> {
    // Cut short by `giveUp`, which rejects it.
    await pause(seconds * 1_000, undefined, { signal: this.#givenUp.signal }).catch(() => undefined);
  }
}
