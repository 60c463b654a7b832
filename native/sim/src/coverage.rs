//! Rare branches that a long run must have been through, each counted where the world sees it.

use crate::faults::counted;

counted! {
    /// A situation of the protocol that faults have to bring about.
    Branch, "branch":
    /// A recovery closed an epoch, and its leader leads the next.
    EpochOpened => "an epoch was opened",
    /// Two recoveries of one epoch proposed, and the second read the first's result.
    RecoveryLost => "a recovery lost the race",
    /// A sequencer met a seal while it had appends in flight.
    SealedInFlight => "a leader was sealed with appends in flight",
    /// An append ended without its client knowing whether it is stored.
    AppendUnknown => "an append ended unknown",
    /// A client sent an append again after it ended unknown.
    AppendRetried => "an append was sent again",
    /// A record that was not acknowledged was kept at the close.
    UnacknowledgedKept => "an unacknowledged record was kept",
    /// A record that was written somewhere was cut off at the close.
    TailCut => "a tail was cut",
    /// A recovery copied a record to a store that missed it.
    Repaired => "a record was repaired",
    /// A leader refused an append since its window was full.
    Overloaded => "an append was refused as overloaded",
    /// A reader met a store that had not what it asked for.
    MissingAsked => "a reader asked another store",
    /// A reader went from one epoch to the next.
    EpochCrossed => "a reader crossed into an epoch",
    /// A tail was answered after stores confirmed the epoch.
    TailAnswered => "a linearizable tail was answered",
    /// An epoch was opened with other stores than the one before.
    StoresChanged => "the stores changed",
    /// A store dropped records that every snapshot covers.
    Trimmed => "records were trimmed",
    /// A hold kept records that every snapshot covers.
    HeldBack => "a hold kept records",
    /// A reader came for records that were trimmed, and went on behind them.
    TrimmedAsked => "a reader met the trim point",
    /// A retry was answered with the place of the first sending.
    DuplicateKnown => "a retry was known again",
    /// A new leader read whose the records before its epoch are.
    ProducersRead => "a new leader read the producers",
    /// A coordinator gave ids of a millisecond that its clock had not reached.
    IdsAhead => "ids were ahead of their clock",
    /// A coordinator was too far ahead of its clock.
    IdsRefused => "ids were refused",
    /// A coordinator saw a time of a clock that was far ahead of its own.
    TimeNotTaken => "a time far ahead was not taken in",
    /// A node that was leader came back as another incarnation.
    LeaderRestarted => "a leader restarted",
    /// A node that had not heard of its own deposition went on as a leader.
    TwoLeaders => "two nodes led at once, of two epochs",
}
