//! Syslog's sockets: streams that Node reads and native code cuts, datagrams that native code reads.

mod datagrams;

use jiff::tz::TimeZone;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use varve_types::ErrorCode;
use varve_wire::syslog::{Framing, Packer, Sender};

use crate::{clock::now_ns, error::coded};
use datagrams::Datagrams;

/// The zone of this name; `local` is the system's.
pub(crate) fn zone(name: &str) -> napi::Result<TimeZone> {
    match name {
        "local" => Ok(TimeZone::system()),
        name => TimeZone::get(name).map_err(|_| {
            let what = "is no time zone; use local, or a name such as Europe/Berlin";
            coded(ErrorCode::Internal, format!("ingest.syslog_time_zone = '{name}' {what}"))
        }),
    }
}

/// Cuts the bytes of one connection into messages.
#[napi]
pub struct NativeSyslogFraming {
    framing: Framing,
    packer: Packer,
}

#[napi]
impl NativeSyslogFraming {
    /// For a new connection from an address; `peer_name` is the one in its certificate, or empty.
    #[napi(constructor)]
    pub fn new(message_max_bytes: u32, address: String, peer_name: String) -> Self {
        let sender = Sender { address, name: peer_name };
        Self {
            framing: Framing::new(message_max_bytes as usize, sender),
            packer: Packer::default(),
        }
    }

    /// The messages that are complete with this chunk, as a body of format `syslog`; empty if none is.
    #[napi]
    pub fn push(&mut self, chunk: &[u8]) -> Buffer {
        self.framing.push(chunk, now_ns(), &mut self.packer);
        self.packer.take().into()
    }

    /// The message in which the connection ended, likewise.
    #[napi]
    pub fn finish(&mut self) -> Buffer {
        self.framing.finish(now_ns(), &mut self.packer);
        self.packer.take().into()
    }
}

/// What a socket has received since it was opened.
#[napi(object)]
pub struct SyslogDatagramCounts {
    /// Datagrams that were kept.
    pub received: f64,
    /// Datagrams that came while too many bytes waited.
    pub dropped: f64,
}

/// A UDP socket, read by a thread of its own.
#[napi]
pub struct NativeSyslogDatagrams {
    datagrams: Datagrams,
}

#[napi]
impl NativeSyslogDatagrams {
    /// Opens the socket and starts reading; what waits to be taken is at most `waiting_max_bytes`.
    #[napi(factory)]
    pub fn open(
        host: String,
        port: u16,
        message_max_bytes: u32,
        waiting_max_bytes: u32,
    ) -> napi::Result<Self> {
        let datagrams =
            Datagrams::open((host, port), message_max_bytes as usize, waiting_max_bytes as usize);
        Ok(Self { datagrams: datagrams.map_err(|error| coded(ErrorCode::Io, error))? })
    }

    /// The port, which was free if 0 was asked for.
    #[napi]
    pub fn port(&self) -> u16 {
        self.datagrams.port()
    }

    /// Waits for datagrams and takes all there are, as a body of format `syslog`; nothing once the
    /// socket is closed and empty. For one caller at a time.
    #[napi]
    pub async fn take(&self) -> Option<Buffer> {
        self.datagrams.take().await.map(Buffer::from)
    }

    /// Counts since the socket was opened.
    #[napi]
    pub fn counts(&self) -> SyslogDatagramCounts {
        let (received, dropped) = self.datagrams.counts();
        SyslogDatagramCounts { received: received as f64, dropped: dropped as f64 }
    }

    /// Stops reading, after what the system holds already.
    #[napi]
    pub fn close(&self) {
        self.datagrams.close();
    }
}
