//! A segment's rows, from the log that they came from.

use varve_columnar::ipc;
use varve_log::{Log, Record};
use varve_segment::{Clustered, LogPart, cluster};
use varve_types::{Lsn, Offset, PartitionId, Table};

use crate::entry::{LogRange, SegmentEntry};

/// What is read of the log at once.
const READ_BYTES: u64 = 8 << 20;
/// The most that is put together: rows are sorted in memory. Segments that are sealed are smaller, what is
/// merged may be larger.
const RECORDS_MAX_BYTES: u64 = 512 << 20;

/// The rows, in the segment's order; or why the log does not give them all.
///
/// The ranges that the manifest has lead to all records of the segment, and may lead to some that are in
/// others: it is whole where there are just as many as it had.
pub(super) fn rows(log: &dyn Log, entry: &SegmentEntry) -> Result<Clustered, String> {
    let mut parts = Vec::new();
    let mut bytes = 0;
    for range in &entry.log {
        read(log, entry, range, &mut bytes, &mut parts)?;
    }
    parts.sort_by_key(|part: &LogPart| (part.partition, part.lsn));
    let found: u64 = parts.iter().map(|part| part.batch.num_rows() as u64).sum();
    let rows = cluster(entry.table, &parts).map_err(|error| error.to_string())?;
    let is_whole = match entry.table {
        // A sender repeats its metadata; each is stored once.
        Table::Metadata => rows.batch.num_rows() == entry.rows as usize,
        _ => found == entry.records && rows.time_range == entry.time_range,
    };
    if is_whole {
        return Ok(rows);
    }
    Err(format!(
        "the log has {found} records where it had {}: it was merged with others, or rows of it were erased",
        entry.records
    ))
}

fn read(
    log: &dyn Log,
    entry: &SegmentEntry,
    range: &LogRange,
    bytes: &mut u64,
    parts: &mut Vec<LogPart>,
) -> Result<(), String> {
    let partition = PartitionId { log: entry.table.log(), number: range.partition };
    let mut from = range.first;
    loop {
        let records = log
            .read(partition, from, READ_BYTES)
            .map_err(|error| format!("the log does not have them any more: {error}"))?;
        let Some(last) = records.last().map(|record| record.lsn) else { return Ok(()) };
        let wanted = |record: &Record| {
            record.lsn <= range.last
                && record.tenant == entry.tenant
                && Table::from_number(record.schema_id) == Some(entry.table)
        };
        for record in records.into_iter().filter(wanted) {
            *bytes += record.payload.len() as u64;
            if *bytes > RECORDS_MAX_BYTES {
                return Err(format!(
                    "its records in the log are over {} MiB, too many to be sorted at once",
                    RECORDS_MAX_BYTES >> 20
                ));
            }
            let batch = ipc::decode(entry.table, record.payload)
                .map_err(|error| format!("record {partition} {}: {error}", record.lsn))?;
            parts.push(LogPart { partition: partition.number, lsn: record.lsn, batch });
        }
        if last >= range.last {
            return Ok(());
        }
        from = Lsn { epoch: last.epoch, offset: Offset(last.offset.0 + 1) };
    }
}
