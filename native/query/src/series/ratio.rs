//! `limit_ratio`: a part of the series, the same ones in every query.

use twox_hash::XxHash64;
use varve_columnar::labels::LabelSet;

use super::{
    annotations,
    eval::Evaluator,
    value::{Value, Vector},
};
use crate::error::QueryError;

/// Keeps at each step the series whose labels' place between 0 and 1 is below the ratio; of a
/// negative one, those whose place is among the last.
pub(super) fn eval<'a>(
    evaluator: &Evaluator<'a, '_>,
    mut vector: Vector<'a>,
    ratios: &[f64],
) -> Result<Value<'a>, QueryError> {
    if ratios.iter().any(|ratio| ratio.is_nan()) {
        return Err(QueryError::invalid("Ratio value is NaN"));
    }
    annotations::bad_ratios(evaluator.context, ratios);
    for series in &mut vector.series {
        let place = place_of(&series.labels);
        for (step, &ratio) in ratios.iter().enumerate() {
            if !stays(place, ratio.clamp(-1.0, 1.0)) {
                series.take_away(step);
            }
        }
    }
    evaluator.vector(vector.series)
}

fn stays(place: f64, ratio: f64) -> bool {
    if ratio >= 0.0 { place < ratio } else { place >= 1.0 + ratio }
}

/// Where labels are between 0 and 1, by the hash that Prometheus has of them: each name and value
/// with its length before it, in one byte or, from 255 on, in four.
fn place_of(labels: &LabelSet) -> f64 {
    let mut bytes = Vec::new();
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        let length = text.len() as u32;
        match u8::try_from(length) {
            Ok(short) if short < u8::MAX => bytes.push(short),
            _ => {
                bytes.push(u8::MAX);
                bytes.extend_from_slice(&length.to_le_bytes()[..3]);
            }
        }
        bytes.extend_from_slice(text.as_bytes());
    }
    XxHash64::oneshot(0, &bytes) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_and_its_complement_share_the_series() {
        for at in 0..100 {
            let name = at.to_string();
            let place = place_of(&LabelSet::new([("a", name.as_str())]));
            assert!((0.0..=1.0).contains(&place));
            assert_ne!(stays(place, 0.3), stays(place, -0.7));
            assert!(stays(place, 1.0) && stays(place, -1.0) && !stays(place, 0.0));
        }
    }
}
