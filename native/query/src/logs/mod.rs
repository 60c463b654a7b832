//! Log rows: found by stream labels, time and text, changed by pipelines, listed or counted.

mod directory;
mod extract;
mod fields;
mod grouping;
mod ip_range;
mod label_filter;
mod line_filter;
mod line_pattern;
mod listing;
mod log_window;
mod needles;
mod numbers;
mod patterns;
mod pipeline;
mod push_down;
mod row_labels;
mod samples;
mod scan;
mod tail;
mod template;
mod text_search;
mod unread;
mod volume;
mod wanted;
mod window;

use hashbrown::HashMap;
use varve_columnar::answer::Answer;
use varve_view::Segment;

use crate::{
    context::ExecContext,
    error::QueryError,
    matcher::Matchers,
    plan::{Direction, LogRows, TimeRange},
};

use self::{
    listing::Listing, pipeline::Pipeline, row_labels::WantedNames, scan::Scan,
    wanted::WantedMetadata,
};

pub(crate) use directory::{LogColumns, StreamDirectory, overlaps, times};
pub(crate) use fields::fields;
pub(crate) use log_window::LogWindow;
pub(crate) use patterns::patterns;
pub(crate) use push_down::push_down_sums;
pub(crate) use tail::tail;
pub(crate) use text_search::text_search;
pub(crate) use volume::{totals, volume};
pub(crate) use window::log_window;

/// What structured metadata is made of.
const METADATA_COLUMNS: [&str; 12] = [
    "observed_time_unix_nano",
    "severity_number",
    "severity_text",
    "detected_level",
    "trace_id",
    "span_id",
    "flags",
    "event_name",
    "dropped_attributes_count",
    "attributes",
    "resource",
    "scope",
];

/// Those of [`METADATA_COLUMNS`] that can give the rows of a segment a label of such a name.
fn metadata_columns(
    segment: &Segment,
    wanted: &WantedNames,
) -> Result<Vec<&'static str>, QueryError> {
    let names = segment.metadata_names()?;
    Ok(names.map_or_else(
        || METADATA_COLUMNS.to_vec(),
        |names| names.columns(|name| wanted.holds(name)),
    ))
}

/// The first `limit` lines in the direction, as [`Answer::Streams`].
pub(crate) fn run(
    context: &ExecContext,
    input: &LogRows,
    limit: u32,
    direction: Direction,
    interval_ns: i64,
) -> Result<Answer, QueryError> {
    let range = range_of(input)?;
    let pipeline = Pipeline::compile(&input.stages)?;
    let selectors = [Matchers::compile(&input.scan.matchers)?];
    let mut streams = StreamDirectory::new(&selectors);
    let needles = needles::needles(&input.stages);
    let wanted = WantedMetadata::of(&input.stages);
    let scan = Scan { range, pipeline: &pipeline, needles, hits: HashMap::new(), wanted };
    let mut listing = Listing::new(context, &pipeline, direction, limit as usize);
    scan.run(context, &mut streams, &mut listing)?;
    Ok(Answer::Streams(listing.finish(interval_ns)))
}

fn range_of(input: &LogRows) -> Result<TimeRange, QueryError> {
    input.scan.range.ok_or_else(|| {
        QueryError::invalid("the rows of a log query have a scan without a time range")
    })
}

#[cfg(test)]
mod tests;
