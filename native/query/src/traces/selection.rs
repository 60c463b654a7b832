//! Some spans of one trace: those that match, and those near them.

use super::{condition::Expr, fields::SpanAt, trace::Trace};
use crate::{error::QueryError, plan::SpanSelection};

/// A compiled [`SpanSelection`].
pub(super) struct Selection {
    condition: Option<Expr>,
    above: Option<u32>,
    below: Option<u32>,
}

impl Selection {
    pub(super) fn compile(selection: &SpanSelection) -> Result<Self, QueryError> {
        let condition = selection.condition.as_ref().map(Expr::compile).transpose()?;
        Ok(Self { condition, above: selection.above, below: selection.below })
    }

    /// Whether each span is selected, by its place.
    pub(super) fn of(&self, trace: &Trace<'_>) -> Vec<bool> {
        let matches = |place| {
            self.condition
                .as_ref()
                .is_none_or(|condition| condition.is_true(SpanAt { trace, place }))
        };
        let mut kept: Vec<bool> = (0..trace.spans.len()).map(matches).collect();
        let seeds: Vec<usize> = (0..kept.len()).filter(|&place| kept[place]).collect();
        let tree = trace.tree();
        if self.above != Some(0) {
            let above = |place| tree.parent(place).into_iter().collect();
            near(&seeds, self.above, above, &mut kept);
        }
        if self.below != Some(0) {
            let children = tree.children();
            near(&seeds, self.below, |place| children[place].clone(), &mut kept);
        }
        kept
    }
}

/// Marks what is at most so many steps from a seed. Level by level: a place is met first on the
/// shortest way, and once only, which also ends walks in a circle.
fn near(
    seeds: &[usize],
    steps_max: Option<u32>,
    next: impl Fn(usize) -> Vec<usize>,
    kept: &mut [bool],
) {
    let mut seen = vec![false; kept.len()];
    let mut level = seeds.to_vec();
    let mut steps = 0;
    while !level.is_empty() && steps_max.is_none_or(|most| steps < most) {
        level = level.into_iter().flat_map(&next).collect();
        level.retain(|&place| !std::mem::replace(&mut seen[place], true));
        for &place in &level {
            kept[place] = true;
        }
        steps += 1;
    }
}
