import { parseArgs } from 'node:util';
import { crashRounds } from './rounds.ts';

// `npm run crash -- --rounds 100`: the crash test, longer and with a line for each round.
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' } } });
let failed = 0;
let acknowledgedTotal = 0;
for await (const { round, acknowledged, unanswered, wrong } of crashRounds(Number(values.rounds))) {
  if (wrong.length > 0) failed += 1;
  acknowledgedTotal += acknowledged;
  process.stdout.write(
    `round ${round}: ${acknowledged} requests acknowledged, ${unanswered} not, ${wrong.length} wrong\n`,
  );
  for (const sentence of wrong.slice(0, 10)) process.stdout.write(`  ${sentence}\n`);
}
process.stdout.write(`${acknowledgedTotal} requests acknowledged\n`);
process.stdout.write(`${Number(values.rounds) - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
