//! Prometheus' native histograms: made of OTLP's exponential ones, and checked as they come.

use super::{
    protobuf::{Field, Message, WireError},
    protobuf_write::{
        push_varint, unzigzag, write_bytes, write_double, write_varint, write_zigzag, zigzag,
    },
};

/// The finest and coarsest exponential schemas.
const SCHEMA_MIN: i64 = -4;
const SCHEMA_MAX: i64 = 8;

/// The schema of histograms with bounds of their own.
const SCHEMA_CUSTOM: i64 = -53;

/// Up to so many empty buckets are written out rather than beginning a new span (Prometheus' own
/// trade).
const GAP_MAX: i64 = 2;

/// The width of the bucket around zero, which OTLP's senders seldom tell (Prometheus' default).
const ZERO_THRESHOLD: f64 = 1e-128;

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
}

/// What a histogram breaks.
pub(super) type HistogramError = &'static str;

impl ExponentialHistogram {
    /// `prometheus.Histogram` in protobuf: scales over 8 are brought down to 8, counter resets are
    /// left to be found by whoever reads.
    pub(super) fn to_prometheus(&self, time_unix_ms: i64) -> Result<Vec<u8>, HistogramError> {
        if self.scale < SCHEMA_MIN {
            return Err("its scale is below -4");
        }
        let scale_down = (self.scale - SCHEMA_MAX).max(0);
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
        write_varint(&mut out, 15, time_unix_ms as u64);
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

/// Checks a `prometheus.Histogram` by Prometheus' rules and gives its time in milliseconds.
pub(super) fn check(message: Message<'_>) -> Result<Result<i64, HistogramError>, WireError> {
    let (mut schema, mut time_unix_ms) = (0, 0);
    let (mut negative, mut positive) = (Side::default(), Side::default());
    let mut fields = message;
    while let Some((number, field)) = fields.next()? {
        match number {
            4 => schema = unzigzag(field.varint(&fields)?),
            8 => negative.span(field.message(&fields)?)?,
            11 => positive.span(field.message(&fields)?)?,
            9 => negative.deltas(field, &fields)?,
            12 => positive.deltas(field, &fields)?,
            10 => negative.counts(field, &fields)?,
            13 => positive.counts(field, &fields)?,
            15 => time_unix_ms = field.varint(&fields)? as i64,
            _ => {}
        }
    }
    if !(SCHEMA_MIN..=SCHEMA_MAX).contains(&schema) && schema != SCHEMA_CUSTOM {
        return Ok(Err("its schema is not one of -4 to 8 or -53"));
    }
    Ok(negative.check().and_then(|()| positive.check()).map(|()| time_unix_ms))
}

/// What is counted of one side while its fields come.
#[derive(Default)]
struct Side {
    spans: u64,
    span_buckets: u64,
    buckets: u64,
    last_count: i64,
    has_negative_offset: bool,
    has_negative_count: bool,
}

impl Side {
    fn span(&mut self, mut message: Message<'_>) -> Result<(), WireError> {
        while let Some((number, field)) = message.next()? {
            match number {
                1 => {
                    let offset = unzigzag(field.varint(&message)?);
                    self.has_negative_offset |= offset < 0 && self.spans > 0;
                }
                2 => {
                    let length = field.varint(&message)?;
                    self.span_buckets = self.span_buckets.saturating_add(length);
                }
                _ => {}
            }
        }
        self.spans += 1;
        Ok(())
    }

    fn deltas(&mut self, field: Field<'_>, within: &Message<'_>) -> Result<(), WireError> {
        field.each_varint(within, |delta| {
            self.buckets += 1;
            self.last_count = self.last_count.saturating_add(unzigzag(delta));
            self.has_negative_count |= self.last_count < 0;
        })
    }

    fn counts(&mut self, field: Field<'_>, within: &Message<'_>) -> Result<(), WireError> {
        field.each_fixed64(within, |count| {
            self.buckets += 1;
            self.has_negative_count |= f64::from_bits(count) < 0.0;
        })
    }

    fn check(&self) -> Result<(), HistogramError> {
        if self.has_negative_offset {
            return Err("a span begins before the one before it ends");
        }
        if self.span_buckets != self.buckets {
            return Err("its spans and its buckets differ in number");
        }
        if self.has_negative_count {
            return Err("a bucket has a negative count");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            let bytes = histogram.to_prometheus(time_unix_ms).unwrap();
            prop_assert_eq!(check(Message::new(&bytes)), Ok(Ok(time_unix_ms)));
        }
    }
}
