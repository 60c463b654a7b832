import { describe, expect, it } from 'vitest';
import type { StoreStatus } from '../../storage/index.ts';
import { showHolds, showLogStatus } from './log.ts';

const sound: StoreStatus = {
  tenants: [],
  journal: {
    incarnation: 3,
    files: 2,
    bytes: 3 * 1_024 * 1_024,
    disk: {
      folder: '/data/journal',
      freeBytes: 12 * 1_024 ** 3,
      totalBytes: 64 * 1_024 ** 3,
      minBytes: 1_024 ** 3,
      resumeBytes: null,
    },
    waitingBytes: 0,
    waitingMaxBytes: 64 * 1_024 * 1_024,
    oldestFileHeldBy: ['logs/1'],
    groupsTotal: 4,
    groupBytesTotal: 8_192,
    recordsTotal: 9,
    duplicatesTotal: 2,
    keysRemembered: 7,
    syncsTotal: 4,
    syncUsTotal: 2_000,
    lastSyncUs: 250,
    maxSyncUs: 12_300,
    readOnly: null,
    trimError: null,
    damages: [],
    damagesTotal: 0,
    partitions: [
      { partition: 'logs/1', tail: '3:1200', trimPoint: '2:17', heldRecords: 1_283, heldBy: 'views' },
      { partition: 'spans/0', tail: '3:0', trimPoint: '3:0', heldRecords: 0, heldBy: null },
    ],
    holds: [],
  },
  views: {
    memtableBytes: 0,
    memtableRows: 0,
    sealsTotal: 0,
    sealError: null,
    quarantined: 0,
    quarantine: [],
    traceFilterBytes: 0,
    logLost: [],
    textIndexesDamaged: 0,
    compaction: {
      mergesTotal: 0,
      segmentsMergedTotal: 0,
      readBytesTotal: 0,
      writtenBytesTotal: 0,
      error: null,
    },
    freedBytesTotal: 0,
    expiredBytesTotal: 0,
    tables: [],
    covered: [],
  },
};

describe('varve log status', () => {
  it('shows the journal, then each partition', () => {
    expect(showLogStatus(sound)).toBe(
      `journal     writable
disk        12.0 GiB of 64.0 GiB free at /data/journal, appends need 1.0 GiB
starts      3
files       2, 3.0 MiB
window      0 B of 64.0 MiB wait for the disk
groups      4 of 2.0 KiB on average
retries     2 records were there already; 7 keys are remembered
syncs       4: 500 µs on average, 250 µs the last, 12.3 ms the longest
held by     logs/1 (the oldest file)

partition  tail    trimmed to  held records  held by
logs/1     3:1200  2:17        1283          views
spans/0    3:0     3:0         0             -
`,
    );
  });

  it('says from when on appends are taken again on a disk that is nearly full', () => {
    const disk = { ...sound.journal.disk, freeBytes: 900 * 1_024 ** 2, resumeBytes: 1_280 * 1_024 ** 2 };
    const shown = showLogStatus({ ...sound, journal: { ...sound.journal, disk } });
    expect(shown).toContain('journal     disk full: appends are refused until 1.3 GiB are free\n');
    expect(shown).toContain(
      'disk        900.0 MiB of 64.0 GiB free at /data/journal, appends need 1.0 GiB\n',
    );
  });

  it('says why nothing is written or trimmed any more', () => {
    const journal = { ...sound.journal, readOnly: 'fsync of 7.wal failed', trimError: 'no space' };
    const shown = showLogStatus({ ...sound, journal });
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
    expect(showLogStatus({ ...sound, journal })).toContain('hold        copy of me.here: logs/0 1:4\n');
  });
});
