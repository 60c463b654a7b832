import { describe, expect, it } from 'vitest';
import { expiredHoldWarnings } from './expired-holds.ts';

const hold = (name: string, expired: boolean) => ({
  name,
  owner: 'backup',
  setAtMs: 5,
  maxAgeMs: 60_000,
  expired,
  places: {},
  keptRecords: 0,
  keptBytes: 0,
  oldestKeptMs: null,
});

describe('an expired hold', () => {
  it('is warned of once, and again only after it was set anew', () => {
    const told: unknown[] = [];
    const warn = expiredHoldWarnings({ warn: (fields: unknown) => told.push(fields) });
    for (const expired of [false, true, true, false, true])
      warn([hold('copy', expired), hold('other', false)]);
    const one = { hold: 'copy', owner: 'backup', maxAgeMs: 60_000, setAtMs: 5 };
    expect(told).toEqual([one, one]);
  });
});
