//! What every log must show; each implementation is held to it.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail by panicking, as tests do")]

mod append;
mod following;
mod holds;
mod limits;
mod reading;
mod retries;
mod subscribe;
mod support;
mod trim;

/// One `#[test]` per promise and implementation.
macro_rules! promises {
    ($implementation:ident, $subject:expr; $($part:ident: $($promise:ident),+;)+) => {
        mod $implementation {
            $(mod $part {
                $(#[test]
                fn $promise() {
                    crate::$part::$promise(&mut $subject);
                })+
            })+
        }
    };
}

macro_rules! contract {
    ($implementation:ident, $subject:expr) => {
        promises!($implementation, $subject;
            append:
                offsets_start_at_zero_and_have_no_holes,
                a_record_is_read_back_as_it_was_appended,
                a_place_is_readable_when_it_is_told,
                a_closed_log_refuses_appends_and_still_reads,
                what_close_had_accepted_is_stored,
                appends_of_many_threads_leave_no_holes,
                an_empty_request_is_accepted_and_stores_nothing;
            reading:
                a_read_ends_once_its_bytes_are_gathered,
                a_restart_opens_the_next_epoch_and_reads_go_on_across_it,
                an_epoch_that_ended_has_its_end_for_good;
            limits:
                a_request_over_the_bound_is_refused_whole,
                past_what_may_wait_requests_are_refused_and_those_inside_are_stored,
                without_room_appends_are_refused_until_there_is_some_and_reads_go_on,
                what_cannot_be_read_any_more_is_told_and_the_rest_is_given;
            retries:
                a_record_with_a_key_is_stored_once,
                a_key_is_known_after_a_restart_and_a_trim,
                a_session_stores_each_number_once_and_in_order,
                a_session_counts_in_each_partition_for_itself,
                a_session_that_nobody_knows_is_not_guessed_at,
                a_number_far_back_in_its_session_is_known_without_its_place,
                a_session_goes_on_after_a_restart_and_a_trim,
                no_two_sessions_have_one_id_also_over_a_restart;
            subscribe:
                a_subscription_gives_what_is_stored_and_then_what_is_appended,
                a_subscription_begins_where_it_is_told_to,
                records_know_their_places,
                a_log_is_followed_with_the_partitions_that_come_to_be,
                what_is_appended_meanwhile_is_given_once_and_in_order,
                no_more_bytes_are_given_than_were_granted,
                a_record_larger_than_the_credit_is_given_alone,
                a_grant_and_an_append_wake_whoever_waits,
                cancelling_ends_a_subscription_also_while_it_waits,
                a_closed_log_gives_what_it_holds_and_then_says_that_it_is_over,
                a_subscription_goes_on_from_its_positions_after_a_restart,
                behind_the_trim_point_it_says_so_once_and_other_partitions_go_on,
                a_place_that_the_log_never_gave_is_refused;
            trim:
                what_is_trimmed_is_refused_also_after_a_restart,
                a_trim_point_never_passes_the_tail,
                whoever_comes_too_late_is_told_where_to_boot_from,
                only_what_all_snapshots_have_is_trimmed;
            holds:
                what_is_held_stays_until_it_is_released_also_over_a_restart,
                a_hold_is_moved_on_by_its_name,
                a_hold_is_also_over_partitions_that_come_later,
                a_hold_lets_nothing_go_that_no_snapshot_has,
                a_hold_that_grew_too_old_holds_no_longer_and_is_told_of,
                what_is_gone_or_never_was_is_not_held,
                a_hold_has_a_name_of_its_own_and_an_age_within_the_setting,
                a_closed_log_takes_no_holds;
        );
    };
}

contract!(memory, crate::support::in_memory());
contract!(journal, crate::support::OnDisk::new());
