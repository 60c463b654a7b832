//! What the filters of segments can tell of label filters on structured metadata.

use varve_columnar::labels::LabelSet;
use varve_types::shown_id;
use varve_view::Wanted;

use crate::plan::{LabelFilterExpr, LabelMatcher, MatchOp, Stage};

/// What every row has that stays, if its stream has none of these labels.
#[derive(Debug, Default)]
pub(super) struct WantedMetadata {
    /// `None`: nothing that filters know.
    pub(super) wanted: Option<Wanted>,
    /// Labels that are structured metadata only where the stream has none that is called so.
    names: Vec<String>,
}

impl WantedMetadata {
    /// What the first stages ask for: those before any that makes or takes labels.
    pub(super) fn of(stages: &[Stage]) -> Self {
        let mut all = Self::default();
        let mut parts = Vec::new();
        for stage in stages {
            match stage {
                Stage::LineFilter { .. } | Stage::Decolorize | Stage::LineFormat { .. } => {}
                Stage::LabelFilter { expr } => parts.extend(all.add(expr)),
                _ => break,
            }
        }
        all.wanted = Some(parts).filter(|parts| !parts.is_empty()).map(Wanted::All);
        all
    }

    /// Whether it can be told of the rows of a stream.
    pub(super) fn is_told_of(&self, stream: &LabelSet) -> bool {
        !self.names.iter().any(|name| stream.contains(name))
    }

    fn add(&mut self, expr: &LabelFilterExpr) -> Option<Wanted> {
        match expr {
            LabelFilterExpr::And { left, right } => match (self.add(left), self.add(right)) {
                (Some(left), Some(right)) => Some(Wanted::All(vec![left, right])),
                (left, right) => left.or(right),
            },
            LabelFilterExpr::Or { left, right } => {
                let (left, right) = (self.add(left), self.add(right));
                Some(Wanted::Any(vec![left?, right?]))
            }
            LabelFilterExpr::Text { matcher: LabelMatcher { name, op: MatchOp::Equal, value } }
                if !value.is_empty() =>
            {
                self.names.push(name.clone());
                let (name, value) = (name.clone(), value.clone());
                // An attribute may be called as a column is.
                let of_column = match name.as_str() {
                    "trace_id" => shown_id(&value).map(Wanted::TraceId),
                    "span_id" => shown_id(&value).map(Wanted::SpanId),
                    _ => None,
                };
                let of_attribute = Wanted::Attribute { name, value };
                let each = of_column.into_iter().chain([of_attribute]);
                Some(Wanted::Any(each.collect()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(stages: serde_json::Value) -> WantedMetadata {
        WantedMetadata::of(&serde_json::from_value::<Vec<Stage>>(stages).unwrap())
    }

    fn equal(name: &str, value: &str) -> serde_json::Value {
        let matcher = json!({ "name": name, "op": "=", "value": value });
        json!({ "stage": "labelFilter", "expr": { "kind": "text", "matcher": matcher } })
    }

    #[test]
    fn ids_may_be_in_their_columns_or_in_attributes_of_their_name() {
        let wanted = of(json!([equal("span_id", "00000000000000ff")])).wanted;
        let attribute =
            Wanted::Attribute { name: "span_id".into(), value: "00000000000000ff".into() };
        let span = Wanted::SpanId([0, 0, 0, 0, 0, 0, 0, 255]);
        assert_eq!(wanted, Some(Wanted::All(vec![Wanted::Any(vec![span, attribute])])));
    }

    #[test]
    fn stages_behind_one_that_makes_labels_say_nothing() {
        let logfmt = json!({ "stage": "parse", "parser": { "kind": "logfmt", "strict": false, "keepEmpty": false, "expressions": [] } });
        assert_eq!(of(json!([logfmt, equal("user", "ada")])).wanted, None);
        assert!(of(json!([equal("user", "ada"), logfmt])).wanted.is_some());
        assert_eq!(of(json!([equal("user", "")])).wanted, None);
    }

    #[test]
    fn a_label_of_the_stream_stands_before_structured_metadata() {
        let wanted = of(json!([equal("user", "ada")]));
        assert!(wanted.is_told_of(&LabelSet::new([("app", "shop")])));
        assert!(!wanted.is_told_of(&LabelSet::new([("user", "eve")])));
    }
}
