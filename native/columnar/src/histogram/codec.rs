//! `prometheus.Histogram` in protobuf, read and written.

use super::{
    Buckets, HistogramError, NativeHistogram, ResetHint, SCHEMA_CUSTOM, SCHEMA_MAX, SCHEMA_MIN,
};
use crate::{
    protobuf::{Field, Message, WireError},
    protobuf_write::{
        push_varint, unzigzag, write_bytes, write_double, write_varint, write_zigzag,
    },
};

/// Finer schemas than this are of no version of the protocol.
const SCHEMA_READABLE_MAX: i64 = 52;

/// A histogram as it stands in a message, with the time that goes with it.
#[derive(Debug, PartialEq)]
pub struct TimedHistogram {
    /// Milliseconds since the epoch.
    pub time_unix_ms: i64,
    /// Checked by Prometheus' rules.
    pub histogram: NativeHistogram,
    /// It was finer than what is kept, and is not any more.
    pub reduced: bool,
}

/// One side as it is sent.
#[derive(Default)]
struct Side {
    /// Offset from the end of the one before, and length.
    spans: Vec<(i64, u64)>,
    counts: Vec<f64>,
    last: i64,
}

impl NativeHistogram {
    /// Reads and checks a `prometheus.Histogram`. The inner error is a rule that it breaks.
    pub fn from_protobuf(
        message: Message<'_>,
    ) -> Result<Result<TimedHistogram, HistogramError>, WireError> {
        let mut histogram = Self::default();
        let (mut schema, mut time_unix_ms) = (0, 0);
        let (mut negative, mut positive) = (Side::default(), Side::default());
        let mut fields = message;
        while let Some((number, field)) = fields.next_field()? {
            match number {
                1 => histogram.count = field.varint(&fields)? as f64,
                2 => histogram.count = field.double(&fields)?,
                3 => histogram.sum = field.double(&fields)?,
                4 => schema = unzigzag(field.varint(&fields)?),
                5 => histogram.zero_threshold = field.double(&fields)?,
                6 => histogram.zero_count = field.varint(&fields)? as f64,
                7 => histogram.zero_count = field.double(&fields)?,
                8 => negative.spans.push(span(field.message(&fields)?)?),
                11 => positive.spans.push(span(field.message(&fields)?)?),
                9 => negative.deltas(field, &fields)?,
                12 => positive.deltas(field, &fields)?,
                10 => negative.floats(field, &fields)?,
                13 => positive.floats(field, &fields)?,
                14 => histogram.reset = reset_hint(field.varint(&fields)?),
                15 => time_unix_ms = field.varint(&fields)? as i64,
                16 => field.each_fixed64(&fields, |bits| {
                    histogram.custom_bounds.push(f64::from_bits(bits));
                })?,
                17 => histogram.start_ms = field.varint(&fields)? as i64,
                _ => {}
            }
        }
        Ok(histogram.complete(schema, negative, positive).map(|reduced| TimedHistogram {
            time_unix_ms,
            histogram,
            reduced,
        }))
    }

    /// Whether it had to be made coarser.
    fn complete(
        &mut self,
        schema: i64,
        negative: Side,
        positive: Side,
    ) -> Result<bool, HistogramError> {
        let is_custom = schema == i64::from(SCHEMA_CUSTOM);
        if !(i64::from(SCHEMA_MIN)..=SCHEMA_READABLE_MAX).contains(&schema) && !is_custom {
            return Err("its schema is not one of -4 to 52 or -53");
        }
        self.schema = schema as i32;
        if is_custom {
            self.check_custom(&negative)?;
        } else if !self.custom_bounds.is_empty() {
            return Err("it has custom bounds but not their schema");
        }
        self.negative = negative.buckets()?;
        self.positive = positive.buckets()?;
        if is_custom {
            let last = self.positive.last().map_or(0, |&(index, _)| index);
            let first = self.positive.first().map_or(0, |&(index, _)| index);
            if first < 0 || last as usize > self.custom_bounds.len() {
                return Err("it has buckets outside of its custom bounds");
            }
        }
        self.check_counts()?;
        let reduced = self.schema > SCHEMA_MAX;
        self.reduce_to(SCHEMA_MAX);
        Ok(reduced)
    }

    fn check_custom(&self, negative: &Side) -> Result<(), HistogramError> {
        if !self.custom_bounds.is_sorted_by(|a, b| a < b) {
            return Err("its custom bounds do not ascend");
        }
        if self.custom_bounds.last() == Some(&f64::INFINITY) {
            return Err("its custom bounds hold +Inf, which goes without saying");
        }
        if self.custom_bounds.iter().any(|bound| bound.is_nan()) {
            return Err("one of its custom bounds is NaN");
        }
        if self.zero_count != 0.0 || self.zero_threshold != 0.0 {
            return Err("it has custom bounds and a zero bucket");
        }
        if !negative.spans.is_empty() || !negative.counts.is_empty() {
            return Err("it has custom bounds and negative buckets");
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), HistogramError> {
        if self.is_stale() {
            return Ok(());
        }
        // Gauges may hold differences, all others numbers of observations.
        let is_gauge = self.reset == ResetHint::Gauge;
        let has_negative =
            self.positive.iter().chain(&self.negative).any(|(_, count)| *count < 0.0);
        if !is_gauge && (has_negative || self.zero_count < 0.0 || self.count < 0.0) {
            return Err("a bucket has a negative count");
        }
        Ok(())
    }

    /// A `prometheus.Histogram` with counts as floats.
    #[must_use]
    pub fn to_protobuf(&self, time_unix_ms: i64) -> Vec<u8> {
        let mut out = Vec::new();
        write_double(&mut out, 2, self.count);
        write_double(&mut out, 3, self.sum);
        write_zigzag(&mut out, 4, i64::from(self.schema));
        write_double(&mut out, 5, self.zero_threshold);
        write_double(&mut out, 7, self.zero_count);
        for (buckets, spans_field, counts_field) in
            [(&self.negative, 8, 10), (&self.positive, 11, 13)]
        {
            write_side(&mut out, buckets, spans_field, counts_field);
        }
        let hint = match self.reset {
            ResetHint::Unknown => 0,
            ResetHint::Reset => 1,
            ResetHint::NotReset => 2,
            ResetHint::Gauge => 3,
        };
        write_varint(&mut out, 14, hint);
        write_varint(&mut out, 15, time_unix_ms as u64);
        write_doubles(&mut out, 16, self.custom_bounds.iter().copied());
        if self.start_ms != 0 {
            write_varint(&mut out, 17, self.start_ms as u64);
        }
        out
    }
}

impl Side {
    fn deltas(&mut self, field: Field<'_>, within: &Message<'_>) -> Result<(), WireError> {
        field.each_varint(within, |delta| {
            self.last = self.last.saturating_add(unzigzag(delta));
            self.counts.push(self.last as f64);
        })
    }

    fn floats(&mut self, field: Field<'_>, within: &Message<'_>) -> Result<(), WireError> {
        field.each_fixed64(within, |bits| self.counts.push(f64::from_bits(bits)))
    }

    fn buckets(self) -> Result<Buckets, HistogramError> {
        let lengths = self.spans.iter().map(|(_, length)| *length);
        // Counted before anything is made of it: a span's length is only a claim.
        if lengths.fold(0, u64::saturating_add) != self.counts.len() as u64 {
            return Err("its spans and its buckets differ in number");
        }
        let mut buckets = Buckets::with_capacity(self.counts.len());
        let mut counts = self.counts.into_iter();
        let mut next = 0_i64;
        for (at, (offset, length)) in self.spans.into_iter().enumerate() {
            if at > 0 && offset < 0 {
                return Err("a span begins before the one before it ends");
            }
            next = next.saturating_add(offset);
            for count in counts.by_ref().take(length as usize) {
                let Ok(index) = i32::try_from(next) else {
                    return Err("a bucket's index has more than 32 bits");
                };
                if count != 0.0 {
                    buckets.push((index, count));
                }
                next += 1;
            }
        }
        Ok(buckets)
    }
}

fn span(mut message: Message<'_>) -> Result<(i64, u64), WireError> {
    let (mut offset, mut length) = (0, 0);
    while let Some((number, field)) = message.next_field()? {
        match number {
            1 => offset = i64::from(unzigzag(u64::from(field.varint(&message)? as u32)) as i32),
            2 => length = u64::from(field.varint(&message)? as u32),
            _ => {}
        }
    }
    Ok((offset, length))
}

fn reset_hint(number: u64) -> ResetHint {
    match number {
        1 => ResetHint::Reset,
        2 => ResetHint::NotReset,
        3 => ResetHint::Gauge,
        _ => ResetHint::Unknown,
    }
}

fn write_side(out: &mut Vec<u8>, buckets: &Buckets, spans_field: u32, counts_field: u32) {
    let mut next = 0_i64;
    for run in buckets.chunk_by(|a, b| a.0 + 1 == b.0) {
        let Some(&(first, _)) = run.first() else { continue };
        let mut span = Vec::new();
        write_zigzag(&mut span, 1, i64::from(first) - next);
        write_varint(&mut span, 2, run.len() as u64);
        write_bytes(out, spans_field, &span);
        next = i64::from(first) + run.len() as i64;
    }
    write_doubles(out, counts_field, buckets.iter().map(|&(_, count)| count));
}

fn write_doubles(out: &mut Vec<u8>, number: u32, values: impl ExactSizeIterator<Item = f64>) {
    if values.len() == 0 {
        return;
    }
    push_varint(out, u64::from(number << 3 | 2));
    push_varint(out, values.len() as u64 * 8);
    for value in values {
        out.extend_from_slice(&value.to_bits().to_le_bytes());
    }
}
