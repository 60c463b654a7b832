use proptest::prelude::*;

use varve_types::{Table, TenantId};

use super::*;
use crate::entry::LogRange;

fn entry(id: u64) -> SegmentEntry {
    SegmentEntry {
        id,
        tenant: TenantId::parse("shop").unwrap(),
        table: Table::Logs,
        rows: 10,
        records: 10,
        time_range: (1, 9),
        size_bytes: 1_000,
        sealed_at_ms: 5,
        checksum: Some(u64::MAX - id),
        log: vec![LogRange { partition: 3, first: Lsn::new(1, 0), last: Lsn::new(2, 7) }],
    }
}

fn manifest() -> Manifest {
    Manifest { next_id: 9, segments: [1, 4, 8].map(entry).to_vec(), ..Manifest::default() }
}

fn parse(bytes: &[u8]) -> Result<Manifest, OpenError> {
    Manifest::parse(Path::new("manifest.json"), bytes)
}

#[test]
fn a_manifest_is_read_as_it_was_written_and_is_json() {
    let bytes = manifest().to_bytes().unwrap();
    assert_eq!(parse(&bytes).unwrap(), manifest());
    assert!(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap().is_object());
}

#[test]
fn one_of_version_1_is_read_without_what_it_did_not_have() {
    let text = r#"{"version":1,"nextId":2,"covered":[],"segments":[{"id":1,"tenant":"shop",
        "table":"logs","rows":10,"records":10,"timeRange":[1,9],"sizeBytes":1000}]}"#;
    let entry = SegmentEntry { sealed_at_ms: 0, checksum: None, log: Vec::new(), ..entry(1) };
    let expected = Manifest { next_id: 2, segments: vec![entry], ..Manifest::default() };
    assert_eq!(parse(text.as_bytes()).unwrap(), expected);
}

#[test]
fn a_segment_comes_back_before_those_of_its_table_that_are_younger() {
    let mut manifest = manifest();
    manifest.put_back(entry(2));
    manifest.put_back(entry(9));
    manifest.put_back(SegmentEntry { table: Table::Spans, ..entry(0) });
    let ids: Vec<u64> = manifest.segments.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [1, 2, 4, 8, 9, 0]);
}

proptest! {
    #[test]
    fn no_flipped_bit_and_no_cut_goes_unseen(at in 0usize..2_000, bit in 0u8..8) {
        let bytes = manifest().to_bytes().unwrap();
        let at = at % bytes.len();
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        prop_assert!(parse(&flipped).is_err());
        prop_assert!(parse(&bytes[..at]).is_err());
    }
}
