use super::*;

fn key(number: u64) -> FilterKey {
    FilterKey::of(&number.to_be_bytes())
}

fn filter(numbers: std::ops::Range<u64>) -> BloomFilter {
    numbers.map(key).collect()
}

#[test]
fn every_id_is_in_its_filter_and_of_others_one_in_a_thousand() {
    for size in [1, 2, 15, 16, 1_000, 100_000] {
        let filter = filter(0..size);
        assert!((0..size).all(|number| key(number).may_be_in(filter.blocks())), "{size}");
        let wrong = (size..size + 100_000).filter(|&one| key(one).may_be_in(filter.blocks()));
        assert!(wrong.count() < 300, "{size}");
    }
}

#[test]
fn a_filter_of_no_ids_has_none() {
    let filter = filter(0..0);
    assert!(filter.blocks().is_empty());
    assert!(!key(1).may_be_in(filter.blocks()));
}

#[test]
fn an_id_that_comes_often_takes_its_place_once() {
    let filter: BloomFilter = (0..10_000).map(|row| key(row / 1_000)).collect();
    assert_eq!(filter.blocks().len(), 1);
}

#[test]
fn a_filter_is_read_back_from_its_bytes() {
    let filter = filter(0..500);
    assert_eq!(filter.to_bytes().len(), 34 * BLOCK_BYTES);
    assert_eq!(BloomFilter::from_bytes(&filter.to_bytes()), filter);
}
