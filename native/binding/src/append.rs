//! One request in: decompress, decode, append, and tell what became of it.

use std::{fmt::Write as _, time::Duration};

use napi::bindgen_prelude::{Buffer, Uint8Array};
use napi_derive::napi;
use tokio::sync::{SemaphorePermit, oneshot};
use varve_log::{RequestIdentity, request_key};
use varve_types::{ErrorCode, TenantId};
use varve_view::{AppendError, Room};
use varve_wire::decode::{DecodeError, Decoded, Encoding, Format, Refusal};

use crate::{
    clock::now_ns,
    error::{coded, lost},
    store::{NativeStore, Running},
    tenants::warnings,
};

/// What became of a request; what was accepted is durable.
#[napi(object)]
pub struct AppendReceipt {
    /// Log records, spans or data points.
    pub accepted: u32,
    /// Those among them that are native histograms.
    pub histograms: u32,
    /// Exemplars, which are not among them.
    pub exemplars: u32,
    /// Those not taken, by reason.
    pub refused: Vec<RefusalCount>,
    /// Size of the body after decompression.
    pub body_bytes: f64,
    /// Limits that the tenant comes near to.
    pub warnings: Vec<String>,
    /// What the sender is told of each record, in formats that do so.
    pub answer: Option<Buffer>,
}

/// Records that were not taken, and why.
#[napi(object)]
pub struct RefusalCount {
    /// A fixed word, for metrics.
    pub reason: String,
    /// How many.
    pub count: u32,
    /// For the sender.
    pub message: String,
}

/// How often a request that is held back looks again.
const LOOK: Duration = Duration::from_millis(5);

#[napi]
impl NativeStore {
    /// Fails as [`Self::append`] would while nothing can be taken; without a body, and at once.
    #[napi]
    pub fn check_room(&self) -> napi::Result<()> {
        let room = self.running()?.views.room();
        room.map(drop).map_err(|error| coded(error.code(), error))
    }

    /// Appends one request body; resolves once what was accepted is durable and can be queried. A retry
    /// is known again by `idempotency_key`, or without one by the body, unless records of it have no
    /// time of their own. `target`: where the request's
    /// path says that records belong which do not say it.
    #[napi]
    pub async fn append(
        &self,
        tenant: String,
        format: String,
        encoding: String,
        body: Uint8Array,
        idempotency_key: Option<String>,
        target: Option<String>,
    ) -> napi::Result<AppendReceipt> {
        let store = self.running()?;
        let tenant =
            TenantId::parse(&tenant).map_err(|error| coded(ErrorCode::TenantInvalid, error))?;
        let (mut format_name, (format, encoding)) =
            (format.clone(), wire_names(&format, &encoding)?);
        let target = target.unwrap_or_default();
        if !target.is_empty() {
            // The same body for another target is another request.
            format_name = format!("{format_name} {target}");
        }
        let sender = tenant.clone();
        let (request_key, (decoded, body_bytes), warnings) = {
            // Decoding is most of an append's work: not for one that would be refused after it.
            let _permit = store.decoder_with_room().await?;
            let now_ns = now_ns();
            let of_tenant = store.tenants.get(&tenant, now_ns / 1_000_000);
            tokio::task::spawn_blocking(move || {
                let decoded = of_tenant.decode_for(format, encoding, &target, &body, now_ns)?;
                // What was refused may be taken the next time: then it is no retry of what was stored.
                let without = left_out(&decoded.0.refused);
                let named = idempotency_key.map(|key| key + &without);
                let format_name = format_name + &without;
                let identity = match &named {
                    Some(key) => RequestIdentity::Named(key),
                    None => RequestIdentity::Sent { format: &format_name, body: &body },
                };
                // The same lines without times are no retry: they happened again.
                let is_known_again = named.is_some() || decoded.0.is_timed;
                let key = if is_known_again { request_key(&sender, identity) } else { 0 };
                Ok::<_, DecodeError>((key, decoded, warnings(&of_tenant, now_ns / 1_000_000)))
            })
            .await
            .map_err(|_| lost("decoding"))?
            .map_err(|error| coded(error.code(), error))?
        };
        let Decoded { mut batches, accepted, histograms, exemplars, refused, answer, .. } = decoded;
        batches.retain(|(_, batch)| batch.num_rows() > 0);
        if !batches.is_empty() {
            let (done, durable) = oneshot::channel::<Result<(), AppendError>>();
            // A receiver that is gone means that the request was given up; the log went on.
            let done = Box::new(move |outcome| drop(done.send(outcome)));
            store.views.append(&tenant, batches, request_key, done);
            durable
                .await
                .map_err(|_| lost("the append"))?
                .map_err(|error| coded(error.code(), error))?;
        }
        Ok(AppendReceipt {
            accepted: saturated(accepted),
            body_bytes: body_bytes as f64,
            warnings,
            answer: (!answer.is_empty()).then(|| answer.into()),
            histograms: saturated(histograms),
            exemplars: saturated(exemplars),
            refused: refused
                .into_iter()
                .map(|refusal| RefusalCount {
                    reason: refusal.reason.to_owned(),
                    count: saturated(refusal.count),
                    message: refusal.message,
                })
                .collect(),
        })
    }
}

impl Running {
    /// A turn to decode, once memtables have room. What waits for it is bodies, which are bounded in flight.
    async fn decoder_with_room(&self) -> napi::Result<SemaphorePermit<'_>> {
        loop {
            let permit = self.decoders.acquire().await.map_err(|_| closed())?;
            match self.views.room().map_err(|error| coded(error.code(), error))? {
                Room::Now => return Ok(permit),
                Room::Soon => drop(permit),
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// What of a request was not stored, as a part of its name; empty for nothing.
fn left_out(refused: &[Refusal]) -> String {
    refused.iter().fold(String::new(), |mut text, Refusal { reason, count, .. }| {
        let written = write!(text, " without {count} {reason}");
        debug_assert!(written.is_ok(), "writing to memory cannot fail");
        text
    })
}

fn wire_names(format: &str, encoding: &str) -> napi::Result<(Format, Encoding)> {
    // Both names are typed in native/index.ts: another one is a fault of ours.
    let unknown = |what: &str, name: &str| {
        coded(ErrorCode::Internal, format!("native code has no {what} '{name}'"))
    };
    Ok((
        Format::from_name(format).ok_or_else(|| unknown("format", format))?,
        Encoding::from_name(encoding).ok_or_else(|| unknown("encoding", encoding))?,
    ))
}

fn closed() -> napi::Error {
    coded(ErrorCode::Closed, "the store is closed")
}

fn saturated(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
