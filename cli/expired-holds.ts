import type { Logger } from 'pino';
import type { HoldStatus } from '../storage/index.ts';

const lookEveryMs = 10_000;

/** Warns once of each hold that grew too old and keeps nothing any more; the function stops that. */
export function warnOfExpiredHolds(log: Logger, readHolds: () => readonly HoldStatus[]): () => void {
  const warn = expiredHoldWarnings(log);
  const timer = setInterval(() => {
    warn(readHolds());
  }, lookEveryMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** Takes the holds as they are, and warns of what has expired since it took them last. */
export function expiredHoldWarnings(log: Pick<Logger, 'warn'>): (holds: readonly HoldStatus[]) => void {
  let told = new Set<string>();
  return (holds) => {
    const expired = holds.filter((hold) => hold.expired);
    for (const { name, owner, maxAgeMs, setAtMs } of expired) {
      if (!told.has(name))
        log.warn(
          { hold: name, owner, maxAgeMs, setAtMs },
          'a hold on the log expired and keeps nothing any more',
        );
    }
    told = new Set(expired.map(({ name }) => name));
  };
}
