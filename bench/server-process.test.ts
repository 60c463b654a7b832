import { describe, expect, it } from 'vitest';
import { cpuSecondsIn, peakRssBytesIn, settled, usageOf } from './server-process.ts';

describe('what /proc tells of a process', () => {
  it('is user and system time in seconds, whatever the command is called', () => {
    const stat = '77 (a) b (c) S 1 77 77 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 12 0 100 1 1';
    expect(cpuSecondsIn(stat)).toBe(3);
  });

  it('is the greatest resident set in bytes', () => {
    expect(peakRssBytesIn('VmPeak:\t 9 kB\nVmHWM:\t  2048 kB\nVmRSS:\t 1 kB\n')).toBe(2_097_152);
  });

  it.runIf(process.platform === 'linux')('is there for this process', () => {
    const { cpuSeconds, peakRssBytes } = usageOf(process.pid);
    expect(cpuSeconds).toBeGreaterThan(0);
    expect(peakRssBytes).toBeGreaterThan(1_000_000);
  });
});

describe('a server', () => {
  it('has settled when neither its CPU time nor its files change', async () => {
    const readings = [
      { cpuSeconds: 1, bytes: 10 },
      { cpuSeconds: 2, bytes: 10 },
      { cpuSeconds: 2, bytes: 20 },
      { cpuSeconds: 2.01, bytes: 20 },
    ];
    const last = { cpuSeconds: 2.02, bytes: 20 };
    await settled(() => readings.shift() ?? last, { minimumMs: 0, timeoutMs: 60_000, windowMs: 1 });
    expect(readings).toEqual([]);
  });

  it('that never rests is given up', async () => {
    let bytes = 0;
    const grow = () => ({ cpuSeconds: null, bytes: bytes++ });
    const busy = settled(grow, { minimumMs: 0, timeoutMs: 20, windowMs: 1 });
    await expect(busy).rejects.toThrow('had not settled 20 ms after');
  });
});
