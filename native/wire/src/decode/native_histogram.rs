//! Prometheus' native histograms, made of OTLP's exponential ones.

use varve_columnar::histogram::{HistogramError, SCHEMA_MAX, SCHEMA_MIN};

use super::protobuf_write::{
    push_varint, write_bytes, write_double, write_varint, write_zigzag, zigzag,
};

/// Up to so many empty buckets are written out rather than beginning a new span (Prometheus' own
/// trade).
const GAP_MAX: i64 = 2;

/// The width of the bucket around zero, which OTLP's senders seldom tell (Prometheus' default).
const ZERO_THRESHOLD: f64 = 1e-128;

/// `ResetHint` of what is no counter: a delta that is smaller than the one before is no reset.
const GAUGE: u64 = 3;

/// One side of an OTLP exponential histogram: `counts[i]` is of the bucket `offset + i`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets {
    pub(super) offset: i64,
    pub(super) counts: Vec<u64>,
}

/// An OTLP exponential histogram.
#[derive(Clone, Debug, Default)]
pub(super) struct ExponentialHistogram {
    pub(super) scale: i64,
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) zero_count: u64,
    pub(super) positive: Buckets,
    pub(super) negative: Buckets,
    /// Its values are those since the one before.
    pub(super) is_delta: bool,
}

impl ExponentialHistogram {
    /// `prometheus.Histogram` in protobuf: scales over 8 are brought down to 8, counter resets are
    /// left to be found by whoever reads. `start_unix_ms`: since when it counts, or 0.
    pub(super) fn to_prometheus(
        &self,
        start_unix_ms: i64,
        time_unix_ms: i64,
    ) -> Result<Vec<u8>, HistogramError> {
        if self.scale < i64::from(SCHEMA_MIN) {
            return Err("its scale is below -4");
        }
        let scale_down = (self.scale - i64::from(SCHEMA_MAX)).max(0);
        let mut out = Vec::new();
        write_varint(&mut out, 1, self.count);
        write_double(&mut out, 3, self.sum);
        write_zigzag(&mut out, 4, self.scale - scale_down);
        write_double(&mut out, 5, ZERO_THRESHOLD);
        write_varint(&mut out, 6, self.zero_count);
        for (buckets, spans_field, deltas_field) in
            [(&self.negative, 8, 9), (&self.positive, 11, 12)]
        {
            let (spans, deltas) = layout(buckets, scale_down);
            for (offset, length) in spans {
                let mut span = Vec::new();
                write_zigzag(&mut span, 1, offset);
                write_varint(&mut span, 2, length);
                write_bytes(&mut out, spans_field, &span);
            }
            let mut packed = Vec::new();
            for delta in deltas {
                push_varint(&mut packed, zigzag(delta));
            }
            if !packed.is_empty() {
                write_bytes(&mut out, deltas_field, &packed);
            }
        }
        if self.is_delta {
            write_varint(&mut out, 14, GAUGE);
        }
        write_varint(&mut out, 15, time_unix_ms as u64);
        if start_unix_ms != 0 {
            write_varint(&mut out, 17, start_unix_ms as u64);
        }
        Ok(out)
    }
}

/// Spans (offset from the end of the one before, length) and the differences of neighbouring counts.
/// Bucket i of OTLP is the range above base^i, bucket i of Prometheus the one up to it: one less.
fn layout(buckets: &Buckets, scale_down: i64) -> (Vec<(i64, u64)>, Vec<i64>) {
    let mut merged: Vec<(i64, u64)> = Vec::new();
    // Shifting by more than all the bits leaves 0 or -1.
    let shift = scale_down.min(63);
    for (index, &count) in (buckets.offset..).zip(&buckets.counts).filter(|(_, count)| **count > 0)
    {
        let index = (index >> shift) + 1;
        match merged.last_mut() {
            Some((last, sum)) if *last == index => *sum = sum.saturating_add(count),
            _ => merged.push((index, count)),
        }
    }
    let (mut spans, mut deltas) = (Vec::<(i64, u64)>::new(), Vec::new());
    let (mut next, mut previous) = (0, 0_i64);
    for (index, count) in merged {
        let gap = index - next;
        match spans.last_mut() {
            Some((_, length)) if gap <= GAP_MAX => {
                *length += gap as u64 + 1;
                for _ in 0..gap {
                    deltas.push(0_i64.wrapping_sub(previous));
                    previous = 0;
                }
            }
            _ => spans.push((gap, 1)),
        }
        deltas.push((count as i64).wrapping_sub(previous));
        previous = count as i64;
        next = index + 1;
    }
    (spans, deltas)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use varve_columnar::{histogram::NativeHistogram, protobuf::Message};

    use super::*;

    fn buckets(offset: i64, counts: &[u64]) -> Buckets {
        Buckets { offset, counts: counts.to_vec() }
    }

    #[test]
    fn small_gaps_are_filled_and_large_ones_begin_a_span() {
        let (spans, deltas) = layout(&buckets(-2, &[0, 3, 0, 0, 5, 0, 0, 0, 1]), 0);
        assert_eq!(spans, [(0, 4), (3, 1)]);
        assert_eq!(deltas, [3, -3, 0, 5, -4]);
    }

    #[test]
    fn finer_buckets_are_merged_into_coarser_ones() {
        let (spans, deltas) = layout(&buckets(0, &[1, 2, 3, 4]), 1);
        assert_eq!((spans, deltas), (vec![(1, 2)], vec![3, 4]));
        assert_eq!(layout(&buckets(-1, &[1, 1]), 63).0, [(0, 2)]);
    }

    proptest! {
        #[test]
        fn what_is_made_of_otlp_passes_the_check(
            scale in -4_i64..20,
            offset in -40_i64..40,
            counts in proptest::collection::vec(0_u64..4, 0..30),
            time_unix_ms in 0_i64..1 << 50,
        ) {
            let positive = buckets(offset, &counts);
            let histogram = ExponentialHistogram { scale, positive, ..Default::default() };
            let bytes = histogram.to_prometheus(0, time_unix_ms).unwrap();
            let read = NativeHistogram::from_protobuf(Message::new(&bytes)).unwrap().unwrap();
            prop_assert_eq!(read.time_unix_ms, time_unix_ms);
            let total: f64 = read.histogram.positive.iter().map(|(_, count)| count).sum();
            prop_assert_eq!(total as u64, counts.iter().sum::<u64>());
        }
    }
}
