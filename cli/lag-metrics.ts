import type { StoreStatus } from '../storage/index.ts';
import { ageOf, type Metric, type Point } from './status-metric.ts';

const ofHolds =
  (value: (hold: StoreStatus['journal']['holds'][number]) => number) =>
  ({ journal }: StoreStatus): readonly Point[] =>
    journal.holds.map((each) => ({ labels: { hold: each.name }, value: value(each) }));

const ofFollowers =
  (value: (follower: StoreStatus['journal']['followers'][number]) => number) =>
  ({ journal }: StoreStatus): readonly Point[] =>
    journal.followers.map((each) => ({
      labels: { follower: each.name, kind: each.kind },
      value: value(each),
    }));

/** How far behind the log those are who hold or follow it, each by its name. */
export const lagMetrics: readonly Metric[] = [
  {
    name: 'varve_log_hold_age_seconds',
    help: 'How long ago a hold was set; log.hold_max_age is the most.',
    labels: ['hold'],
    read: ofHolds(({ setAtMs }) => ageOf(setAtMs)),
  },
  {
    name: 'varve_log_hold_expired',
    help: '1 for a hold that grew older than it may and keeps nothing any more, 0 for one that holds.',
    labels: ['hold'],
    read: ofHolds(({ expired }) => (expired ? 1 : 0)),
  },
  {
    name: 'varve_log_hold_kept_records',
    help: 'Records from the places of a hold to the tails.',
    labels: ['hold'],
    read: ofHolds(({ keptRecords }) => keptRecords),
  },
  {
    name: 'varve_log_hold_kept_bytes',
    help: 'Their payloads.',
    labels: ['hold'],
    read: ofHolds(({ keptBytes }) => keptBytes),
  },
  {
    name: 'varve_log_hold_kept_age_seconds',
    help: 'How long ago the oldest of them was appended; 0 where there is none.',
    labels: ['hold'],
    read: ofHolds(({ oldestKeptMs }) => ageOf(oldestKeptMs)),
  },
  {
    name: 'varve_log_follower_lag_records',
    help: 'Records that who follows the log has not dealt with: by snapshots, as views do, or by a subscription.',
    labels: ['follower', 'kind'],
    read: ofFollowers(({ lagRecords }) => lagRecords),
  },
  {
    name: 'varve_log_follower_lag_bytes',
    help: 'Their payloads.',
    labels: ['follower', 'kind'],
    read: ofFollowers(({ lagBytes }) => lagBytes),
  },
  {
    name: 'varve_log_follower_lag_seconds',
    help: 'How long ago the oldest of them was appended; 0 where there is none.',
    labels: ['follower', 'kind'],
    read: ofFollowers(({ oldestMs }) => ageOf(oldestMs)),
  },
];
