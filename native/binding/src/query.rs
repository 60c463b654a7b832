//! One query: a plan in, a response body out.

use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use varve_columnar::answer::{Answer, Outcome, QueryStats};
use varve_query::plan::{AnswerFormat, Query};
use varve_types::ErrorCode;
use varve_wire::encode::{
    loki::{self, EntryLabels},
    prometheus,
    tempo::{self, Form},
};

use crate::{
    error::{coded, lost},
    store::NativeStore,
};

/// Ends a query from outside.
#[napi]
pub struct CancelToken(varve_query::CancelToken);

impl CancelToken {
    pub(crate) fn token(&self) -> varve_query::CancelToken {
        self.0.clone()
    }
}

#[napi]
impl CancelToken {
    /// The query ends at its next batch.
    #[napi]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// What a query took.
#[napi(object)]
pub struct QueryStatistics {
    /// Segments of the tenant and table.
    pub segments_total: f64,
    /// Those that were opened.
    pub segments_read: f64,
    /// The others.
    pub left_out: SegmentsLeftOut,
    /// Rows looked at.
    pub rows_read: f64,
    /// Bytes looked at.
    pub bytes_read: f64,
    /// Rows that matched.
    pub rows_matched: f64,
    /// Of the rows looked at, those that were not sealed yet.
    pub memtable_rows_read: f64,
    /// Traces put together.
    pub traces_read: f64,
    /// Wall time in nanoseconds, without the wait.
    pub elapsed_ns: f64,
    /// What it waited for its turn, in nanoseconds.
    pub queued_ns: f64,
    /// The most of its budget of memory that it held at once; 0 where that is not counted.
    pub memory_peak_bytes: f64,
}

/// Segments that were not opened, by what left them out.
#[napi(object)]
pub struct SegmentsLeftOut {
    /// Of another time.
    #[napi(js_name = "byTime")]
    pub time: f64,
    /// Without a stream or series that matches.
    #[napi(js_name = "byLabels")]
    pub labels: f64,
    /// Without the traces that are looked for.
    #[napi(js_name = "byTraceFilter")]
    pub trace_filter: f64,
    /// Without the texts that are looked for.
    #[napi(js_name = "byText")]
    pub text: f64,
    /// Whose rows that count are known from an earlier query.
    #[napi(js_name = "byKept")]
    pub kept: f64,
    /// The answer was whole before.
    #[napi(js_name = "byLimit")]
    pub limit: f64,
}

impl From<&QueryStats> for QueryStatistics {
    // Counters stay far below 2^53, up to which a JavaScript number is exact.
    fn from(stats: &QueryStats) -> Self {
        Self {
            segments_total: stats.segments_total as f64,
            segments_read: stats.segments_read as f64,
            left_out: SegmentsLeftOut {
                time: stats.left_out.by_time as f64,
                labels: stats.left_out.by_labels as f64,
                trace_filter: stats.left_out.by_trace_filter as f64,
                text: stats.left_out.by_text as f64,
                kept: stats.left_out.by_kept as f64,
                limit: stats.left_out.by_limit as f64,
            },
            rows_read: stats.rows_read as f64,
            bytes_read: stats.bytes_read as f64,
            rows_matched: stats.rows_matched as f64,
            memtable_rows_read: stats.memtable_rows_read as f64,
            traces_read: stats.traces_read as f64,
            elapsed_ns: stats.elapsed_ns as f64,
            queued_ns: stats.queued_ns as f64,
            memory_peak_bytes: stats.memory_peak_bytes as f64,
        }
    }
}

/// A whole response body.
#[napi(object)]
pub struct QueryResult {
    /// As the plan's `answer` asks for it.
    pub body: Buffer,
    /// No rows, series or spans.
    pub empty: bool,
    /// Why it may be partial or surprising.
    pub warnings: Vec<String>,
    /// Where the next part of a tail begins.
    pub position: Option<String>,
    /// What it took.
    pub stats: QueryStatistics,
}

#[napi]
impl NativeStore {
    /// A token for one call of `query`.
    #[napi]
    pub fn cancel_token(&self) -> napi::Result<CancelToken> {
        self.running()?;
        Ok(CancelToken(varve_query::CancelToken::default()))
    }

    /// Runs a `Query` of the plan algebra, given as JSON.
    #[napi]
    pub async fn query(
        &self,
        query_json: String,
        token: &CancelToken,
    ) -> napi::Result<QueryResult> {
        let store = self.running()?;
        let cancel = token.0.clone();
        let query: Query = serde_json::from_str(&query_json)
            .map_err(|error| coded(ErrorCode::Internal, format!("not a plan: {error}")))?;
        let _permit = store
            .queries
            .acquire()
            .await
            .map_err(|_| coded(ErrorCode::Closed, "the store is closed"))?;
        let (views, kept) = (store.views.clone(), store.kept_rows.clone());
        let running = store.query_threads.run(move || {
            let outcome = varve_query::run_keeping(&query, &*views, Some(&kept), &cancel)
                .map_err(|error| coded(error.code(), error))?;
            Ok(answered(&outcome, query.answer))
        });
        running.ok_or_else(|| lost("the query"))?.await.map_err(|_| lost("the query"))?
    }
}

fn answered(outcome: &Outcome, format: AnswerFormat) -> QueryResult {
    QueryResult {
        body: encode(outcome, format).into(),
        empty: is_empty(&outcome.answer),
        warnings: outcome.warnings.clone(),
        position: match &outcome.answer {
            Answer::Tail(tailed) => Some(tailed.position.clone()),
            _ => None,
        },
        stats: QueryStatistics::from(&outcome.stats),
    }
}

fn encode(outcome: &Outcome, format: AnswerFormat) -> Vec<u8> {
    match format {
        AnswerFormat::Loki => loki::encode(outcome, EntryLabels::Merged),
        AnswerFormat::LokiCategorized => loki::encode(outcome, EntryLabels::Categorized),
        AnswerFormat::LokiLegacy => loki::encode_legacy(outcome),
        AnswerFormat::Prometheus => prometheus::encode(outcome),
        AnswerFormat::TempoV1 => tempo::encode(outcome, Form::V1Json),
        AnswerFormat::TempoV2 => tempo::encode(outcome, Form::V2Json),
        AnswerFormat::TempoV1Protobuf => tempo::encode(outcome, Form::V1Protobuf),
        AnswerFormat::TempoV2Protobuf => tempo::encode(outcome, Form::V2Protobuf),
    }
}

fn is_empty(answer: &Answer) -> bool {
    match answer {
        Answer::Streams(streams) => streams.is_empty(),
        Answer::Matrix(set) | Answer::Vector(set) => set.series.is_empty(),
        Answer::Scalar { .. } | Answer::Text { .. } => false,
        Answer::Traces(traces) => traces.is_empty(),
        Answer::SpanSeries(set) => set.series.is_empty(),
        Answer::Trace(batches) => batches.iter().all(|batch| batch.num_rows() == 0),
        Answer::Names(names) => names.is_empty(),
        Answer::LabelSets(sets) => sets.is_empty(),
        Answer::Tags(scopes) => scopes.iter().all(|scope| scope.tags.is_empty()),
        Answer::TagValues(values) => values.is_empty(),
        Answer::Samples(series) => series.is_empty(),
        Answer::Exemplars(series) => series.is_empty(),
        Answer::Metadata(metadata) => metadata.is_empty(),
        Answer::Cardinality(cardinality) => cardinality.series == 0,
        Answer::LogTotals(totals) => totals.lines == 0,
        Answer::DetectedLabels(labels) => labels.is_empty(),
        Answer::DetectedFields { fields, .. } => fields.is_empty(),
        Answer::DetectedValues { values, .. } => values.is_empty(),
        Answer::Patterns(patterns) => patterns.is_empty(),
        Answer::FoundLines { lines, .. } => lines.is_empty(),
        Answer::Tail(tailed) => tailed.streams.is_empty() && tailed.dropped.is_empty(),
    }
}
