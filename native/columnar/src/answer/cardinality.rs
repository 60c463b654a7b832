//! How many series there are, and what makes them many.

/// Counts of series; each list has the greatest first, and is cut at a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cardinality {
    /// All series.
    pub series: u64,
    /// Different pairs of a label's name and value.
    pub label_pairs: u64,
    /// Series by the metric's name.
    pub series_by_metric: Vec<(String, u64)>,
    /// Different values by the label's name.
    pub values_by_label: Vec<(String, u64)>,
    /// Bytes of these values.
    pub value_bytes_by_label: Vec<(String, u64)>,
    /// Series by pair, written `name=value`.
    pub series_by_pair: Vec<(String, u64)>,
}
