import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { measure, type SignalResult } from './measure.ts';
import { readOptions } from './options.ts';
import { allRight, report } from './report.ts';
import { signalsOf } from './signals.ts';

// `npm run bench -- --logs 1000000 --spans 500000 --samples 4800000 --series 20000 --json results.json`
const options = readOptions(process.argv.slice(2));
const results: SignalResult[] = [];
for (const signal of signalsOf(options)) {
  process.stderr.write(`${signal.name}: ${signal.records} records over ${options.connections} connections\n`);
  results.push(await measure(signal, options));
}
process.stdout.write(report(results));
if (options.json !== undefined) {
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()}`,
  };
  writeFileSync(options.json, `${JSON.stringify({ machine, options, results }, null, 2)}\n`);
}
process.exitCode = allRight(results) ? 0 : 1;
