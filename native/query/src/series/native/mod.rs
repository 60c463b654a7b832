//! Native histograms at steps: arithmetic, functions and aggregations, as Prometheus has them.

mod aggregate;
mod binary;
mod extended;
mod functions;
mod math;
mod quantile;
mod sums;
mod trim;
mod windows;

use std::sync::Arc;

use varve_columnar::histogram::NativeHistogram;

pub(super) use self::{
    aggregate::{aggregate, short_text, value_text},
    binary::{Operand, apply, apply_scalars, fits, set},
    extended::smooth,
    functions::{eval, reads_histograms},
    math::{settle_resets, without_hint},
    quantile::{fraction, quantile},
    windows::{HistogramWindows, newest, within},
};

/// A histogram per step; empty where a series has none at any step.
pub(super) type Histograms = Vec<Option<Arc<NativeHistogram>>>;

/// Histograms with their times in milliseconds, ascending, times distinct.
pub(super) type TimedHistograms = [(i64, Arc<NativeHistogram>)];
