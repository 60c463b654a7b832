//! What a query took, in Loki's words.

use std::io::Write as _;

use varve_columnar::answer::{Answer, Outcome, QueryStats};

/// What the query took, in the fields that Grafana's inspector and logcli show. A segment counts as a
/// chunk of the store, memtables as the ingester's.
pub(super) fn stats(out: &mut Vec<u8>, Outcome { answer, stats, .. }: &Outcome) {
    let QueryStats { segments_total, segments_read, rows_read, bytes_read, rows_matched, .. } =
        *stats;
    let seconds = stats.elapsed_ns as f64 / 1e9;
    let per_second = |count: u64| if seconds > 0.0 { (count as f64 / seconds) as u64 } else { 0 };
    let in_memory = stats.memtable_rows_read;
    let sealed = rows_read.saturating_sub(in_memory);
    let returned = match answer {
        Answer::Streams(streams) => streams.iter().map(|rows| rows.entries.len()).sum(),
        _ => 0_usize,
    };
    let written = write!(
        out,
        concat!(
            r#"{{"summary":{{"bytesProcessedPerSecond":{},"linesProcessedPerSecond":{},"#,
            r#""totalBytesProcessed":{},"totalLinesProcessed":{},"execTime":{},"queueTime":{},"#,
            r#""subqueries":0,"totalEntriesReturned":{},"splits":1,"shards":1,"#,
            r#""totalPostFilterLines":{},"totalStructuredMetadataBytesProcessed":0}},"#,
            r#""querier":{{"store":{{"totalChunksRef":{},"totalChunksDownloaded":{},"#,
            r#""chunksDownloadTime":0,"chunk":{{"headChunkBytes":0,"headChunkLines":0,"#,
            r#""decompressedBytes":{},"decompressedLines":{},"compressedBytes":0,"#,
            r#""totalDuplicates":0,"postFilterLines":{}}}}}}},"#,
            r#""ingester":{{"totalReached":1,"totalChunksMatched":0,"totalBatches":0,"#,
            r#""totalLinesSent":0,"store":{{"totalChunksRef":0,"totalChunksDownloaded":0,"#,
            r#""chunksDownloadTime":0,"chunk":{{"headChunkBytes":0,"headChunkLines":{},"#,
            r#""decompressedBytes":0,"decompressedLines":0,"compressedBytes":0,"#,
            r#""totalDuplicates":0,"postFilterLines":0}}}}}},"#,
            r#""cache":{{}},"index":{{"totalChunks":{},"postFilterChunks":{},"shardsDuration":0,"#,
            r#""usedBloomFilters":false}}}}"#
        ),
        per_second(bytes_read),
        per_second(rows_read),
        bytes_read,
        rows_read,
        seconds,
        stats.queued_ns as f64 / 1e9,
        returned,
        rows_matched,
        segments_total,
        segments_read,
        bytes_read,
        sealed,
        rows_matched,
        in_memory,
        segments_total,
        segments_read,
    );
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
}
