use super::*;
use crate::journal::frame_header::FRAME_ALIGN_BYTES;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn place(number: u32) -> Place {
    Place::new(u64::from(number) * FRAME_ALIGN_BYTES, 0)
}

/// What is held, record by record.
fn flat(index: &EpochIndex) -> BTreeMap<u64, (u64, Place)> {
    let of_run = |(&first, run): (&u64, &Run)| {
        let sequence = run.sequence;
        let places = run.places.clone().into_iter().enumerate();
        places.map(move |(at, place)| (first + at as u64, (sequence, place)))
    };
    index.runs.iter().flat_map(of_run).collect()
}

proptest! {
    /// Records arrive in any order, some again from a repair, and a close cuts some off.
    #[test]
    fn an_epoch_holds_what_a_map_would(
        inserted in prop::collection::vec((0..20u64, 1..4u64), 0..60), end in 0..25u64,
    ) {
        let (mut index, mut expected) = (EpochIndex::default(), BTreeMap::new());
        for (number, (offset, sequence)) in inserted.into_iter().enumerate() {
            index.insert(offset, sequence, place(number as u32));
            expected.insert(offset, (sequence, place(number as u32)));
            prop_assert_eq!(&flat(&index), &expected);
        }
        index.cut(end);
        expected.split_off(&end);
        prop_assert_eq!(&flat(&index), &expected);
        let held: Vec<u64> = index.held().into_iter().flatten().collect();
        prop_assert_eq!(held, expected.into_keys().collect::<Vec<_>>());
    }
}

#[test]
fn neighbours_in_one_file_are_one_run_and_a_hole_or_another_file_begins_the_next() {
    let mut index = EpochIndex::default();
    for (offset, sequence) in [(0, 1), (1, 1), (3, 1), (4, 2), (2, 2)] {
        index.insert(offset, sequence, place(0));
    }
    assert_eq!(index.runs.keys().copied().collect::<Vec<_>>(), [0, 2, 3, 4]);
    assert_eq!(index.held(), vec![0..5]);
}

#[test]
fn marks_say_where_a_partition_stands() {
    let mut partition = PartitionIndex::default();
    for offset in 0..4 {
        partition.insert(Lsn::new(2, offset), 1, place(0));
    }
    partition.mark(FrameKind::Seal, Lsn::new(2, 0));
    partition.mark(FrameKind::Seal, Lsn::new(1, 0));
    partition.mark(FrameKind::Close, Lsn::new(1, 9));
    partition.mark(FrameKind::Close, Lsn::new(2, 3));
    assert_eq!(partition.sealed, Some(Epoch(2)));
    assert_eq!(partition.epochs[&2].held(), vec![0..3]);
    assert_eq!(partition.closes, BTreeMap::from([(1, 9), (2, 3)]));
    partition.mark(FrameKind::Trim, Lsn::new(2, 1));
    partition.mark(FrameKind::Trim, Lsn::new(2, 0));
    let held = partition.places_from(partition.trim_point).map(|(_, places)| places.len());
    assert_eq!((partition.trim_point, held.sum::<usize>()), (Lsn::new(2, 1), 2));
    assert_eq!(partition.places_from(Lsn::new(2, 3)).count(), 0);
    assert_eq!(partition.closes, BTreeMap::from([(2, 3)]));
}
