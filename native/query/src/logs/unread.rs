//! Stages of log windows whose work nobody reads.

use crate::plan::{Grouping, LogWindowFunction, Stage};

/// Leaves out what Loki leaves out too, so that it also makes no errors: a line that is written anew and
/// not read again, and labels where rows are counted all together and no stage asks for one.
pub(super) fn leave_out(
    stages: &mut Vec<Stage>,
    function: LogWindowFunction,
    grouping: Option<&Grouping>,
    unwraps: bool,
) {
    let sums_bytes =
        matches!(function, LogWindowFunction::BytesRate | LogWindowFunction::BytesOverTime);
    if !sums_bytes {
        let is_read =
            |stage: &Stage| matches!(stage, Stage::LineFilter { .. } | Stage::Parse { .. });
        let last_read = stages.iter().rposition(is_read).unwrap_or(0);
        let mut at = 0;
        stages.retain(|stage| {
            at += 1;
            at <= last_read || !matches!(stage, Stage::LineFormat { .. })
        });
    }
    let keeps_no_label =
        grouping.is_some_and(|grouping| !grouping.without && grouping.labels.is_empty());
    if keeps_no_label && !unwraps && !stages.iter().any(reads_labels) {
        let is_line_filter =
            |stage: &Stage| matches!(stage, Stage::LineFilter { .. } | Stage::Decolorize);
        stages.retain(is_line_filter);
    }
}

fn reads_labels(stage: &Stage) -> bool {
    match stage {
        Stage::LabelFilter { .. } | Stage::LabelFormat { .. } | Stage::LineFormat { .. } => true,
        Stage::LineFilter { .. }
        | Stage::Parse { .. }
        | Stage::Decolorize
        | Stage::Drop { .. }
        | Stage::Keep { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left(
        stages: serde_json::Value,
        function: LogWindowFunction,
        counts_all: bool,
    ) -> Vec<String> {
        let mut stages: Vec<Stage> = serde_json::from_value(stages).unwrap();
        let all = Grouping { without: false, labels: Vec::new() };
        leave_out(&mut stages, function, counts_all.then_some(&all), false);
        let name = |stage: &Stage| serde_json::to_value(stage).unwrap()["stage"].to_string();
        stages.iter().map(name).collect()
    }

    fn json_stage() -> serde_json::Value {
        json!({ "stage": "parse", "parser": { "kind": "json", "expressions": [] } })
    }

    fn find() -> serde_json::Value {
        json!({ "stage": "lineFilter", "op": "|=", "patterns": [{ "text": "x", "ip": false }] })
    }

    fn write() -> serde_json::Value {
        json!({ "stage": "lineFormat", "template": "{{.x}}" })
    }

    #[test]
    fn labels_are_not_read_where_all_rows_are_counted_together() {
        let stages = json!([json_stage(), find(), { "stage": "drop", "labels": [] }, write()]);
        let count = LogWindowFunction::CountOverTime;
        assert_eq!(left(stages.clone(), count, true), [r#""lineFilter""#]);
        let bytes = LogWindowFunction::BytesRate;
        assert_eq!(left(stages.clone(), bytes, true).len(), 4, "the written line is what counts");
        assert_eq!(left(stages, count, false).len(), 3, "each row counts by its labels");
    }

    #[test]
    fn labels_are_read_where_a_stage_asks_for_one() {
        let matcher = json!({ "name": "level", "op": "=", "value": "error" });
        let filter =
            json!({ "stage": "labelFilter", "expr": { "kind": "text", "matcher": matcher } });
        let stages = json!([json_stage(), filter]);
        assert_eq!(left(stages, LogWindowFunction::Rate, true).len(), 2);
    }

    #[test]
    fn a_line_is_written_where_it_is_read_again() {
        let count = LogWindowFunction::CountOverTime;
        let read = json!([write(), find(), write()]);
        assert_eq!(left(read, count, false), [r#""lineFormat""#, r#""lineFilter""#]);
        assert_eq!(left(json!([write()]), count, false), [""; 0]);
    }
}
