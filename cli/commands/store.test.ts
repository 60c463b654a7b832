import { describe, expect, it } from 'vitest';
import type { StoreStatus } from '../../storage/index.ts';
import { showExpired, showStoreStats } from './store.ts';

const views: StoreStatus['views'] = {
  memtableBytes: 2_048,
  memtableRows: 3,
  sealsTotal: 9,
  sealError: null,
  retentionError: null,
  quarantined: 0,
  quarantine: [],
  traceFilterBytes: 0,
  textIndexesDamaged: 0,
  logLost: [],
  compaction: {
    mergesTotal: 2,
    segmentsMergedTotal: 16,
    readBytesTotal: 3 * 1_024 * 1_024,
    writtenBytesTotal: 2 * 1_024 * 1_024,
    error: null,
  },
  freedBytesTotal: 1_024,
  expiredBytesTotal: 512,
  tables: [
    {
      tenant: 'shop',
      table: 'logs',
      segments: 2,
      records: 1_000,
      bytes: 58_000,
      memtableRows: 3,
      memtableBytes: 2_048,
    },
    {
      tenant: 'shop',
      table: 'spans',
      segments: 0,
      records: 0,
      bytes: 0,
      memtableRows: 0,
      memtableBytes: 0,
    },
  ],
  covered: [],
};

const shown = (more: Partial<StoreStatus['views']>): string =>
  showStoreStats({ views: { ...views, ...more } } as StoreStatus);

describe('varve store stats', () => {
  it('shows upkeep, then each tenant and table', () => {
    expect(shown({})).toBe(
      `sealing      9 memtables
compaction   16 segments merged in 2 steps: 3.0 MiB read, 2.0 MiB written
freed        1.0 KiB, of it expired 512 B

tenant  table  segments  records  size      per record  not sealed
shop    logs   2         1000     56.6 KiB  58.0 B      3 rows, 2.0 KiB
shop    spans  0         0        0 B       -           0 rows, 0 B
`,
    );
  });

  it('names what fails and what is damaged', () => {
    const compaction = { ...views.compaction, error: 'the disk has 1 bytes free' };
    const quarantine = ['3 records of logs'];
    const text = shown({
      sealError: 'no space',
      compaction,
      quarantined: 2,
      quarantine,
      textIndexesDamaged: 1,
    });
    expect(text).toContain('sealing      fails: no space\n');
    expect(text).toContain('             fails: the disk has 1 bytes free\n');
    expect(text).toContain('quarantined  2 segments\nmissing      3 records of logs\n');
    expect(text).toContain('damaged      1 text indexes\n');
  });
});

describe('varve store retention', () => {
  it('shows what would go, and how much that is', () => {
    const whole = { segments: 3, records: 900, bytes: 2_048 };
    const part = { segmentsInPart: 1, recordsInPart: 10, bytesInPart: 1_024 };
    expect(showExpired([{ tenant: 'shop', table: 'logs', ...whole, ...part }])).toBe(
      `tenant  table  segments  records  size     in part  records  size
shop    logs   3         900      2.0 KiB  1        10       ~1.0 KiB

about 3.0 KiB in all
`,
    );
  });

  it('says when nothing would', () => {
    expect(showExpired([])).toBe('nothing is old or large enough to go\n');
  });
});
