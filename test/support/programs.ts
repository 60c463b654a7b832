import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Whether tests of programs that are not installed fail, as in CI, or are left out. */
export const areProgramsNeeded = process.env['TEST_PROGRAMS'] === 'all';

/** Built from Go modules by test/receivers/install.sh. */
export function goProgram(name: 'collector' | 'logcli' | 'telemetrygen'): string {
  return join(import.meta.dirname, '../receivers/programs/bin', name);
}

/** A program that runs beside Varve. */
export interface Program {
  /** What it has written so far. */
  output(): string;
  /** Resolves when it has ended by itself or by {@link stop}. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
}

export function startProgram(path: string, args: readonly string[], cwd: string): Program {
  const child: ChildProcess = spawn(path, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (told += text));
  const exited = once(child, 'exit');
  // A test that waits for what the program does then shows what it said.
  child.on('error', (error) => (told += String(error)));
  return {
    output: () => told,
    ended: exited,
    stop: async () => {
      if (child.exitCode !== null || child.pid === undefined) return;
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** A port of loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
