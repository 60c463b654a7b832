use std::{fs, thread};

use super::*;

/// The number of this thread: field 19 of its `stat`, counted behind the name (proc(5)).
fn nice() -> i32 {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap().parse().unwrap()
}

#[test]
fn a_thread_that_seals_gives_way_and_the_one_that_began_it_does_not() {
    let before = nice();
    for (priority, added) in [
        (Priority::Equal, before),
        (Priority::Queries, 5),
        (Priority::Sealing, 10),
        (Priority::Compaction, 15),
    ] {
        let other = thread::spawn(move || {
            priority.take();
            nice()
        });
        assert_eq!(other.join().unwrap(), added, "{priority:?}");
    }
    assert_eq!(nice(), before);
}
