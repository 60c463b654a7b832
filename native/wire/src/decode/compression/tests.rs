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

type Compress = fn(&[u8]) -> Vec<u8>;

const ALL: [(Encoding, Compress); 7] = [
    (Encoding::Identity, <[u8]>::to_vec),
    (Encoding::Gzip, gzip),
    (Encoding::Deflate, zlib),
    (Encoding::RawDeflate, deflate),
    (Encoding::Zstd, zstd),
    (Encoding::Snappy, snappy),
    (Encoding::Snappy, snappy_frames),
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
