//! Prometheus' native histograms: what `prometheus.Histogram` says, buckets by their index.

mod codec;

pub use codec::TimedHistogram;

/// The schemas whose bucket bounds are powers of `2^(2^-schema)`.
pub const SCHEMA_MIN: i32 = -4;
/// The finest one that is kept; finer ones are brought down to it.
pub const SCHEMA_MAX: i32 = 8;
/// The schema of histograms with bounds of their own.
pub const SCHEMA_CUSTOM: i32 = -53;

/// The bits of the sum of a histogram that ends its series.
pub const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// What is known of a counter reset between the histogram before and this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResetHint {
    /// Nothing: compare.
    #[default]
    Unknown,
    /// There was one.
    Reset,
    /// There was none.
    NotReset,
    /// It is no counter.
    Gauge,
}

/// Buckets that hold something: index and count, ascending by index.
pub type Buckets = Vec<(i32, f64)>;

/// A native histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NativeHistogram {
    /// Whether a counter began anew.
    pub reset: ResetHint,
    /// [`SCHEMA_MIN`] to [`SCHEMA_MAX`], or [`SCHEMA_CUSTOM`].
    pub schema: i32,
    /// Half the width of the bucket around zero.
    pub zero_threshold: f64,
    /// Observations in it.
    pub zero_count: f64,
    /// All observations, those that are NaN too.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// Above zero; of custom bounds, all buckets.
    pub positive: Buckets,
    /// Below zero.
    pub negative: Buckets,
    /// Upper bounds, ascending, without the infinite one; empty unless the schema is custom.
    pub custom_bounds: Vec<f64>,
    /// When the counter began, in milliseconds since the epoch; 0 = not told.
    pub start_ms: i64,
}

/// One bucket with its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Its lower bound.
    pub lower: f64,
    /// Its upper bound.
    pub upper: f64,
    /// Whether the lower bound belongs to it.
    pub lower_inclusive: bool,
    /// Whether the upper bound belongs to it.
    pub upper_inclusive: bool,
    /// Observations in it.
    pub count: f64,
}

/// What a histogram breaks.
pub type HistogramError = &'static str;

impl NativeHistogram {
    /// Whether it ends its series.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.sum.to_bits() == STALE_BITS
    }

    /// Whether its bounds are its own.
    #[must_use]
    pub fn has_custom_bounds(&self) -> bool {
        self.schema == SCHEMA_CUSTOM
    }

    /// The buckets that hold something, ascending by bounds.
    #[must_use]
    pub fn buckets(&self) -> Vec<Bucket> {
        let mut all = Vec::with_capacity(self.negative.len() + self.positive.len() + 1);
        let edge = self.zero_threshold;
        for &(index, count) in self.negative.iter().rev() {
            let (near, far) = self.bounds_of(index);
            // The bucket around zero may have grown over a part of it.
            let near = if near < edge { edge } else { near };
            all.push(Bucket {
                lower: -far,
                upper: -near,
                lower_inclusive: true,
                upper_inclusive: false,
                count,
            });
        }
        // Prometheus shows no bucket around zero that holds less than nothing.
        if self.zero_count > 0.0 {
            all.push(Bucket {
                lower: -edge,
                upper: edge,
                lower_inclusive: true,
                upper_inclusive: true,
                count: self.zero_count,
            });
        }
        for &(index, count) in &self.positive {
            let (lower, upper) = self.bounds_of(index);
            let lower = if lower > 0.0 && lower < edge { edge } else { lower };
            let lower_inclusive = self.has_custom_bounds() && lower == f64::NEG_INFINITY;
            all.push(Bucket { lower, upper, lower_inclusive, upper_inclusive: true, count });
        }
        all
    }

    /// Lower and upper bound of the bucket of this index, above zero.
    #[must_use]
    pub fn bounds_of(&self, index: i32) -> (f64, f64) {
        if self.has_custom_bounds() {
            let bound = |at: i32, beyond: f64| {
                usize::try_from(at)
                    .ok()
                    .and_then(|at| self.custom_bounds.get(at))
                    .copied()
                    .unwrap_or(beyond)
            };
            return (bound(index - 1, f64::NEG_INFINITY), bound(index, f64::INFINITY));
        }
        (exponential_bound(index - 1, self.schema), exponential_bound(index, self.schema))
    }

    /// The same with coarser buckets.
    pub fn reduce_to(&mut self, schema: i32) {
        if self.has_custom_bounds() || schema >= self.schema {
            return;
        }
        let shift = (self.schema - schema).min(31) as u32;
        self.positive = merged(&self.positive, shift);
        self.negative = merged(&self.negative, shift);
        self.schema = schema;
    }
}

/// The upper bound of a bucket of an exponential schema: `2^(index · 2^-schema)`.
#[must_use]
pub fn exponential_bound(index: i32, schema: i32) -> f64 {
    let (whole, part) = if schema < 0 {
        ((i64::from(index)) << schema.unsigned_abs().min(31), 0.0)
    } else {
        let shift = schema.min(31) as u32;
        let parts = 1_i64 << shift;
        let rest = i64::from(index).rem_euclid(parts);
        (i64::from(index) >> shift, rest as f64 / parts as f64)
    };
    if whole == 1024 && part == 0.0 {
        // The largest bucket ends with the largest number, not with infinity.
        return f64::MAX;
    }
    let exponent = i32::try_from(whole.clamp(-1_100, 1_100)).unwrap_or(0);
    // In two steps, as 2^-1074 is no product of a normal power and a factor.
    part.exp2() * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2)
}

fn merged(buckets: &Buckets, shift: u32) -> Buckets {
    let mut out = Buckets::with_capacity(buckets.len());
    for &(index, count) in buckets {
        let index = ((index - 1) >> shift) + 1;
        match out.last_mut() {
            Some((last, sum)) if *last == index => *sum += count,
            _ => out.push((index, count)),
        }
    }
    out
}

#[cfg(test)]
mod tests;
