//! Which samples an expression needs, so that each selector is loaded once.

use super::{
    instants::{Lookback, floor_ms, subquery_span},
    samples::{Loaded, load},
};
use crate::{
    context::ExecContext,
    error::QueryError,
    plan::{Edges, Extension, LabelMatcher, SampleSelect, SeriesExpr},
};

/// What tells that a subquery's plan is broken.
pub(super) const SUBQUERY_STEP: &str = "the step of a subquery must be longer than 0";

/// Samples that some selectors need.
struct Request<'e> {
    matchers: &'e [LabelMatcher],
    /// Included.
    from_ms: i64,
    /// Included.
    to_ms: i64,
}

/// The samples of all selectors of an expression.
pub(super) struct LoadedSelectors<'a, 'e> {
    loaded: Vec<(Request<'e>, Loaded<'a>)>,
}

impl<'a, 'e> LoadedSelectors<'a, 'e> {
    /// Loads what the expression needs at steps between the first and the last one.
    pub(super) fn load(
        context: &'a ExecContext,
        expr: &'e SeriesExpr,
        steps_ns: (i64, i64),
    ) -> Result<Self, QueryError> {
        let mut requests = Vec::new();
        collect(expr, steps_ns, &mut requests)?;
        let loaded = joined(requests)
            .into_iter()
            .map(|request| {
                let range_ms = request.from_ms..=request.to_ms;
                let loaded = load(context, request.matchers, range_ms)?;
                Ok((request, loaded))
            })
            .collect::<Result<_, QueryError>>()?;
        Ok(Self { loaded })
    }

    /// The series of a selector, with at least the samples that it needs at these steps.
    ///
    /// # Errors
    ///
    /// Only if the selector was not part of the expression that was loaded.
    pub(super) fn of(
        &self,
        select: &SampleSelect,
        lookback: &Lookback,
        steps_ns: (i64, i64),
    ) -> Result<&Loaded<'a>, QueryError> {
        let need = Request::of(select, lookback, steps_ns);
        let found = self.loaded.iter().find(|(have, _)| {
            have.matchers == need.matchers
                && have.from_ms <= need.from_ms
                && need.to_ms <= have.to_ms
        });
        found.map(|(_, loaded)| loaded).ok_or_else(|| {
            QueryError::invalid("a selector's samples were not loaded before its evaluation")
        })
    }
}

impl<'e> Request<'e> {
    fn of(select: &'e SampleSelect, lookback: &Lookback, (first, last): (i64, i64)) -> Self {
        let (after, _) = lookback.window_ns(first);
        let (_, until) = lookback.window_ns(last);
        let (before_ns, beyond_ns) = select.extension.map_or((0, 0), reach);
        let from_ms = floor_ms(after.saturating_sub(before_ns)).saturating_add(1);
        let to_ms = floor_ms(until.saturating_add(beyond_ns)).max(from_ms);
        Self { matchers: &select.matchers, from_ms, to_ms }
    }
}

/// How far before and beyond its windows a selector sees samples.
pub(super) fn reach(extension: Extension) -> (i64, i64) {
    let reach = extension.reach.0;
    (reach, if extension.edges == Edges::Smoothed { reach } else { 0 })
}

/// One request for those of the same matchers whose times overlap. Two windows far apart (`x` and
/// `x offset 1w`) stay two, so that the week between them is not loaded.
fn joined(mut requests: Vec<Request<'_>>) -> Vec<Request<'_>> {
    requests.sort_by_key(|request| request.from_ms);
    let mut joined: Vec<Request<'_>> = Vec::with_capacity(requests.len());
    for request in requests {
        let same = joined.iter_mut().find(|have| {
            have.matchers == request.matchers && request.from_ms <= have.to_ms.saturating_add(1)
        });
        match same {
            Some(have) => have.to_ms = have.to_ms.max(request.to_ms),
            None => joined.push(request),
        }
    }
    joined
}

fn collect<'e>(
    expr: &'e SeriesExpr,
    steps_ns: (i64, i64),
    requests: &mut Vec<Request<'e>>,
) -> Result<(), QueryError> {
    let mut each = |exprs: &mut dyn Iterator<Item = &'e SeriesExpr>| {
        for expr in exprs {
            collect(expr, steps_ns, requests)?;
        }
        Ok(())
    };
    match expr {
        SeriesExpr::Number { .. } | SeriesExpr::Text { .. } | SeriesExpr::LogWindow { .. } => {
            Ok(())
        }
        SeriesExpr::Selector { select, lookback, .. } => {
            let lookback = Lookback::of(select, lookback.0);
            requests.push(Request::of(select, &lookback, steps_ns));
            Ok(())
        }
        SeriesExpr::Info { input, select, lookback } => {
            each(&mut std::iter::once(&**input))?;
            let lookback = Lookback::of(select, lookback.0);
            requests.push(Request::of(select, &lookback, steps_ns));
            Ok(())
        }
        SeriesExpr::Window { select, range, args, .. } => {
            each(&mut args.iter())?;
            requests.push(Request::of(select, &Lookback::of(select, range.0), steps_ns));
            Ok(())
        }
        SeriesExpr::Subquery { input, range, step, offset, at, args, .. } => {
            each(&mut args.iter())?;
            if step.0 <= 0 {
                return Err(QueryError::invalid(SUBQUERY_STEP));
            }
            let lookback = Lookback { offset_ns: offset.0, at: *at, length_ns: range.0 };
            collect(input, subquery_span(&lookback, steps_ns, step.0), requests)
        }
        SeriesExpr::Aggregate { input, param, .. } => {
            each(&mut std::iter::once(&**input).chain(param.as_deref()))
        }
        SeriesExpr::Binary { left, right, .. } => each(&mut [&**left, &**right].into_iter()),
        SeriesExpr::Negate { input }
        | SeriesExpr::LabelReplace { input, .. }
        | SeriesExpr::LabelJoin { input, .. }
        | SeriesExpr::Absent { input, .. } => each(&mut std::iter::once(&**input)),
        SeriesExpr::Call { args, .. } => each(&mut args.iter()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(matchers: &[LabelMatcher], from_ms: i64, to_ms: i64) -> Request<'_> {
        Request { matchers, from_ms, to_ms }
    }

    #[test]
    fn windows_that_overlap_are_loaded_once_and_those_far_apart_are_not_joined() {
        let requests = vec![request(&[], 10, 20), request(&[], 15, 40), request(&[], 1_000, 1_010)];
        let spans: Vec<_> =
            joined(requests).iter().map(|request| (request.from_ms, request.to_ms)).collect();
        assert_eq!(spans, [(10, 40), (1_000, 1_010)]);
    }
}
