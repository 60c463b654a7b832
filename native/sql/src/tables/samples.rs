//! The table `samples`: one row is a sample of a series.

use arrow::datatypes::DataType;
use varve_columnar::schema::dictionary;

use super::{Column, LabelSetPart, Origin, TIME, convert, text_map, timestamp};

/// The label that holds a metric's name.
pub(crate) const METRIC: &str = "__name__";

pub(super) fn columns() -> Vec<Column> {
    use LabelSetPart::{Label, Labels, Text};
    use Origin::{LabelSet, Stored};
    const HISTOGRAM: &[&str] = &["histogram"];
    vec![
        Column::required(TIME, timestamp(), Stored(&["time_unix_ms"], convert::time_of_ms)),
        Column::tenant(),
        Column::new("metric", dictionary(), LabelSet(Label(METRIC))),
        Column::required("labels", text_map(), LabelSet(Labels)),
        Column::new(
            "value",
            DataType::Float64,
            Stored(&["value", "histogram"], convert::float_where_no_histogram),
        ),
        Column::new(
            "histogram_count",
            DataType::Float64,
            Stored(HISTOGRAM, convert::histogram_count),
        ),
        Column::new("histogram_sum", DataType::Float64, Stored(HISTOGRAM, convert::histogram_sum)),
        Column::required("series", DataType::Utf8, LabelSet(Text)),
    ]
}
