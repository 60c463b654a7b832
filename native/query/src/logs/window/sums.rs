//! What a series' rows come to.

use varve_columnar::{answer::ABSENT, labels::LabelSet};

use crate::logs::log_window::LogWindow;
use crate::{logs::samples::Sample, plan::LogWindowFunction};

/// Lines and bytes of one series, as differences from one step to the next: a row is then two
/// additions, in however many windows it is.
pub(super) struct Sums {
    pub(super) labels: LabelSet,
    pub(super) lines: Vec<i64>,
    pub(super) bytes: Vec<i64>,
    /// Instead of both, where values of a label count.
    pub(super) samples: Vec<Sample>,
}

impl Sums {
    /// What it holds, samples apart.
    pub(super) fn size_bytes(&self) -> u64 {
        let numbers = self.lines.len() + self.bytes.len();
        (numbers * size_of::<i64>() + self.labels.held_bytes()) as u64
    }

    pub(super) fn join(&mut self, later: Self) {
        for (sum, more) in self.lines.iter_mut().zip(later.lines) {
            *sum += more;
        }
        for (sum, more) in self.bytes.iter_mut().zip(later.bytes) {
            *sum += more;
        }
        self.samples.extend(later.samples);
    }
}

/// Per step what the rows' differences add up to.
pub(super) fn line_values(window: &LogWindow<'_>, steps: usize, sums: &Sums) -> Vec<f64> {
    let per = match window.function {
        LogWindowFunction::Rate | LogWindowFunction::BytesRate => window.range_ns as f64 / 1e9,
        _ => 1.0,
    };
    let mut held = (0, 0);
    let values = (0..steps).map(|step| {
        held.0 += sums.lines[step];
        held.1 += sums.bytes.get(step).copied().unwrap_or_default();
        let value = if sums.bytes.is_empty() { held.0 } else { held.1 };
        if held.0 == 0 { ABSENT } else { value as f64 / per }
    });
    values.collect()
}
