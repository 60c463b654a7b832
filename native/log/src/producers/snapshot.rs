//! A table as bytes (`docs/format.md`, "Producers").

use std::collections::VecDeque;

use bytes::Bytes;
use varve_types::Lsn;

use super::{
    ProducerSettings, ProducerTable, SessionId,
    sessions::{RECENT_MAX, Session},
};

const MAGIC: [u8; 8] = *b"VARVEPRD";
const VERSION: u32 = 2;
/// Has one time, the highest that was applied.
const VERSION_OF_ONE_TIME: u32 = 1;

/// Why a snapshot cannot be used. The table must be made from the log again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Cut short, or changed.
    #[error("producers' snapshot is damaged: {reason}; replay the log instead")]
    Damaged {
        /// What is wrong.
        reason: &'static str,
    },
    /// Of another program.
    #[error(
        "producers' snapshot has format version {version}, this program knows {VERSION}; replay the log instead"
    )]
    Version {
        /// The one it has.
        version: u32,
    },
}

impl ProducerTable {
    /// The table as bytes: equal tables give equal bytes.
    pub fn encode_snapshot(&self) -> Bytes {
        let mut out = Vec::with_capacity(64 + self.sessions.len() * 208 + self.keys.len() * 36);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.push(u8::from(self.applied.is_some()));
        put_lsn(&mut out, self.applied.unwrap_or_default());
        out.extend_from_slice(&self.time_ms.to_le_bytes());
        out.extend_from_slice(&self.last_ms.to_le_bytes());
        out.extend_from_slice(&(self.sessions.len() as u32).to_le_bytes());
        for (id, session) in self.sessions.iter() {
            out.extend_from_slice(&id.0.to_le_bytes());
            out.extend_from_slice(&session.last_seq.to_le_bytes());
            out.push(session.recent.len() as u8);
            session.recent.iter().for_each(|&lsn| put_lsn(&mut out, lsn));
        }
        out.extend_from_slice(&(self.keys.len() as u32).to_le_bytes());
        for (key, lsn, append_time_ms) in self.keys.iter() {
            out.extend_from_slice(&key.to_le_bytes());
            put_lsn(&mut out, lsn);
            out.extend_from_slice(&append_time_ms.to_le_bytes());
        }
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out.into()
    }

    /// The table of a snapshot. `settings` count from here on: what is over them is forgotten.
    pub fn decode_snapshot(
        bytes: &[u8],
        settings: ProducerSettings,
    ) -> Result<Self, SnapshotError> {
        let (version, body) = checked(bytes)?;
        let mut fields = Fields(body);
        let mut table = Self::new(settings);
        let has_applied = fields.u8()? == 1;
        let applied = fields.lsn()?;
        table.applied = has_applied.then_some(applied);
        table.time_ms = i64::from_le_bytes(fields.take()?);
        table.last_ms = match version {
            VERSION_OF_ONE_TIME => table.time_ms,
            _ => i64::from_le_bytes(fields.take()?),
        };
        for _ in 0..fields.u32()? {
            let (id, session) = fields.session()?;
            if !table.sessions.restore(id, session) {
                return Err(SnapshotError::Damaged { reason: "a session is there twice" });
            }
        }
        let keys = fields.u32()?;
        for _ in 0..keys {
            let key = u128::from_le_bytes(fields.take()?);
            let (lsn, append_time_ms) = (fields.lsn()?, i64::from_le_bytes(fields.take()?));
            if table.keys.get(key).is_some() {
                return Err(SnapshotError::Damaged { reason: "a key is there twice" });
            }
            table.keys.push(key, lsn, append_time_ms, keys);
        }
        if !fields.0.is_empty() {
            return Err(SnapshotError::Damaged { reason: "bytes follow the last key" });
        }
        table.sessions.keep(settings.sessions_max);
        table.keep_keys();
        Ok(table)
    }
}

/// The version, and what is between it and the checksum.
fn checked(bytes: &[u8]) -> Result<(u32, &[u8]), SnapshotError> {
    let damaged = |reason| SnapshotError::Damaged { reason };
    let (checked, crc) = bytes.split_last_chunk::<4>().ok_or(damaged("it is too short"))?;
    if *crc != crc32c::crc32c(checked).to_le_bytes() {
        return Err(damaged("the checksum does not match"));
    }
    let mut fields = Fields(checked);
    if fields.take()? != MAGIC {
        return Err(damaged("it does not begin as one"));
    }
    match fields.u32()? {
        version @ (VERSION | VERSION_OF_ONE_TIME) => Ok((version, fields.0)),
        version => Err(SnapshotError::Version { version }),
    }
}

fn put_lsn(out: &mut Vec<u8>, lsn: Lsn) {
    out.extend_from_slice(&lsn.epoch.0.to_le_bytes());
    out.extend_from_slice(&lsn.offset.0.to_le_bytes());
}

/// Fields not read yet.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (field, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(SnapshotError::Damaged { reason: "it ends within a field" })?;
        self.0 = rest;
        Ok(*field)
    }

    fn u8(&mut self) -> Result<u8, SnapshotError> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.take().map(u64::from_le_bytes)
    }

    fn lsn(&mut self) -> Result<Lsn, SnapshotError> {
        Ok(Lsn::new(self.u32()?, self.u64()?))
    }

    fn session(&mut self) -> Result<(SessionId, Session), SnapshotError> {
        let (id, last_seq) = (SessionId(self.u64()?), self.u64()?);
        let places = usize::from(self.u8()?);
        if !(1..=RECENT_MAX).contains(&places) {
            return Err(SnapshotError::Damaged { reason: "a session has 0 or over 16 places" });
        }
        let recent = (0..places).map(|_| self.lsn()).collect::<Result<VecDeque<_>, _>>()?;
        Ok((id, Session { last_seq, recent }))
    }
}
