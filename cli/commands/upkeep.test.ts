import { describe, expect, it } from 'vitest';
import type { CheckReport, RepairReport } from '../../storage/index.ts';
import { showCheck, showRepair } from './upkeep.ts';

const segment = { id: 1, tenant: 'shop', table: 'logs' };
const sound: CheckReport = { segments: 8, bytes: 2_048, rows: 320, findings: [], isDamaged: false };
const nothing: RepairReport = { segments: 8, repaired: [], lost: [], removed: [] };

describe('varve store check', () => {
  it('says how much it looked at, and that nothing is wrong', () => {
    expect(showCheck(sound, '/data')).toBe('8 segments of 2.0 KiB, 320 rows read: nothing is wrong\n');
    expect(showCheck({ ...sound, rows: 0 }, '/data')).toBe('8 segments of 2.0 KiB: nothing is wrong\n');
  });

  it('has a line for each thing that is wrong: the file, what, and what to do', () => {
    const findings = [
      { path: '/data/segments/1.text', part: 'text', segment, what: 'it is missing', remedy: 'repair it' },
      { path: '/data/segments/2.text', part: 'leftover', segment: null, what: 'unnamed', remedy: 'wait' },
    ] as const;
    expect(showCheck({ ...sound, findings, isDamaged: true }, '/data')).toBe(
      `file             what is wrong  what to do
segments/1.text  it is missing  repair it
segments/2.text  unnamed        wait

8 segments of 2.0 KiB, 320 rows read: 2 found, damage among them
`,
    );
    expect(showCheck({ ...sound, findings: findings.slice(1) }, '/data')).toContain(
      ': 1 left over, nothing is damaged\n',
    );
  });
});

describe('varve store repair', () => {
  const report: RepairReport = {
    segments: 8,
    repaired: [{ path: '/data/segments/1.text', segment, what: 'it is missing', how: 'it is made anew' }],
    lost: [
      {
        tenant: 'shop',
        table: 'logs',
        segment: 3,
        records: 40,
        firstMs: 0,
        lastMs: 1_500,
        what: 'it is short',
        why: 'the log does not have them',
      },
    ],
    removed: ['/data/segments/9.text'],
  };

  it('says what it mended, what is lost, and what it removed', () => {
    expect(showRepair(report, '/data', 'done')).toBe(
      `repaired  segments/1.text: it is missing; it is made anew
lost      40 records of logs of shop from 1970-01-01T00:00:00.000Z to 1970-01-01T00:00:01.500Z, segment 3: it is short; the log does not have them
removed   segments/9.text

8 segments looked at: 1 repaired, 1 lost, 1 files removed
`,
    );
  });

  it('says that a dry run changed nothing', () => {
    expect(showRepair(nothing, '/data', 'wouldBe')).toBe(
      '8 segments looked at: 0 repaired, 0 lost, 0 files removed; nothing was changed, this is what would be\n',
    );
  });
});
