//! The log protocol, and every state that it can get into.
//!
//! Checked is how one leader replaces another (log-core, sections 3 to 5): an epoch with its
//! leader, up to two nodes that seal, repair and close it at the same time, the control group that
//! lets one of them open the next epoch, and the old leader, which nobody stops. Messages come
//! late, twice or never; frames are damaged and disks lost; the nodeset may change with the epoch. The model
//! is no part of the log's code: it says in few words what that code has to do, and `mutants` what
//! happens when it does not.
//!
//! What is left out, and why that hides nothing:
//!
//! - *A crash and a restart.* A store keeps nothing but what is on its disk, and a record that was
//!   not synced was not stored. Leaders and recoverers do not come back; that one of them takes no
//!   further action is among the states.
//! - *The control group's own replicas.* It is one register that compares its version: what Raft
//!   gives.
//! - *Which store and which recoverer is which.* States that differ in this only are visited once
//!   (`State::canonical`).
//! - *A recovery of the second epoch.* It would be the first one's over again.
//!
//! States are told apart by hashes of 64 bits. With 22 million of them, the chance that any was
//! taken for another is below one in 50,000.
//!
//! The sizes are in `bounds`; `--nocapture` shows states, depth and time of each.

mod actions;
mod bounds;
mod check;
mod invariants;
mod mutant;
mod mutants;
mod protocol;
mod space;
mod state;
mod steps;
mod witnesses;

use bounds::{one_frame_damaged, one_store_left_out, one_store_replaced, three_stores};
use check::assert_safe;
use protocol::Protocol;

#[test]
fn three_stores_with_two_copies_replace_a_leader_and_outlive_a_disk() {
    println!("{}", assert_safe(three_stores(2)));
}

#[test]
fn three_stores_with_three_copies_replace_a_leader_and_outlive_two_disks() {
    println!("{}", assert_safe(Protocol { lost_disks: 2, ..three_stores(3) }));
}

#[test]
fn three_stores_with_one_copy_replace_a_leader() {
    println!("{}", assert_safe(Protocol { lost_disks: 0, ..three_stores(1) }));
}

#[test]
fn three_stores_with_one_copy_close_no_epoch_that_they_lost() {
    println!("{}", assert_safe(Protocol { old_records: 1, ..three_stores(1) }));
}

#[test]
fn three_stores_with_two_copies_read_a_damaged_frame_elsewhere() {
    println!("{}", assert_safe(one_frame_damaged(2)));
}

#[test]
fn three_stores_with_three_copies_read_a_damaged_frame_elsewhere() {
    println!("{}", assert_safe(one_frame_damaged(3)));
}

#[test]
fn three_stores_with_one_copy_do_not_take_a_damaged_frame_for_an_end() {
    println!("{}", assert_safe(Protocol { old_records: 1, ..one_frame_damaged(1) }));
}

#[test]
fn two_stores_with_two_copies_hand_over_to_one_of_them_and_another() {
    println!("{}", assert_safe(one_store_replaced(2)));
}

#[test]
fn two_stores_with_one_copy_hand_over_to_one_of_them_and_another() {
    println!("{}", assert_safe(one_store_replaced(1)));
}

#[test]
fn three_stores_hand_over_to_two_of_them_with_fewer_copies() {
    println!("{}", assert_safe(Protocol { lost_disks: 0, ..one_store_left_out() }));
}
