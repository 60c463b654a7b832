//! What a start reads: the manifest's segments, and the log behind them.

use std::{collections::HashMap, sync::Arc};

use varve_columnar::ipc;
use varve_log::{Log, ReadError, Record};
use varve_segment::SegmentError;
use varve_types::{Lsn, Offset, Table};

use crate::{
    deletes,
    error::{OpenError, is_io_damage},
    files::{self, Folders},
    label_texts::LabelTexts,
    manifest::Manifest,
    memtable::{TableKey, time_range},
    quarantine::Quarantined,
    segment::Segment,
    snapshot::MemtableBatch,
    state::State,
};

/// How much of the log is read at once in a replay.
const REPLAY_BYTES: u64 = 64 << 20;

/// Opens the manifest's segments, and notes those whose files are damaged or gone.
pub(crate) fn open_segments(
    manifest: &Manifest,
    folders: &Folders,
    texts: &LabelTexts,
) -> Result<(State, Vec<Quarantined>), OpenError> {
    let mut state = State { covered: manifest.covered.clone(), ..State::default() };
    let mut opened_segments: HashMap<TableKey, Vec<Arc<Segment>>> = HashMap::new();
    let mut damaged = Vec::new();
    for entry in &manifest.segments {
        let folder = folders.table(&entry.tenant, entry.table);
        let opened = Segment::open(entry.clone(), &folder, texts);
        match opened.map(|segment| deletes::hidden_by(manifest, segment)) {
            Ok(Ok(segment)) => {
                let key = (entry.tenant.clone(), entry.table);
                opened_segments.entry(key).or_default().push(Arc::new(segment));
            }
            Err(SegmentError::Io { path, source }) if !is_io_damage(&source) => {
                return Err(OpenError::Io { path, source });
            }
            Ok(Err(error)) => damaged.push(Quarantined::now(entry, error.to_string())),
            Err(error) => damaged.push(Quarantined::now(entry, error.to_string())),
        }
    }
    let lists = opened_segments.into_iter().map(|(key, list)| (key, list.into_iter().collect()));
    state.segments = lists.collect();
    Ok((state, damaged))
}

/// Sets damaged segments aside, so that the manifest on disk no longer names them, and removes what
/// it does not name.
pub(crate) fn tidy(
    manifest: &mut Manifest,
    damaged: &[Quarantined],
    folders: &Folders,
) -> Result<(), OpenError> {
    let failed = |path| move |source| OpenError::Io { path, source };
    if !damaged.is_empty() {
        for one in damaged {
            one.move_files(folders).map_err(failed(folders.quarantine()))?;
        }
        manifest.segments.retain(|entry| !damaged.iter().any(|one| one.entry == *entry));
        manifest.write(&folders.manifest()).map_err(failed(folders.manifest()))?;
    }
    files::remove_orphans(manifest, folders).map_err(failed(folders.segments()))
}

/// Puts what the log holds behind the segments back into memtables. Goes on behind records that the log
/// has lost, and notes them.
pub(crate) fn replay(
    log: &dyn Log,
    manifest: &Manifest,
    state: &mut State,
) -> Result<(), OpenError> {
    for partition in log.partitions() {
        let mut from = manifest.covered.get(&partition).copied().unwrap_or_default();
        while from < log.tail(partition) {
            let records = match log.read(partition, from, REPLAY_BYTES) {
                Ok(records) => records,
                Err(lost @ ReadError::Lost { next, .. }) => {
                    state.log_lost.push(lost.to_string());
                    from = next;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let Some(Lsn { epoch, offset }) = records.last().map(|record| record.lsn) else {
                break;
            };
            for record in records {
                replay_record(record, state)?;
            }
            from = Lsn { epoch, offset: Offset(offset.0 + 1) };
        }
    }
    Ok(())
}

fn replay_record(record: Record, state: &mut State) -> Result<(), OpenError> {
    let Record { partition, lsn, tenant, schema_id, payload, .. } = record;
    let wrong = |reason: String| OpenError::Record { at: format!("{partition} {lsn}"), reason };
    let table = Table::from_number(schema_id)
        .ok_or_else(|| wrong(format!("schema {schema_id} is not known")))?;
    // The batch's buffers are parts of the payload.
    let bytes = payload.len() as u64;
    let batch = ipc::decode(table, payload).map_err(|error| wrong(error.to_string()))?;
    let time_range = time_range(table, &batch);
    let batch = MemtableBatch { partition, lsn, batch, time_range };
    state.memtables.active.insert((tenant, table), batch, bytes);
    Ok(())
}
