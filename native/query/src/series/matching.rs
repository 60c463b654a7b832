//! How series of both sides of an operator find each other, and the operators that need no more:
//! `and`, `or`, `unless`.

use varve_columnar::labels::LabelSet;

use super::value::{EvalSeries, LabelGroups, NAME, SAME_LABELS, Vector, merge_same_labels};
use crate::{
    error::QueryError,
    plan::{BinaryOp, Matching},
};

/// The labels by which series of both sides find each other.
fn signature(labels: &LabelSet, matching: &Matching) -> LabelSet {
    let mut signature = labels.clone();
    let is_named = |name: &str| matching.labels.iter().any(|named| named == name);
    if matching.on {
        signature.retain(|name, _| is_named(name));
    } else {
        signature.retain(|name, _| name != NAME && !is_named(name));
    }
    signature
}

/// Both sides by signature.
pub(super) struct Matched {
    pub(super) signatures: Vec<LabelSet>,
    /// By signature: indexes of the left side's series.
    pub(super) left: Vec<Vec<usize>>,
    /// Likewise of the right side's.
    pub(super) right: Vec<Vec<usize>>,
}

impl Matched {
    pub(super) fn of(left: &[EvalSeries], right: &[EvalSeries], matching: &Matching) -> Self {
        let mut groups = LabelGroups::default();
        let mut numbers = |side: &[EvalSeries]| -> Vec<usize> {
            side.iter().map(|one| groups.number_of(signature(&one.labels, matching))).collect()
        };
        let (left, right) = (numbers(left), numbers(right));
        let signatures = groups.into_labels();
        let by_number = |numbers: Vec<usize>| {
            let mut members = vec![Vec::new(); signatures.len()];
            for (at, number) in numbers.into_iter().enumerate() {
                members[number].push(at);
            }
            members
        };
        Self { left: by_number(left), right: by_number(right), signatures }
    }
}

/// `and`, `or`, `unless`.
pub(super) fn combine_sets(
    op: BinaryOp,
    left: Vector<'_>,
    right: Vector<'_>,
    matching: &Matching,
) -> Result<Vec<EvalSeries>, QueryError> {
    let matched = Matched::of(&left.series, &right.series, matching);
    // `or` keeps all of the left side and filters the right one, the others the other way round.
    let (mut kept, mut filtered, filtered_members, others, other_members, keep_seen) = match op {
        BinaryOp::Or => {
            let others = left.series.clone();
            (left.series, right.series, &matched.right, others, &matched.left, false)
        }
        _ => (
            Vec::new(),
            left.series,
            &matched.left,
            right.series,
            &matched.right,
            op == BinaryOp::And,
        ),
    };
    for (members, others_here) in filtered_members.iter().zip(other_members) {
        let Some(&first) = members.first() else { continue };
        let mut seen = vec![false; filtered[first].values.len()];
        for &other in others_here {
            for (step, seen) in seen.iter_mut().enumerate() {
                *seen |= others[other].is_present(step);
            }
        }
        for &at in members {
            for (step, &seen) in seen.iter().enumerate() {
                if seen != keep_seen {
                    filtered[at].take_away(step);
                }
            }
        }
    }
    filtered.retain(EvalSeries::has_values);
    kept.append(&mut filtered);
    // At different steps a series may come from different sides.
    merge_same_labels(kept, SAME_LABELS)
}
