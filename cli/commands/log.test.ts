import { describe, expect, it } from 'vitest';
import { sound } from '../test-support/sound-status.ts';
import { showHolds, showLogStatus } from './log.ts';

const quorums = 'N = 1 copies, W = 1 before it is acknowledged, R = 1';

describe('varve log status', () => {
  it('shows the journal, then each partition', () => {
    expect(showLogStatus(sound, quorums, 31_000)).toBe(
      `journal     writable
disk        12.0 GiB of 64.0 GiB free at /data/journal, appends need 1.0 GiB
copies      N = 1 copies, W = 1 before it is acknowledged, R = 1
starts      3
files       2, 3.0 MiB
window      0 B of 64.0 MiB wait for the disk
groups      4 of 2.0 KiB on average
retries     2 records were there already; 7 keys are remembered, 0 were forgotten early
seals       30, and 0 records repaired
syncs       4: 500 µs on average, 250 µs the last, 12.3 ms the longest
held by     logs/1 (the oldest file)
follows     views by snapshots: 1283 records of 2.0 KiB behind, the oldest 30 s old

partition  epoch  tail    trimmed to  held records  bytes    oldest  held by
logs/1     3      3:1200  2:17        1283          2.0 KiB  30 s    views
spans/0    3      3:0     3:0         0             0 B      -       -
`,
    );
  });

  it('says of who follows the log that it has all', () => {
    const tail = { name: 'copy', kind: 'subscription', lagRecords: 0, lagBytes: 0, oldestMs: null } as const;
    const journal = { ...sound.journal, followers: [tail] };
    const shown = showLogStatus({ ...sound, journal }, quorums, 0);
    expect(shown).toContain('follows     copy by subscriptions: has all\n');
  });

  it('says from when on appends are taken again on a disk that is nearly full', () => {
    const disk = { ...sound.journal.disk, freeBytes: 900 * 1_024 ** 2, resumeBytes: 1_280 * 1_024 ** 2 };
    const shown = showLogStatus({ ...sound, journal: { ...sound.journal, disk } }, quorums, 0);
    expect(shown).toContain('journal     disk full: appends are refused until 1.3 GiB are free\n');
    expect(shown).toContain(
      'disk        900.0 MiB of 64.0 GiB free at /data/journal, appends need 1.0 GiB\n',
    );
  });

  it('says what the start cut, and what holds keep', () => {
    const kept = { ...hold('copy', { places: { 'logs/1': '2:17' } }), keptRecords: 5, keptBytes: 3_072 };
    const journal = { ...sound.journal, cutTail: '7.wal, bytes 4096 to 4352: the last group', holds: [kept] };
    const shown = showLogStatus({ ...sound, journal }, quorums, 0);
    expect(shown).toContain('cut tail    7.wal, bytes 4096 to 4352: the last group\n');
    expect(shown).toContain('hold        copy of me.here: logs/1 2:17; 5 records of 3.0 KiB\n');
  });

  it('says why nothing is written or trimmed any more', () => {
    const journal = { ...sound.journal, readOnly: 'fsync of 7.wal failed', trimError: 'no space' };
    const shown = showLogStatus({ ...sound, journal }, quorums, 0);
    expect(shown).toContain('journal     read-only: fsync of 7.wal failed\n');
    expect(shown).toContain('trim fails  no space\n');
  });
});

const hold = (name: string, more: { expired?: boolean; places?: Record<string, string> }) => ({
  name,
  owner: 'me.here',
  setAtMs: 1_000,
  maxAgeMs: 3_600_000,
  expired: false,
  places: {},
  keptRecords: 0,
  keptBytes: 0,
  oldestKeptMs: null,
  ...more,
});

describe('varve log holds', () => {
  it('shows whom to ask, how long it holds yet and from where on', () => {
    const places = { 'logs/0': '1:4', 'logs/1': '1:0', 'spans/0': '2:0', 'spans/1': '1:0', 'spans/2': '1:0' };
    const all = [hold('copy', { places }), hold('slow', { expired: true })];
    expect(showHolds(all, 601_000)).toBe(
      `hold  owner    holds for             from
copy  me.here  50 min                logs/0 1:4, logs/1 1:0, spans/0 2:0, spans/1 1:0, and 1 more
slow  me.here  expired after 60 min  -
`,
    );
  });

  it('says when there are none', () => {
    expect(showHolds([], 0)).toBe('nobody holds the log\n');
  });

  it('are told by varve log status, too', () => {
    const journal = { ...sound.journal, holds: [hold('copy', { places: { 'logs/0': '1:4' } })] };
    expect(showLogStatus({ ...sound, journal }, quorums, 0)).toContain(
      'hold        copy of me.here: logs/0 1:4; 0 records of 0 B\n',
    );
  });
});
