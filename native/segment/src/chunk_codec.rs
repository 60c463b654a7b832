//! Times and values of one chunk as bytes (format: docs/format.md, "Chunks").
//!
//! A chunk often holds no more than the 40 samples that a series gets in ten minutes. For those pco's
//! headers cost more than the samples: 160 bytes a chunk, where whole numbers and short decimals, which
//! most metrics are, take 50 as deltas in variable-length integers. The bytes are compressed again
//! with their page.

use pco::{ChunkConfig, errors::PcoError, standalone};

/// The first byte says how the rest is to be read.
const PCO: u8 = 0;
/// Delta of deltas of integers.
const SECOND_DELTAS: u8 = 1;
/// Deltas of values × 10^k: `DECIMAL_DELTAS` + k.
const DECIMAL_DELTAS: u8 = 16;
/// Powers of ten tried.
const POWERS: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
/// Whole numbers up to this are all exact as `f64`.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// From this many samples on pco is worth a try also where deltas can do.
const PCO_MIN_SAMPLES: usize = 128;

/// Why a chunk's bytes cannot be read back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChunkError {
    #[error(transparent)]
    Pco(#[from] PcoError),
    #[error("a chunk's encoding {0} is not known")]
    Encoding(u8),
    #[error("a chunk ends too early, or too late")]
    Length,
}

/// Milliseconds, as bytes.
pub(crate) fn pack_times(times_ms: &[i64]) -> Vec<u8> {
    let mut out = vec![SECOND_DELTAS];
    let (mut last, mut last_delta) = (0i64, 0i64);
    for &time in times_ms {
        let delta = time.wrapping_sub(last);
        write_signed(delta.wrapping_sub(last_delta), &mut out);
        (last, last_delta) = (time, delta);
    }
    out
}

/// What [`pack_times`] packed; `count` of them.
pub(crate) fn unpack_times(bytes: &[u8], count: usize) -> Result<Vec<i64>, ChunkError> {
    let (&encoding, mut rest) = bytes.split_first().ok_or(ChunkError::Length)?;
    if encoding != SECOND_DELTAS {
        return Err(ChunkError::Encoding(encoding));
    }
    let (mut last, mut last_delta) = (0i64, 0i64);
    let times = (0..count)
        .map(|_| {
            last_delta = last_delta.wrapping_add(read_signed(&mut rest)?);
            last = last.wrapping_add(last_delta);
            Ok(last)
        })
        .collect::<Result<_, ChunkError>>()?;
    if rest.is_empty() { Ok(times) } else { Err(ChunkError::Length) }
}

/// Values, as bytes, from which every bit comes back.
pub(crate) fn pack_values(values: &[f64]) -> Result<Vec<u8>, PcoError> {
    let decimals = pack_decimals(values);
    if let Some(decimals) = &decimals
        && values.len() < PCO_MIN_SAMPLES
    {
        return Ok(decimals.clone());
    }
    let mut packed = vec![PCO];
    packed.append(&mut standalone::simple_compress(values, &ChunkConfig::default())?);
    Ok(decimals.filter(|decimals| decimals.len() <= packed.len()).unwrap_or(packed))
}

/// What [`pack_values`] packed; `count` of them.
pub(crate) fn unpack_values(bytes: &[u8], count: usize) -> Result<Vec<f64>, ChunkError> {
    let (&encoding, mut rest) = bytes.split_first().ok_or(ChunkError::Length)?;
    if encoding == PCO {
        let values: Vec<f64> = standalone::simple_decompress(rest)?;
        return if values.len() == count { Ok(values) } else { Err(ChunkError::Length) };
    }
    let power = encoding
        .checked_sub(DECIMAL_DELTAS)
        .and_then(|k| POWERS.get(usize::from(k)))
        .ok_or(ChunkError::Encoding(encoding))?;
    let mut last = 0i64;
    let values = (0..count)
        .map(|_| {
            last = last.wrapping_add(read_signed(&mut rest)?);
            Ok(last as f64 / power)
        })
        .collect::<Result<_, ChunkError>>()?;
    if rest.is_empty() { Ok(values) } else { Err(ChunkError::Length) }
}

/// `None` if a value is not a decimal of at most six places that comes back bit by bit.
fn pack_decimals(values: &[f64]) -> Option<Vec<u8>> {
    let (k, wholes) = (0u8..).zip(POWERS).find_map(|(k, power)| {
        let wholes: Option<Vec<i64>> = values.iter().map(|&value| whole(value, power)).collect();
        Some((k, wholes?))
    })?;
    let mut out = vec![DECIMAL_DELTAS + k];
    let mut last = 0i64;
    for whole in wholes {
        write_signed(whole.wrapping_sub(last), &mut out);
        last = whole;
    }
    Some(out)
}

/// The whole number that gives back the value when it is divided by the power.
fn whole(value: f64, power: f64) -> Option<i64> {
    let scaled = (value * power).round();
    // Not so for NaN either.
    let is_exact = scaled.abs() <= EXACT_MAX;
    let whole = scaled as i64;
    (is_exact && (whole as f64 / power).to_bits() == value.to_bits()).then_some(whole)
}

/// Zigzag, then seven bits a byte, the lowest first, as protobuf's `sint64`.
fn write_signed(value: i64, out: &mut Vec<u8>) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

fn read_signed(bytes: &mut &[u8]) -> Result<i64, ChunkError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(ChunkError::Length)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err(ChunkError::Length)
}

#[cfg(test)]
mod tests;
