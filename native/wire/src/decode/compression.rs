//! Decompression with a bound: a small body that would become a huge one is stopped on the way.

use std::{
    borrow::Cow,
    io::{self, Read},
};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::{DecodeError, Encoding};

/// What framed Snappy starts with; older Collectors send it under the name of the block format.
const SNAPPY_FRAMES_START: [u8; 10] = [0xff, 0x06, 0x00, 0x00, b's', b'N', b'a', b'P', b'p', b'Y'];

/// The most memory a Zstandard frame may ask for: 2^27 bytes, as the format's own tools allow.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// The body as it was before compression; no more than `max_bytes` of it.
pub(super) fn decompress(
    encoding: Encoding,
    body: &[u8],
    max_bytes: usize,
) -> Result<Cow<'_, [u8]>, DecodeError> {
    let invalid = |encoding| move |source| DecodeError::Compression { encoding, source };
    let bounded = |reader: &mut dyn Read, encoding| {
        let mut out = Vec::with_capacity(body.len().saturating_mul(3).min(max_bytes));
        let limit = (max_bytes as u64).saturating_add(1);
        reader.take(limit).read_to_end(&mut out).map_err(invalid(encoding))?;
        if out.len() > max_bytes {
            return Err(DecodeError::TooLarge { max_bytes });
        }
        Ok(out)
    };
    let out = match encoding {
        Encoding::Identity if body.len() > max_bytes => {
            return Err(DecodeError::TooLarge { max_bytes });
        }
        Encoding::Identity => return Ok(Cow::Borrowed(body)),
        Encoding::Gzip => bounded(&mut MultiGzDecoder::new(body), "gzip")?,
        Encoding::Deflate => {
            let mut reader = ZlibDecoder::new(body);
            let out = bounded(&mut reader, "deflate")?;
            nothing_after(reader.into_inner()).map_err(invalid("deflate"))?;
            out
        }
        Encoding::RawDeflate => {
            let mut reader = DeflateDecoder::new(body);
            let out = bounded(&mut reader, "deflate")?;
            nothing_after(reader.into_inner()).map_err(invalid("deflate"))?;
            out
        }
        Encoding::Zstd => {
            let reader = zstd::stream::read::Decoder::with_buffer(body);
            let mut reader = reader.map_err(invalid("zstd"))?;
            reader.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(invalid("zstd"))?;
            bounded(&mut reader, "zstd")?
        }
        Encoding::Lz4 => bounded(&mut Lz4Frames::new(body).map_err(invalid("lz4"))?, "lz4")?,
        Encoding::Snappy if body.starts_with(&SNAPPY_FRAMES_START) => {
            bounded(&mut snap::read::FrameDecoder::new(body), "snappy")?
        }
        Encoding::Snappy => {
            let snappy = |error| invalid("snappy")(io::Error::other(error));
            // The block says its length first, so the bound is known before anything is written.
            if snap::raw::decompress_len(body).map_err(snappy)? > max_bytes {
                return Err(DecodeError::TooLarge { max_bytes });
            }
            snap::raw::Decoder::new().decompress_vec(body).map_err(snappy)?
        }
    };
    Ok(Cow::Owned(out))
}

fn nothing_after(rest: &[u8]) -> io::Result<()> {
    if rest.is_empty() {
        return Ok(());
    }
    Err(io::Error::other(format!("{} bytes follow the compressed data", rest.len())))
}

/// Reads LZ4 frames one after the other. Each must have its end mark: the library's own reader takes a
/// body that was cut between two blocks for one that ends there, until it is asked.
struct Lz4Frames<'a> {
    /// `None` after the last frame.
    frame: Option<lz4::Decoder<&'a [u8]>>,
    frames: u32,
}

/// Each has buffers of its own: a body of many empty ones would cost much and give nothing.
const LZ4_FRAMES_MAX: u32 = 1_000;

impl<'a> Lz4Frames<'a> {
    fn new(body: &'a [u8]) -> io::Result<Self> {
        Ok(Self { frame: Some(lz4::Decoder::new(body)?), frames: 1 })
    }
}

impl Read for Lz4Frames<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(frame) = &mut self.frame {
            let length = frame.read(out)?;
            if length > 0 || out.is_empty() {
                return Ok(length);
            }
            let Some(ended) = self.frame.take() else { break };
            let (rest, is_whole) = ended.finish();
            is_whole.map_err(|_| {
                io::Error::new(io::ErrorKind::UnexpectedEof, "the last frame has no end")
            })?;
            if !rest.is_empty() {
                self.frames += 1;
                if self.frames > LZ4_FRAMES_MAX {
                    let reason = format!("it has over {LZ4_FRAMES_MAX} frames");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
                }
                self.frame = Some(lz4::Decoder::new(rest)?);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests;
