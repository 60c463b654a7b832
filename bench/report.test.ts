import { describe, expect, it } from 'vitest';
import type { SignalResult } from './measure.ts';
import { allRight, report } from './report.ts';

const measured: SignalResult = {
  signal: 'logs',
  records: 1_000_000,
  wireBytes: 325e6,
  recordsPerSecond: 200_000,
  wireBytesPerSecond: 65e6,
  cpuSeconds: 4,
  recordsPerCpuSecond: 250_000,
  peakRssBytes: 512 * 1_048_576,
  segmentBytes: 58e6,
  segmentBytesPerRecord: 58,
  sentAgain: 0,
  ackFullLoad: { p50Ms: 2.04, p99Ms: 120.4 },
  ackHalfLoad: { p50Ms: 1.04, p99Ms: 8 },
  queryable: { p50Ms: 1, p99Ms: 9.96 },
  queries: [
    { name: 'needle', latency: { p50Ms: 3, p99Ms: 4_717 }, problem: null, repeats: 30 },
    { name: 'rate by service', latency: null, problem: '19 found, 20 expected', repeats: 0 },
  ],
};

describe('a report', () => {
  it('shows rates with groups of digits and times with the precision they have', () => {
    expect(report([measured]).split('\n')[2]).toMatch(
      /^\| logs +\| 1,000,000 \| 200,000 +\| 250,000 +\| 65\.0 +\| 512 +\| 58\.0 +\| 2\.0 · 120 +\| 1\.0 · 8\.0 +\| 1\.0 · 10\.0 +\| 0 +\|$/,
    );
  });

  it('says what a wrong answer was instead of how long it took', () => {
    expect(report([measured])).toMatch(
      /\| logs +\| needle +\| 3\.0 +\| 4,717 +\| 30 +\|\n\| logs +\| rate by service \| wrong: 19 found, 20 expected \| +\| 0 +\|\n$/,
    );
    expect(allRight([measured])).toBe(false);
  });

  it('has n/a where the system does not tell', () => {
    const elsewhere = { ...measured, cpuSeconds: null, recordsPerCpuSecond: null, peakRssBytes: null };
    expect(report([elsewhere]).match(/\| n\/a /g)).toHaveLength(2);
  });

  it('has columns of one width', () => {
    const lines = report([measured]).split('\n').slice(0, 3);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });
});
