import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startVarve, type Varve } from '../support/varve.ts';

// Asks a running Varve what the real Loki, Tempo and Prometheus were asked, and compares how many
// cases agree with `passing.json`, which may only rise.

type Suite = 'logql' | 'traceql' | 'promql';

const folder = process.env['CONFORMANCE_DIR'] ?? join('..', 'shared', 'conformance');
const passing = JSON.parse(readFileSync(new URL('passing.json', import.meta.url), 'utf8')) as Record<
  Suite,
  number
>;

function addresses(suite: Suite, { ports }: Varve): string[] {
  const url = (port: number) => `http://127.0.0.1:${port}`;
  switch (suite) {
    case 'logql':
      return ['--url', url(ports.loki)];
    case 'traceql':
      return ['--url', url(ports.tempo), '--push-url', url(ports.otlp)];
    case 'promql':
      return ['--url', url(ports.prometheus)];
  }
}

/** Runs one suite and gives the number of cases that passed. */
async function run(suite: Suite, varve: Varve): Promise<number> {
  const args = [join(folder, 'run.mjs'), '--suite', suite, ...addresses(suite, varve)];
  const runner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  runner.stdout.setEncoding('utf8').on('data', (text: string) => (told += text));
  await once(runner, 'close');
  const [line = 'no count'] = told.trim().split('\n').slice(-1);
  process.stdout.write(`${suite}: ${line}\n`);
  return Number(/(\d+) passed/.exec(line)?.[1] ?? Number.NaN);
}

async function main(): Promise<number> {
  if (!existsSync(join(folder, 'run.mjs'))) {
    process.stdout.write(`no conformance cases in ${folder}; set CONFORMANCE_DIR to run them\n`);
    return 0;
  }
  const varve = await startVarve();
  let failed = 0;
  for (const suite of ['logql', 'traceql', 'promql'] as const) {
    const count = await run(suite, varve);
    if (count >= passing[suite]) continue;
    failed += 1;
    process.stdout.write(`${suite} passed ${count} cases, ${passing[suite]} before\n`);
  }
  // A crash on the way would show here: the process that was asked must be the one that stops.
  const status = await varve.stop();
  if (status !== 0)
    process.stdout.write(`Varve ended with status ${String(status)}:\n${varve.errorOutput()}\n`);
  return failed === 0 && status === 0 ? 0 : 1;
}

process.exitCode = await main();
