//! A UDP socket and the thread that reads it, many datagrams a system call.

use std::{
    io::{self, ErrorKind, IoSliceMut},
    net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};
use socket2::{Domain, Socket, Type};
use tokio::sync::Notify;
use varve_wire::syslog::{Arrived, Packer, Sender};

use crate::clock::now_ns;

/// The longest datagram, or as many as the system hands over as one.
const DATAGRAM_MAX_BYTES: usize = 65_536;

/// Asked of the system, which gives as much as its own limit (Linux: `net.core.rmem_max`). It bridges
/// what the thread may be kept from reading.
const SYSTEM_BUFFER_BYTES: usize = 8 << 20;

/// How soon the thread notices that it is to stop.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// How long the first datagram waits for others, which are then stored together.
const GATHER: Duration = Duration::from_millis(5);

/// An open socket.
pub(super) struct Datagrams {
    shared: Arc<Shared>,
    port: u16,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Packer>,
    arrived: Notify,
    is_stopping: AtomicBool,
    has_stopped: AtomicBool,
    received: AtomicU64,
    dropped: AtomicU64,
}

impl Datagrams {
    pub(super) fn open(
        address: impl ToSocketAddrs,
        message_max_bytes: usize,
        waiting_max_bytes: usize,
    ) -> io::Result<Self> {
        let no_address = || io::Error::new(ErrorKind::NotFound, "the host has no address");
        let address = address.to_socket_addrs()?.next().ok_or_else(no_address)?;
        let socket = bound(address)?;
        let port = socket.local_addr()?.port();
        let state = UdpSocketState::new((&socket).into())?;
        let shared = Arc::new(Shared::default());
        let reader =
            Reader { socket, state, shared: shared.clone(), message_max_bytes, waiting_max_bytes };
        thread::Builder::new().name("varve-syslog-udp".to_owned()).spawn(move || reader.run())?;
        Ok(Self { shared, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Datagrams received and dropped.
    pub(super) fn counts(&self) -> (u64, u64) {
        let Shared { received, dropped, .. } = &*self.shared;
        (received.load(Ordering::Relaxed), dropped.load(Ordering::Relaxed))
    }

    pub(super) async fn take(&self) -> Option<Vec<u8>> {
        let shared = &self.shared;
        loop {
            let has_stopped = shared.has_stopped.load(Ordering::Acquire);
            if !shared.waiting.lock().is_empty() {
                if !has_stopped {
                    tokio::time::sleep(GATHER).await;
                }
                return Some(shared.waiting.lock().take());
            }
            if has_stopped {
                return None;
            }
            shared.arrived.notified().await;
        }
    }

    pub(super) fn close(&self) {
        self.shared.is_stopping.store(true, Ordering::Release);
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.close();
    }
}

fn bound(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    // Less is no reason not to listen.
    drop(socket.set_recv_buffer_size(SYSTEM_BUFFER_BYTES));
    socket.bind(&address.into())?;
    socket.set_read_timeout(Some(STOP_CHECK))?;
    Ok(socket.into())
}

/// What the thread owns.
struct Reader {
    socket: UdpSocket,
    state: UdpSocketState,
    shared: Arc<Shared>,
    message_max_bytes: usize,
    waiting_max_bytes: usize,
}

impl Reader {
    fn run(self) {
        let mut buffers = vec![vec![0; DATAGRAM_MAX_BYTES]; BATCH_SIZE];
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        loop {
            let is_stopping = self.shared.is_stopping.load(Ordering::Acquire);
            let mut failed = !is_stopping && self.wait().is_err();
            while let Some(count) = self.receive(&mut buffers, &mut metas, &mut failed) {
                self.keep(buffers.iter().zip(&metas).take(count));
                self.shared.arrived.notify_one();
            }
            if is_stopping {
                break;
            }
            if failed {
                // Such as an ICMP answer to nothing of ours: the socket lives on, but must not spin.
                thread::sleep(GATHER);
            }
        }
        self.shared.has_stopped.store(true, Ordering::Release);
        self.shared.arrived.notify_one();
    }

    /// Waits until there is a datagram, or it is time to look whether to stop.
    fn wait(&self) -> io::Result<()> {
        self.socket.set_nonblocking(false)?;
        // Only looked at: more than one datagram may be behind, which this call could not tell apart.
        let waited = self.socket.peek_from(&mut [0]);
        self.socket.set_nonblocking(true)?;
        match waited {
            Err(error) if !is_nothing_yet(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads what is there; `None` if nothing is left.
    fn receive(
        &self,
        buffers: &mut [Vec<u8>],
        metas: &mut [RecvMeta],
        failed: &mut bool,
    ) -> Option<usize> {
        let mut slices: Vec<IoSliceMut<'_>> =
            buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
        match self.state.recv((&self.socket).into(), &mut slices, metas) {
            Ok(count) => Some(count),
            Err(error) => {
                *failed |= !is_nothing_yet(&error);
                None
            }
        }
    }

    fn keep<'b>(&self, received: impl Iterator<Item = (&'b Vec<u8>, &'b RecvMeta)>) {
        let received_ns = now_ns();
        let (mut kept, mut dropped) = (0, 0);
        let mut sender_before: Option<IpAddr> = None;
        let mut waiting = self.shared.waiting.lock();
        for (buffer, meta) in received {
            let filled = buffer.get(..meta.len).unwrap_or_default();
            for datagram in filled.chunks(meta.stride.max(1)) {
                if waiting.len() + datagram.len() > self.waiting_max_bytes {
                    dropped += 1;
                    continue;
                }
                let address = meta.addr.ip().to_canonical();
                if sender_before.replace(address) != Some(address) {
                    let sender = Sender { address: address.to_string(), name: String::new() };
                    waiting.start_section(&sender, received_ns);
                }
                let bytes = datagram.get(..self.message_max_bytes).unwrap_or(datagram);
                let is_truncated = bytes.len() < datagram.len();
                waiting.push(Arrived { bytes, is_truncated, is_partial: false });
                kept += 1;
            }
        }
        drop(waiting);
        self.shared.received.fetch_add(kept, Ordering::Relaxed);
        self.shared.dropped.fetch_add(dropped, Ordering::Relaxed);
    }
}

fn is_nothing_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use varve_wire::syslog::Sections;

    use super::*;

    fn opened(waiting_max_bytes: usize) -> (Datagrams, UdpSocket) {
        let datagrams = Datagrams::open("127.0.0.1:0", 8, waiting_max_bytes).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(("127.0.0.1", datagrams.port())).unwrap();
        (datagrams, sender)
    }

    /// Closes and takes all messages; `~` behind one that was cut.
    fn messages(datagrams: &Datagrams) -> Vec<String> {
        datagrams.close();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut found = Vec::new();
        while let Some(body) = runtime.block_on(datagrams.take()) {
            for section in Sections::new(&body).map(Result::unwrap) {
                assert_eq!((section.address, section.name), ("127.0.0.1", ""));
                for message in section.map(Result::unwrap) {
                    let cut = if message.is_truncated { "~" } else { "" };
                    found.push(format!("{}{cut}", String::from_utf8_lossy(message.bytes)));
                }
            }
        }
        found
    }

    #[test]
    fn each_datagram_is_a_message_and_a_long_one_is_cut() {
        let (datagrams, sender) = opened(1 << 20);
        for text in ["<13>a", "<13>b", "", "<13>12345", "<13>c\n"] {
            sender.send(text.as_bytes()).unwrap();
        }
        assert_eq!(messages(&datagrams), ["<13>a", "<13>b", "<13>1234~", "<13>c\n"]);
        assert_eq!(datagrams.counts(), (4, 0));
    }

    #[test]
    fn what_comes_while_too_much_waits_is_counted() {
        let (datagrams, sender) = opened(200);
        for _ in 0..100 {
            sender.send(b"<13>1234").unwrap();
        }
        let kept = messages(&datagrams).len() as u64;
        assert!((1..=25).contains(&kept), "{kept}");
        assert_eq!(datagrams.counts(), (kept, 100 - kept));
    }

    #[test]
    fn an_address_in_use_is_an_error() {
        let (datagrams, _) = opened(1 << 20);
        let again = Datagrams::open(("127.0.0.1", datagrams.port()), 8, 8);
        assert_eq!(again.err().unwrap().kind(), ErrorKind::AddrInUse);
    }
}
