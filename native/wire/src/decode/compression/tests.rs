use std::io::Write as _;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use varve_types::ErrorCode;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).unwrap()
}

fn snappy_frames(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.into_inner().unwrap()
}

fn lz4_frame(bytes: &[u8]) -> Vec<u8> {
    // Small blocks, so that even short bodies have several.
    let mut builder = lz4::EncoderBuilder::new();
    builder
        .block_size(lz4::BlockSize::Max64KB)
        .block_checksum(lz4::liblz4::BlockChecksum::NoBlockChecksum);
    let mut encoder = builder.build(Vec::new()).unwrap();
    encoder.write_all(bytes).unwrap();
    let (sent, outcome) = encoder.finish();
    outcome.unwrap();
    sent
}

type Compress = fn(&[u8]) -> Vec<u8>;

const ALL: [(Encoding, Compress); 8] = [
    (Encoding::Identity, <[u8]>::to_vec),
    (Encoding::Gzip, gzip),
    (Encoding::Deflate, zlib),
    (Encoding::RawDeflate, deflate),
    (Encoding::Zstd, zstd),
    (Encoding::Snappy, snappy),
    (Encoding::Snappy, snappy_frames),
    (Encoding::Lz4, lz4_frame),
];

#[test]
fn each_encoding_gives_back_the_body() {
    let body = b"a body, a body, a body".repeat(50);
    for (encoding, compress) in ALL {
        assert_eq!(decompress(encoding, &compress(&body), 2_000).unwrap(), body, "{encoding:?}");
    }
}

#[test]
fn a_body_of_the_limit_is_taken_and_one_byte_more_is_too_large() {
    let body = vec![0; 1_000_000];
    for (encoding, compress) in ALL {
        let sent = compress(&body);
        assert!(decompress(encoding, &sent, 1_000_000).is_ok(), "{encoding:?}");
        let error = decompress(encoding, &sent, 999_999).unwrap_err();
        assert_eq!(error.code(), ErrorCode::BodyTooLarge, "{encoding:?}");
    }
}

#[test]
fn what_follows_the_compressed_data_is_an_error() {
    for (encoding, compress) in &ALL[1..] {
        let mut sent = compress(b"body");
        sent.extend_from_slice(b"garbage");
        let error = decompress(*encoding, &sent, 1_000).unwrap_err();
        assert_eq!(error.code(), ErrorCode::BodyInvalid, "{encoding:?}");
    }
}

#[test]
fn a_body_that_was_cut_is_an_error() {
    let body: Vec<u8> = (0..=255).collect();
    for (encoding, compress) in &ALL[1..] {
        let sent = compress(&body);
        let error = decompress(*encoding, &sent[..sent.len() - 5], 1_000).unwrap_err();
        assert_eq!(error.code(), ErrorCode::BodyInvalid, "{encoding:?}");
    }
}

#[test]
fn gzip_members_are_read_one_after_the_other() {
    let sent = [gzip(b"one "), gzip(b"two")].concat();
    assert_eq!(decompress(Encoding::Gzip, &sent, 100).unwrap(), b"one two".as_slice());
}

#[test]
fn lz4_frames_are_read_one_after_the_other_and_share_the_limit() {
    let sent = [lz4_frame(b"one "), lz4_frame(b""), lz4_frame(b"two")].concat();
    assert_eq!(decompress(Encoding::Lz4, &sent, 7).unwrap(), b"one two".as_slice());
    let error = decompress(Encoding::Lz4, &sent, 6).unwrap_err();
    assert_eq!(error.code(), ErrorCode::BodyTooLarge);
}

/// Wherever it is cut, also where a block ends, what is left is not taken for the whole.
#[test]
fn a_body_of_endless_empty_lz4_frames_is_refused() {
    let error = decompress(Encoding::Lz4, &lz4_frame(b"").repeat(1_001), 1_000).unwrap_err();
    assert!(error.to_string().contains("over 1000 frames"), "{error}");
    assert!(decompress(Encoding::Lz4, &lz4_frame(b"").repeat(1_000), 1_000).unwrap().is_empty());
}

#[test]
fn an_lz4_body_that_was_cut_anywhere_is_an_error() {
    let body: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    let one = lz4_frame(&body);
    let cuts = block_ends(&one).into_iter().chain([0, 4, 7, one.len() - 1]);
    for cut in cuts {
        let error = decompress(Encoding::Lz4, &one[..cut], 1_000_000).unwrap_err();
        assert_eq!(error.code(), ErrorCode::BodyInvalid, "cut at {cut}");
        let after_a_whole_one = [&one, &one[..cut.max(1)]].concat();
        assert!(decompress(Encoding::Lz4, &after_a_whole_one, 1_000_000).is_err(), "cut at {cut}");
    }
}

/// The places after each block of a frame that has seven bytes of header and no checksums of blocks
/// (LZ4 Frame Format, "Data Blocks"), without the last, which is the end mark's.
fn block_ends(frame: &[u8]) -> Vec<usize> {
    let mut ends = vec![7];
    loop {
        let at = ends[ends.len() - 1];
        let size = u32::from_le_bytes(frame[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        if size == 0 {
            assert!(ends.len() > 3, "the body has several blocks");
            return ends;
        }
        ends.push(at + 4 + size as usize);
    }
}
