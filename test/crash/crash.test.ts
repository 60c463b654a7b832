import { expect, it } from 'vitest';
import { crashRounds } from './rounds.ts';

const rounds = 30;

it('keeps every acknowledged record exactly once over SIGKILL at any moment', {
  timeout: 600_000,
}, async () => {
  let acknowledged = 0;
  let sentAgain = 0;
  for await (const { round, wrong, ...counts } of crashRounds(rounds)) {
    expect(wrong, `round ${round}`).toEqual([]);
    acknowledged += counts.acknowledged;
    sentAgain += counts.unanswered;
  }
  // A load that was never accepted would prove nothing, nor would one of which nothing was sent again.
  expect(acknowledged).toBeGreaterThan(rounds * 10);
  expect(sentAgain).toBeGreaterThan(rounds);
});
