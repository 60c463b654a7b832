use std::{fs, thread};

use super::*;

/// The number of this thread: field 19 of its `stat`, counted behind the name (proc(5)).
fn nice() -> i32 {
    let stat = fs::read_to_string("/proc/thread-self/stat").expect("Linux has it");
    let behind_name = stat.rsplit(')').next().expect("the name is in parentheses");
    let field = behind_name.split_whitespace().nth(16).expect("there are more than 19 fields");
    field.parse().expect("it is a number")
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
