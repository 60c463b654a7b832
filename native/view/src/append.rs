//! The way of a request into the log and, once durable, into the memtables.

use std::sync::{Arc, atomic::Ordering};

use arrow::{array::RecordBatch, error::ArrowError};
use bytes::Bytes;
use parking_lot::Mutex;
use varve_columnar::{
    ipc,
    route::{Routing, route},
};
use varve_log::{Append, Stored, part_key};
use varve_types::{PartitionId, Table, TenantId};

use crate::{
    clock::now_ms,
    error::AppendError,
    memtable::{behind, memory_bytes, time_range},
    snapshot::MemtableBatch,
    state::Shared,
};

/// Told once what became of an append. Runs on the log's writer thread: it must be short.
pub type Done = Box<dyn FnOnce(Result<(), AppendError>) + Send>;

/// One record before it has its place.
struct NewRecord {
    table: Table,
    partition: PartitionId,
    batch: RecordBatch,
    time_range: (i64, i64),
    bytes: u64,
    payload: Bytes,
}

/// A record that is durable.
struct Placed {
    table: Table,
    batch: MemtableBatch,
    /// Of memory.
    bytes: u64,
}

/// An append whose records are not all durable yet.
struct Request {
    tenant: TenantId,
    state: Mutex<RequestState>,
    shared: Arc<Shared>,
}

impl Drop for Request {
    fn drop(&mut self) {
        self.shared.appends_under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

struct RequestState {
    left: usize,
    placed: Vec<Placed>,
    done: Option<Done>,
}

impl Request {
    /// Notes one record's place; `None` for one that an earlier request stored, and shows. With the last one all of the request is shown at once: the log
    /// calls for the records of one request without those of another between, so that nothing
    /// that is shown before has holes in front of it.
    fn place(&self, record: Option<Placed>, shared: &Shared) {
        let mut state = self.state.lock();
        state.placed.extend(record);
        state.left -= 1;
        if state.left > 0 {
            return;
        }
        let placed = std::mem::take(&mut state.placed);
        drop(state);
        shared.publish(&self.tenant, placed);
        self.finish(Ok(()));
    }

    /// Tells the sender, unless it has been told.
    fn finish(&self, fate: Result<(), AppendError>) {
        let done = self.state.lock().done.take();
        if let Some(done) = done {
            done(fate);
        }
    }
}

/// See [`crate::Store::append`].
pub(crate) fn append(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    batches: Vec<(Table, RecordBatch)>,
    request_key: u128,
    done: Done,
) {
    if let Err(error) = shared.room() {
        return done(Err(error));
    }
    let records = match records(shared, tenant, batches) {
        Ok(records) => records,
        Err(error) => return done(Err(AppendError::Batch(error.to_string()))),
    };
    if records.is_empty() {
        return done(Ok(()));
    }
    let left = records.len();
    let state = RequestState { left, placed: Vec::with_capacity(left), done: Some(done) };
    shared.appends_under_way.fetch_add(1, Ordering::Relaxed);
    let request =
        Request { tenant: tenant.clone(), state: Mutex::new(state), shared: shared.clone() };
    let request = Arc::new(request);
    let appends = records
        .into_iter()
        .map(|record| into_append(record, request_key, shared.clone(), request.clone()))
        .collect();
    if let Err(error) = shared.log.append(appends) {
        request.finish(Err(error.into()));
    }
}

fn records(
    shared: &Shared,
    tenant: &TenantId,
    batches: Vec<(Table, RecordBatch)>,
) -> Result<Vec<NewRecord>, ArrowError> {
    let routing = Routing {
        partitions: shared.settings.partitions,
        tenant_partitions: shared.settings.tenant_partitions,
    };
    let mut records = Vec::new();
    for (table, batch) in batches {
        for (number, batch) in route(table, tenant, batch, routing)? {
            let payload = ipc::encode(table, &batch)?;
            records.push(NewRecord {
                table,
                partition: PartitionId { log: table.log(), number },
                time_range: time_range(table, &batch),
                bytes: memory_bytes(&batch),
                batch,
                payload,
            });
        }
    }
    Ok(records)
}

fn into_append(
    record: NewRecord,
    request_key: u128,
    shared: Arc<Shared>,
    request: Arc<Request>,
) -> Append {
    let NewRecord { table, partition, batch, time_range, bytes, payload } = record;
    Append {
        partition,
        tenant: request.tenant.clone(),
        schema_id: table as u32,
        rows: batch.num_rows() as u32,
        session: None,
        // A request has one record of a table in a partition.
        idempotency_key: part_key(request_key, table as u32),
        payload,
        done: Box::new(move |stored| match stored {
            Ok(Stored::New(lsn)) => {
                let batch = MemtableBatch { partition, lsn, batch, time_range };
                request.place(Some(Placed { table, batch, bytes }), &shared);
            }
            Ok(Stored::Duplicate(_) | Stored::Before) => request.place(None, &shared),
            Err(error) => request.finish(Err(error.into())),
        }),
    }
}

impl Shared {
    /// Shows the records of one request to queries, all at once.
    fn publish(&self, tenant: &TenantId, records: Vec<Placed>) {
        let now_ms = now_ms();
        let mut state = self.state.write();
        state.timeline.note(now_ms, records.iter().map(|one| behind(&one.batch)));
        let active = &mut state.memtables.active;
        for Placed { table, batch, bytes } in records {
            active.insert((tenant.clone(), table), batch, bytes);
        }
        let full = active.bytes() > self.settings.memtable_max_bytes;
        drop(state);
        if full {
            self.signal.lock().full = true;
            self.signalled.notify_one();
        }
    }
}
