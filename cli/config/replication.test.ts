import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './load.ts';
import { guaranteesOf, replicationOn, showReplication } from './replication.ts';

const logOf = (flags: Readonly<Record<string, string>> = {}) =>
  loadConfig({ file: undefined, environment: {}, flags: new Map(Object.entries(flags)) }).config.log;

describe('replication', () => {
  it('keeps one copy on one node, whatever is asked for', () => {
    expect(replicationOn(1, logOf())).toEqual({ stores: 1, copies: 1, writeQuorum: 1, readQuorum: 1 });
  });

  it('says what three nodes stand by default', () => {
    expect(guaranteesOf(replicationOn(3, logOf()))).toEqual({
      lostStoresMax: 1,
      downWhileAppending: 1,
      downWhileReplacing: 1,
      leaderlessRead: 'read-your-writes',
    });
  });

  it('never promises that a sealing quorum can miss an acknowledged record', () => {
    const sizes = fc.record({
      stores: fc.integer({ min: 1, max: 7 }),
      asked: fc.integer({ min: 1, max: 7 }),
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 7 }), ({ stores, asked }, quorum) => {
        const log = { ...logOf(), replication_factor: asked, write_quorum: Math.min(quorum, asked) };
        const replication = replicationOn(stores, log);
        const sealing = replication.stores - guaranteesOf(replication).downWhileReplacing;
        expect(sealing + replication.writeQuorum).toBeGreaterThan(replication.stores);
      }),
    );
  });

  it('is shown for one node and for as many as the settings ask for', () => {
    expect(showReplication(logOf())).toBe(
      `log on one node: N = 1 copies, W = 1 before it is acknowledged, R = 1; log.replication_factor = 3 counts once there are more nodes
  stores that may be lost without losing an acknowledged record: 0
  stores that may be down while appends go on: 0
  stores that may be down while a leader is replaced: 0
  a read that does not go through the leader: strong
log on 3 nodes: N = 3 copies, W = 2 before it is acknowledged, R = 1
  stores that may be lost without losing an acknowledged record: 1
  stores that may be down while appends go on: 1
  stores that may be down while a leader is replaced: 1
  a read that does not go through the leader: read-your-writes
`,
    );
  });

  it.each([
    [{ 'log-write-quorum': '4' }, 'log.write_quorum is 4, over log.replication_factor = 3; lower it'],
    [{ 'log-read-quorum': '5' }, 'log.read_quorum is 5, over log.replication_factor = 3; lower it'],
    [{ 'log-copyset-strategy': 'record' }, "log.copyset_strategy is 'record', which needs several nodes"],
    [
      { 'log-leader-stores-data': 'false' },
      'log.leader_stores_data is false, but this version runs one node',
    ],
  ])('refuses %j', (flags, sentence) => {
    expect(() => logOf(flags)).toThrow(sentence);
  });
});
