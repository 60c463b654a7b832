import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from './send.ts';

/** What the server's process has used; null where the system has no `/proc`. */
export interface Usage {
  readonly cpuSeconds: number | null;
  readonly peakRssBytes: number | null;
}

// USER_HZ, the unit of times in /proc/PID/stat: 100 on every Linux that Node runs on (proc(5)).
const ticksPerSecond = 100;

/** User and system time of all its threads since it started, and its greatest resident set (VmHWM). */
export function usageOf(pid: number): Usage {
  const stat = readProc(pid, 'stat');
  const status = readProc(pid, 'status');
  return {
    cpuSeconds: stat === undefined ? null : cpuSecondsIn(stat),
    peakRssBytes: status === undefined ? null : peakRssBytesIn(status),
  };
}

/** Its resident set now. */
export function rssBytesOf(pid: number): number | null {
  const status = readProc(pid, 'status');
  return status === undefined ? null : Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Fields 14 and 15 of `/proc/PID/stat`. Counted after the command, which may hold blanks and brackets. */
export function cpuSecondsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** `VmHWM` of `/proc/PID/status`, which tells it in KiB. */
export function peakRssBytesIn(status: string): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

function readProc(pid: number, name: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return readFileSync(`/proc/${pid}/${name}`, 'utf8');
}

/** Bytes of all files below a folder; 0 if it is not there. */
export function folderBytes(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + sizeOf(join(entry.parentPath, entry.name)), 0);
}

// A file may be gone between being listed and being asked for: sealing and trimming go on.
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** What a server is when nothing is left to do: its CPU time rests and its files don't change. */
export interface Quiet {
  readonly cpuSeconds: number | null;
  readonly bytes: number;
}

// The program ticks even when idle; sealing keeps a core busy, far above this.
const idleCpuSeconds = 0.05;

/**
 * Waits until the server has settled: `minimumMs` have passed (the age at which memtables are sealed), and
 * then for four windows it used next to no CPU and its files stayed as they were.
 *
 * @throws Error when it has not settled within `timeoutMs`
 */
export async function settled(
  read: () => Quiet,
  { minimumMs, timeoutMs, windowMs = 500 }: { minimumMs: number; timeoutMs: number; windowMs?: number },
): Promise<void> {
  const startedAt = performance.now();
  await pause(minimumMs);
  let before = read();
  let quietWindows = 0;
  while (quietWindows < 4) {
    if (performance.now() - startedAt > timeoutMs)
      throw new Error(`the server had not settled ${timeoutMs} ms after the last acknowledgement`);
    await pause(windowMs);
    const now = read();
    const used = (now.cpuSeconds ?? 0) - (before.cpuSeconds ?? 0);
    quietWindows = used <= idleCpuSeconds && now.bytes === before.bytes ? quietWindows + 1 : 0;
    before = now;
  }
}
