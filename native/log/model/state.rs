//! What the model remembers between two steps.
//!
//! Everything that belongs to one store is in one [`Store`], also what others were told by it. So
//! stores that differ in nothing can change places: see [`State::canonical`].

/// Stores in the model; each serves the old epoch, the new one, or both.
pub(crate) const STORES: usize = 3;
/// Nodes that try to replace the leader of the old epoch, all at once.
pub(crate) const RECOVERERS: usize = 2;

/// A set of offsets of one epoch, none above 7.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Offsets(u8);

impl Offsets {
    /// All offsets below `end`.
    pub(crate) const fn below(end: u8) -> Self {
        Self((1 << end) - 1)
    }

    pub(crate) const fn only(offset: u8) -> Self {
        Self(1 << offset)
    }

    pub(crate) const fn contains(self, offset: u8) -> bool {
        self.0 >> offset & 1 == 1
    }

    pub(crate) const fn insert(&mut self, offset: u8) {
        self.0 |= 1 << offset;
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The first offset that is not in the set: a leader's committed tail, for what it answered.
    pub(crate) const fn first_gap(self) -> u8 {
        self.0.trailing_ones() as u8
    }

    /// The first offset above all in the set.
    pub(crate) const fn end(self) -> u8 {
        (u8::BITS - self.0.leading_zeros()) as u8
    }
}

impl std::fmt::Debug for Offsets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries((0..8).filter(|&offset| self.contains(offset))).finish()
    }
}

/// One epoch's records at one store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Copies {
    /// Durable here.
    pub(crate) held: Offsets,
    /// Acknowledged to the leader, which may hear it at any time, or never. Forgotten when the
    /// leader has answered the append: one acknowledgement more would change nothing.
    pub(crate) acknowledged: Offsets,
    /// Durable here until the frame was damaged or the disk was lost.
    pub(crate) lost: Offsets,
}

impl Copies {
    pub(crate) fn forget_answered(&mut self, answered: Offsets) {
        self.acknowledged = self.acknowledged.without(answered);
    }
}

/// What a store says of the old epoch, as it was when it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Digest {
    pub(crate) held: Offsets,
    /// Neither held nor absent: there is a frame, and it is damaged.
    pub(crate) unknown: Offsets,
    pub(crate) tail: u8,
    /// Whether the store counts in the fence quorum.
    pub(crate) counts: bool,
}

/// What one recoverer knows of one store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Known {
    #[default]
    Nothing,
    Digest(Digest),
    /// Which records have a copy there, once the recoverer has decided what to keep.
    Copies(Offsets),
}

impl Known {
    pub(crate) fn digest(self) -> Option<Digest> {
        if let Self::Digest(digest) = self { Some(digest) } else { None }
    }
}

/// How far the old epoch is over at a store. It only goes on, unless the disk is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Seal {
    #[default]
    Open,
    /// It takes repairs only.
    Sealed,
    /// It takes repairs below the end only.
    EndKnown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Store {
    /// In the old epoch's nodeset.
    pub(crate) serves_old: bool,
    /// In the new epoch's nodeset.
    pub(crate) serves_new: bool,
    /// Its disk was lost: it is in state *data-loss* from then on.
    pub(crate) disk_lost: bool,
    pub(crate) seal: Seal,
    /// The highest committed tail of the old epoch that it was told.
    pub(crate) tail: u8,
    pub(crate) old: Copies,
    pub(crate) new: Copies,
    /// Whose records of the new epoch it takes: the first leader that showed itself in it. Stands
    /// for their bytes too, since each leader makes its own.
    pub(crate) new_leader: Option<usize>,
    pub(crate) known: [Known; RECOVERERS],
}

/// How a recoverer's one proposal to the control group ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Proposal {
    #[default]
    NotMade,
    /// It leads the new epoch.
    Applied,
    Refused,
}

/// The records that a recovery keeps beyond those known to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Plan {
    /// The highest committed tail in the digests. Records below it need no repair.
    pub(crate) from: u8,
    /// The length that the old epoch is to have.
    pub(crate) end: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Recoverer {
    pub(crate) plan: Option<Plan>,
    pub(crate) proposal: Proposal,
    /// As leader of the new epoch: the appends it has answered.
    pub(crate) answered: Offsets,
}

/// The leader of the old epoch. Nobody tells it that it is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Leader {
    /// Offsets given out so far.
    pub(crate) assigned: u8,
    /// Appends that were acknowledged to their clients.
    pub(crate) answered: Offsets,
}

/// What the control group says of the old epoch once it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Closed {
    pub(crate) end: u8,
    /// How many offsets the old leader had given out at that moment; only invariants look at it.
    pub(crate) assigned: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct State {
    pub(crate) leader: Leader,
    pub(crate) recoverers: [Recoverer; RECOVERERS],
    pub(crate) control: Option<Closed>,
    pub(crate) stores: [Store; STORES],
}

impl Store {
    /// Frames of the old epoch that are damaged here.
    pub(crate) fn damaged(&self) -> Offsets {
        if self.disk_lost { Offsets::default() } else { self.old.lost.without(self.old.held) }
    }
}

impl State {
    /// The one state that stands for all that differ from this one only in the numbers that stores
    /// and recoverers go by. Invariants ask for no numbers, so to visit it is to visit them all.
    pub(crate) fn canonical(self) -> Self {
        let mut kept = self;
        let mut swapped = self.with_recoverers_swapped();
        kept.stores.sort_unstable();
        swapped.stores.sort_unstable();
        kept.min(swapped)
    }

    fn with_recoverers_swapped(mut self) -> Self {
        self.recoverers.reverse();
        for store in &mut self.stores {
            store.known.reverse();
            store.new_leader = store.new_leader.map(|leader| RECOVERERS - 1 - leader);
        }
        self
    }

    /// Stores of the old epoch that hold the record at `offset`, or did until they lost it.
    pub(crate) fn old_copies(&self, offset: u8) -> usize {
        let has = |store: &&Store| store.old.held.or(store.old.lost).contains(offset);
        self.stores.iter().filter(has).count()
    }

    /// The same for records of the new epoch that `leader` made.
    pub(crate) fn new_copies(&self, leader: usize, offset: u8) -> usize {
        let has = |store: &&Store| {
            store.new_leader == Some(leader) && store.new.held.or(store.new.lost).contains(offset)
        };
        self.stores.iter().filter(has).count()
    }

    /// The recoverers that lead the new epoch. There must never be two.
    pub(crate) fn new_leaders(&self) -> impl Iterator<Item = (usize, &Recoverer)> {
        self.recoverers.iter().enumerate().filter(|(_, node)| node.proposal == Proposal::Applied)
    }
}
