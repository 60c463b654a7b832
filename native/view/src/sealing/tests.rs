use varve_columnar::builders::MetadataBuilder;
use varve_types::{LogId, Lsn, PartitionId, TenantId};

use super::*;
use crate::files::below;

const TENANTS: u64 = 9;

/// One row of metadata for each tenant.
fn memtable() -> Memtable {
    let mut memtable = Memtable::default();
    for tenant in 0..TENANTS {
        let mut rows = MetadataBuilder::default();
        rows.append("m", "counter", "", "");
        let batch = MemtableBatch {
            partition: PartitionId { log: LogId::Samples, number: 0 },
            lsn: Lsn::new(1, tenant),
            batch: rows.finish().unwrap(),
            time_range: (0, 0),
        };
        let tenant = TenantId::parse(&format!("tenant-{tenant}")).unwrap();
        memtable.insert((tenant, Table::Metadata), batch, 1);
    }
    memtable
}

fn store() -> (tempfile::TempDir, Folders) {
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders::new(folder.path());
    fs::create_dir_all(folders.manifest()).unwrap();
    fs::create_dir_all(folders.segments()).unwrap();
    (folder, folders)
}

fn seal(folders: &Folders, manifest: &mut Manifest) -> Result<NewSegments, SealError> {
    let texts = LabelTexts::default();
    let sealing = Sealing {
        folders,
        texts: &texts,
        text_block_rows: 16,
        filter_attributes: &FilterAttributes::default(),
        workers: 4,
        priority: Priority::Equal,
    };
    sealing.seal(&memtable(), manifest)
}

#[test]
fn segments_written_side_by_side_come_in_the_order_of_their_ids() {
    let (_folder, folders) = store();
    let mut manifest = Manifest::default();
    let segments = seal(&folders, &mut manifest).unwrap();
    let ids: Vec<u64> = segments.iter().map(|(_, segment)| segment.entry().id).collect();
    assert_eq!(ids, (0..TENANTS).collect::<Vec<_>>());
    assert_eq!(manifest, Manifest::open(&folders).unwrap());
    assert_eq!(manifest.segments.len() as u64, TENANTS);
}

#[test]
fn a_sealing_that_fails_at_one_segment_leaves_no_file_and_uses_no_id_twice() {
    let (_folder, folders) = store();
    let mut manifest = Manifest::default();
    let in_the_way = folders.segments().join("tenant-5");
    fs::write(&in_the_way, "").unwrap();
    let error = seal(&folders, &mut manifest).err().unwrap();
    assert!(error.to_string().contains("tenant-5"), "{error}");
    assert_eq!(below(&folders.segments()).unwrap(), std::slice::from_ref(&in_the_way));
    assert_eq!(manifest.segments, []);
    fs::remove_file(in_the_way).unwrap();
    let segments = seal(&folders, &mut manifest).unwrap();
    assert!(segments.iter().all(|(_, segment)| segment.entry().id >= TENANTS));
}
