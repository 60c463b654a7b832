import type { Config } from './schema.ts';

type Log = Config['log'];

/** Copies and quorums of one log on a number of stores (log-core, section 1). */
export interface Replication {
  /** n: stores that may hold a record. */
  readonly stores: number;
  /** N: copies of each record. */
  readonly copies: number;
  /** W: durable copies before a record is acknowledged. */
  readonly writeQuorum: number;
  /** R */
  readonly readQuorum: number;
}

/** What a log stands, and what a read shows. */
export interface Guarantees {
  /** Stores that may be lost for good without losing an acknowledged record: W - 1. */
  readonly lostStoresMax: number;
  /** Stores that may be down while appends go on: n - W. */
  readonly downWhileAppending: number;
  /** Stores that may be down while a leader is replaced: W - 1, as n - W + 1 of them must answer. */
  readonly downWhileReplacing: number;
  /** What a read of the tail that does not go through the leader shows. */
  readonly leaderlessRead: 'strong' | 'read-your-writes' | 'eventual';
}

/** The settings on so many stores: there are never more copies than stores. */
export function replicationOn(stores: number, log: Log): Replication {
  const copies = Math.min(log.replication_factor, stores);
  const within = (quorum: number) => Math.min(quorum, copies);
  return { stores, copies, writeQuorum: within(log.write_quorum), readQuorum: within(log.read_quorum) };
}

export function guaranteesOf({ stores, copies, writeQuorum, readQuorum }: Replication): Guarantees {
  return {
    lostStoresMax: writeQuorum - 1,
    downWhileAppending: stores - writeQuorum,
    downWhileReplacing: writeQuorum - 1,
    leaderlessRead:
      readQuorum + writeQuorum > copies
        ? 'strong'
        : readQuorum + writeQuorum === copies
          ? 'read-your-writes'
          : 'eventual',
  };
}

/** What is wrong with the settings together, and what this version does not do yet. */
export function replicationProblems(log: Log): string[] {
  const problems: string[] = [];
  const over = (setting: 'write_quorum' | 'read_quorum') => {
    if (log[setting] > log.replication_factor) {
      problems.push(
        `log.${setting} is ${log[setting]}, over log.replication_factor = ${log.replication_factor}; lower it`,
      );
    }
  };
  over('write_quorum');
  over('read_quorum');
  if (log.copyset_strategy === 'record') {
    problems.push(
      "log.copyset_strategy is 'record', which needs several nodes; this version runs one, set it to 'partition'",
    );
  }
  if (!log.leader_stores_data) {
    problems.push(
      'log.leader_stores_data is false, but this version runs one node, which must store what it leads; set it to true',
    );
  }
  return problems;
}

/** For `varve config check`: what the settings mean on this node alone, and on as many nodes as they ask for. */
export function showReplication(log: Log): string {
  const alone = replicationOn(1, log);
  const lines = [
    `log on one node: ${quorums(alone)}${log.replication_factor > 1 ? `; log.replication_factor = ${log.replication_factor} counts once there are more nodes` : ''}`,
    ...show(alone),
  ];
  if (log.replication_factor > 1) {
    const asked = replicationOn(log.replication_factor, log);
    lines.push(`log on ${asked.stores} nodes: ${quorums(asked)}`, ...show(asked));
  }
  return `${lines.join('\n')}\n`;
}

/** What holds on this node, for `varve log status` and the line that a start logs. */
export function showQuorums(log: Log): string {
  return quorums(replicationOn(1, log));
}

function quorums({ copies, writeQuorum, readQuorum }: Replication): string {
  return `N = ${copies} copies, W = ${writeQuorum} before it is acknowledged, R = ${readQuorum}`;
}

function show(replication: Replication): string[] {
  const { lostStoresMax, downWhileAppending, downWhileReplacing, leaderlessRead } = guaranteesOf(replication);
  return [
    `  stores that may be lost without losing an acknowledged record: ${lostStoresMax}`,
    `  stores that may be down while appends go on: ${downWhileAppending}`,
    `  stores that may be down while a leader is replaced: ${downWhileReplacing}`,
    `  a read that does not go through the leader: ${leaderlessRead}`,
  ];
}
