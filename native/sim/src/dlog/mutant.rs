//! Ways to be wrong, each a single rule of the protocol that is broken outside of the machines: a
//! message, a frame, a start or a command that is not what they made of it.

use crate::faults::counted;

counted! {
    /// A rule that is broken.
    Mutant, "mutant":
    /// None: the protocol as it is written.
    None => "none",
    /// A store acknowledges when it has written, not when the sync has returned.
    AcknowledgesBeforeSync => "acknowledges before the sync",
    /// A digest is answered, and counts, without its seal.
    DigestsUnsealed => "a digest without its seal counts",
    /// One store too few is waited for: the last one is taken for empty.
    FenceTooSmall => "one store too few in the fence quorum",
    /// An append is acknowledged as soon as it has W copies itself.
    AcknowledgesOutOfOrder => "acknowledges out of order",
    /// An epoch is closed before its kept records have W copies.
    ClosesBeforeRepair => "closes before the repair",
    /// A store that lost its disk answers that it holds nothing.
    LostAnswersAbsent => "a lost disk answers absent",
    /// A damaged frame counts as one that never was.
    DamagedIsAbsent => "a damaged frame counts as absent",
    /// A store that found an unreadable frame goes on as if there had been none.
    ForgetsUnreadable => "an unreadable frame is passed over",
    /// A leader goes on with its epoch after a restart.
    LeadsAfterRestart => "a leader goes on after a restart",
    /// A store takes appends after it has sealed.
    TakesAfterSeal => "a sealed store takes appends",
    /// A store serves what it holds, committed or not.
    ServesUnreleased => "serves what is not released",
    /// A leader that recovers its own epoch counts a repaired copy as an append's.
    RepairAcknowledgesAppend => "a repair acknowledges an append",
    /// Control applies a command whatever version it expects.
    ControlIgnoresVersion => "control ignores the version",
    /// The log is trimmed as soon as one view does not need it any more.
    TrimsForOneView => "one view's snapshot trims for all",
    /// What is held is trimmed as if it were not.
    TrimsPastHolds => "a hold does not hold",
    /// A store's digest leaves out up to where it was trimmed: what was dropped there is absent.
    DigestForgetsTrim => "a digest takes trimmed records for absent",
    /// A leader that is asked for the tail answers without asking the stores.
    TailUnconfirmed => "a tail is answered unconfirmed",
    /// What was sent again is taken for new.
    ForgetsRetries => "a retry is taken for new",
    /// A leader's records are appended whenever its wall clock shows, however far that has jumped.
    FollowsJumps => "append times follow a clock that jumps ahead",
    /// A coordinator does not sync its fence.
    FenceUnsynced => "a fence is not synced",
    /// A coordinator begins after a restart where its clock stands.
    FenceForgotten => "a fence is forgotten",
    /// Two nodes give ids as one coordinator.
    CoordinatorShared => "nodes share a coordinator",
    /// A new leader does not learn whose the records before its epoch are.
    ForgetsProducers => "a new leader forgets producers",
}
