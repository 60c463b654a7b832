//! Bodies for tests, and batches as text.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use varve_types::Table;

use super::{DecodeError, Decoded, Encoding, Format, Limits, decode};

/// Half a minute after the records of the tests.
pub(super) const RECEIVED_NS: i64 = 1_700_000_030_000_000_000;

/// The limits of the tests.
pub(super) const LIMITS: Limits =
    Limits { body_decompressed_max_bytes: 1 << 20, ..Limits::for_tests(1_000, 3_600_000) };

/// Decodes a body that is not compressed.
pub(super) fn decode_plain(format: Format, body: &[u8]) -> Result<Decoded, DecodeError> {
    decode(format, Encoding::Identity, body, &LIMITS, RECEIVED_NS)
}

/// The batch of a table.
pub(super) fn batch(decoded: &Decoded, table: Table) -> &RecordBatch {
    let found = decoded.batches.iter().find(|(of, _)| *of == table);
    &found.unwrap_or_else(|| panic!("no batch of {table:?}: {decoded:?}")).1
}

/// A column of texts, numbers or ids as texts; `-` for null.
pub(super) fn texts(batch: &RecordBatch, column: &str) -> Vec<String> {
    let array: &ArrayRef = batch.column_by_name(column).unwrap();
    let options = arrow::util::display::FormatOptions::default().with_null("-");
    let formatter = arrow::util::display::ArrayFormatter::try_new(array, &options).unwrap();
    (0..array.len()).map(|row| formatter.value(row).to_string()).collect()
}

/// Series, time and value of each sample.
pub(super) fn samples(decoded: &Decoded) -> Vec<String> {
    let batch = batch(decoded, Table::Samples);
    let values = batch.column_by_name("value").unwrap();
    let values = values.as_primitive::<arrow::datatypes::Float64Type>();
    let rows = texts(batch, "series").into_iter().zip(texts(batch, "time_unix_ms"));
    rows.zip(values.values())
        .map(|((series, time), value)| format!("{series} {time} {value}"))
        .collect()
}

/// Bytes as texts of binary columns show them.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// Reasons and counts.
pub(super) fn refusals(decoded: &Decoded) -> Vec<(&'static str, u64)> {
    decoded.refused.iter().map(|refusal| (refusal.reason, refusal.count)).collect()
}

/// A protobuf message, written field by field.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn varint(mut self, number: u64, value: u64) -> Self {
        self.push(number << 3);
        self.push(value);
        self
    }

    pub(super) fn fixed64(mut self, number: u64, value: u64) -> Self {
        self.push(number << 3 | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn double(self, number: u64, value: f64) -> Self {
        self.fixed64(number, value.to_bits())
    }

    pub(super) fn bytes(mut self, number: u64, bytes: &[u8]) -> Self {
        self.push(number << 3 | 2);
        self.push(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn text(self, number: u64, text: &str) -> Self {
        self.bytes(number, text.as_bytes())
    }

    pub(super) fn message(self, number: u64, message: &Self) -> Self {
        self.bytes(number, &message.0)
    }

    fn push(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// A body that is damaged in every way that one cut or one other byte can damage it: none may panic.
pub(super) fn damage_everywhere(format: Format, body: &[u8]) {
    for at in 0..body.len() {
        let _ = decode_plain(format, &body[..at]);
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = body.to_vec();
            damaged[at] ^= flip;
            let _ = decode_plain(format, &damaged);
        }
    }
}
