use proptest::prelude::*;

use super::*;

const MIB: u64 = 1 << 20;
const DAY_MS: i64 = 24 * 3_600_000;
const NOW_MS: i64 = 100 * DAY_MS;

fn rules() -> Rules {
    Rules {
        segment_size_bytes: 256 * MIB,
        segments_min: 8,
        window: Window::new(Table::Samples, DAY_MS as u64),
        now_ms: NOW_MS,
        quiet_ms: 30 * 60_000,
    }
}

/// A segment of the day `day`, sealed now.
fn segment(size_bytes: u64, day: i64) -> Candidate {
    let times = (day * DAY_MS, day * DAY_MS + 10);
    Candidate { size_bytes, rows: 10, times, sealed_at_ms: NOW_MS, is_free: true }
}

#[test]
fn a_few_small_segments_of_today_are_left_alone() {
    assert_eq!(next_job(&[segment(MIB, 100); 7], &rules()), None);
}

#[test]
fn enough_small_segments_become_one() {
    assert_eq!(next_job(&[segment(MIB, 100); 8], &rules()), Some((0..8).collect()));
}

#[test]
fn segments_much_larger_are_not_written_again_for_small_ones() {
    let mut segments = vec![segment(100 * MIB, 100)];
    segments.extend([segment(MIB, 100); 8]);
    assert_eq!(next_job(&segments, &rules()), Some((1..9).collect()));
}

#[test]
fn three_that_make_half_of_the_largest_size_are_enough() {
    assert_eq!(next_job(&[segment(60 * MIB, 100); 3], &rules()), Some(vec![0, 1, 2]));
}

#[test]
fn segments_of_half_the_largest_size_are_done() {
    assert_eq!(next_job(&[segment(128 * MIB, 99); 9], &rules()), None);
}

#[test]
fn what_is_left_of_a_day_is_merged_once_it_is_quiet() {
    let mut segments = [segment(MIB, 98); 3];
    assert_eq!(next_job(&segments, &rules()), None);
    for segment in &mut segments {
        segment.sealed_at_ms = NOW_MS - 31 * 60_000;
    }
    assert_eq!(next_job(&segments, &rules()), Some(vec![0, 1, 2]));
}

#[test]
fn a_segment_of_two_days_is_taken_apart_once_they_are_quiet() {
    let mut one = segment(200 * MIB, 97);
    one.times.1 += DAY_MS;
    assert_eq!(next_job(&[one], &rules()), None);
    one.sealed_at_ms = 0;
    assert_eq!(next_job(&[one], &rules()), Some(vec![0]));
}

#[test]
fn a_segment_that_failed_is_left_out() {
    let mut segments = [segment(MIB, 100); 8];
    segments[3].is_free = false;
    assert_eq!(next_job(&segments, &rules()), None);
}

#[test]
fn metadata_has_one_window() {
    let rules = Rules { window: Window::new(Table::Metadata, 1), ..rules() };
    let segments = [Candidate { times: (0, 0), ..segment(1, 0) }; 8];
    assert_eq!(next_job(&segments, &rules), Some((0..8).collect()));
}

proptest! {
    /// Whatever is merged, no segment is moved over another that has rows of its times.
    #[test]
    fn the_order_of_overlapping_segments_is_kept(
        segments in prop::collection::vec((1u64..200, 95i64..102, 0i64..3, any::<bool>()), 1..60),
    ) {
        let segments: Vec<Candidate> = segments
            .into_iter()
            .map(|(mib, day, days, is_free)| {
                let mut one = segment(mib * MIB, day);
                one.times.1 += days * DAY_MS;
                Candidate { is_free, sealed_at_ms: 0, ..one }
            })
            .collect();
        let Some(job) = next_job(&segments, &rules()) else { return Ok(()) };
        prop_assert!(job.is_sorted_by(|a, b| a < b) && job.iter().all(|&at| segments[at].is_free));
        let apart = |a: usize, b: usize| are_apart(segments[a].times, segments[b].times);
        for &moved in &job {
            for over in (job[0]..moved).filter(|over| !job.contains(over)) {
                prop_assert!(apart(moved, over), "{moved} is moved over {over}");
            }
        }
        prop_assert!(job.len() == 1 || bytes_of(&segments, &job) <= 256 * MIB);
    }

    #[test]
    fn ranges_cover_all_times_once_and_begin_where_windows_do(
        first in -40 * DAY_MS..40 * DAY_MS, length in 0i64..3_000 * DAY_MS,
    ) {
        let ranges = rules().window.ranges((first, first + length));
        prop_assert!(ranges.len() <= OUTPUTS_MAX as usize);
        prop_assert!(ranges.first().unwrap().contains(&first));
        prop_assert!(ranges.last().unwrap().contains(&(first + length)));
        for pair in ranges.windows(2) {
            prop_assert_eq!(pair[0].end() + 1, *pair[1].start());
            prop_assert_eq!(pair[1].start() % DAY_MS, 0);
        }
    }
}
