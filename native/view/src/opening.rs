//! What a start reads: the manifest's segments, and the log behind them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use varve_columnar::ipc;
use varve_log::{Delivery, Log, Next, ReadError, Record, Snapshot, Subscribe, Wanted};
use varve_segment::SegmentError;
use varve_types::{Lsn, PartitionId, Table};

use crate::{
    clock::now_ms,
    deletes,
    error::{OpenError, is_io_damage},
    files::Folders,
    label_texts::LabelTexts,
    manifest::Manifest,
    memtable::{TableKey, behind, time_range},
    orphans,
    quarantine::{self, Quarantined},
    segment::Segment,
    snapshot::MemtableBatch,
    state::State,
    timeline::Timeline,
};

/// Opens the manifest's segments, and notes those whose files are damaged or gone.
pub(crate) fn open_segments(
    manifest: &Manifest,
    folders: &Folders,
    texts: &LabelTexts,
) -> Result<(State, Vec<Quarantined>), OpenError> {
    let timeline = Timeline::read(&folders.manifest());
    let mut state = State { covered: manifest.covered.clone(), timeline, ..State::default() };
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
    quarantine::forget_repaired(manifest, folders).map_err(failed(folders.quarantine()))?;
    Manifest::renew_copy(folders).map_err(failed(folders.manifest()))?;
    orphans::remove(manifest, folders).map_err(failed(folders.segments()))
}

/// Puts what the log holds behind the segments back into memtables. Goes on behind records that the log
/// has lost, and notes them.
pub(crate) fn replay(
    log: &dyn Log,
    manifest: &Manifest,
    state: &mut State,
    credit_bytes: u64,
) -> Result<(), OpenError> {
    let from = manifest.covered.clone();
    let name = snapshot().holder;
    let subscribe = Subscribe { name, partitions: Wanted::All, from, credit_bytes };
    let mut subscription = log.subscribe(subscribe)?;
    let mut replayed = Vec::new();
    let handle = subscription.handle();
    while let Next::Delivery(delivery) = subscription.next(Duration::ZERO)? {
        let credit_bytes = delivery.credit_bytes();
        match delivery {
            Delivery::Records(records) => {
                for record in records {
                    let (at_ms, place) = replay_record(record, state)?;
                    replayed.push((at_ms, place));
                }
            }
            Delivery::Lost { partition, from, next, reason } => {
                let lost = ReadError::Lost { partition, from, next, reason };
                state.log_lost.push(lost.to_string());
            }
            Delivery::Trimmed { partition, trim_point, snapshot } => {
                let covered = manifest.covered.get(&partition).copied();
                let snapshot = snapshot.map(|it| it.location);
                return Err(OpenError::Gap { partition, covered, trim_point, snapshot });
            }
        }
        handle.grant(credit_bytes);
    }
    // Partition by partition they came; by time they are noted.
    replayed.sort_by_key(|(at_ms, _)| *at_ms);
    for (at_ms, place) in replayed {
        state.timeline.note(at_ms, std::iter::once(place));
    }
    if state.timeline.is_empty() && !state.covered.is_empty() {
        let ends = state.ends();
        state.timeline.note(now_ms(), ends.into_iter());
    }
    Ok(())
}

/// Tells the log what the segments have, so that it lets go of no more than that, and tells whoever comes
/// too late where to boot from.
pub(crate) fn cover(log: &dyn Log, covered: &BTreeMap<PartitionId, Lsn>) {
    let begin = Lsn::new(1, 0);
    let of = |partition| (partition, covered.get(&partition).copied().unwrap_or(begin));
    let covered: Vec<_> = log.partitions().into_iter().map(of).collect();
    log.trim(&snapshot(), &covered);
}

/// What these views are to the log.
pub(crate) fn snapshot() -> Snapshot {
    Snapshot { holder: "views".into(), location: "manifest/manifest.json".into() }
}

/// Gives when it was appended, and the first place after it.
fn replay_record(
    record: Record,
    state: &mut State,
) -> Result<(i64, (PartitionId, Lsn)), OpenError> {
    let Record { partition, lsn, tenant, schema_id, payload, append_time_ms, .. } = record;
    let wrong = |reason: String| OpenError::Record { at: format!("{partition} {lsn}"), reason };
    let table = Table::from_number(schema_id)
        .ok_or_else(|| wrong(format!("schema {schema_id} is not known")))?;
    // The batch's buffers are parts of the payload.
    let bytes = payload.len() as u64;
    let batch = ipc::decode(table, payload).map_err(|error| wrong(error.to_string()))?;
    let time_range = time_range(table, &batch);
    let batch = MemtableBatch { partition, lsn, batch, time_range };
    let place = behind(&batch);
    state.memtables.active.insert((tenant, table), batch, bytes);
    Ok((append_time_ms, place))
}

#[cfg(test)]
mod tests;
