//! What may be left out of the protocol.

/// A change to the protocol that is a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// A store answers with its digest and goes on taking appends.
    DigestWithoutSeal,
    /// A recoverer waits for n − W stores.
    FenceOneShort,
    /// A recoverer computes F for the nodeset that it is about to open the new epoch with.
    FenceOfNewNodeset,
    /// A leader answers an append while one below it is not committed.
    AcknowledgedOutOfOrder,
    /// A recoverer proposes the end before every kept record has W copies.
    ClosedBeforeRepair,
    /// A store that lost its disk counts in F and says *absent* to everything.
    LostDiskAnswersAbsent,
    /// A store says *absent* of a record whose frame is damaged.
    DamagedFrameAnswersAbsent,
    /// A store that lost its disk takes appends again.
    LostDiskTakesAppends,
    /// A sealed store acknowledges to the old leader what a repair brought.
    SealedStoreAcknowledges,
    /// An acknowledgement does not say its epoch, and the new leader counts one of the old.
    AcknowledgementWithoutEpoch,
    /// The control group applies every proposal.
    VersionNotCompared,
    /// A recoverer leads the new epoch though its proposal was refused.
    AnswerOfControlNotRead,
    /// Stores cut at the end that a recoverer plans, before it is decided.
    CutAtPlannedEnd,
}
