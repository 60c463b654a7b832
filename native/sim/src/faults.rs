//! Which faults a run has, how often they come, and how often they came.
//!
//! Swarm testing (Groce and others, *Swarm Testing*, 2012): a run that has every fault at once finds
//! less than many runs that each have some, since one fault often hides another. So each seed draws
//! which faults are on, and for each a rate.

use crate::random::{Ppm, Random};
use std::fmt;

macro_rules! counted {
    (
        $(#[$about:meta])* $name:ident, $what:literal:
        $($(#[$doc:meta])* $variant:ident => $label:literal,)+
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            #[doc = concat!("Every ", $what, ".")]
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(match self { $(Self::$variant => $label,)+ })
            }
        }

        impl $crate::counts::Counted for $name {
            const ALL: &'static [Self] = Self::ALL;

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}
pub(crate) use counted;

counted! {
    /// What can go wrong in a run (log-core, section 14).
    Fault, "fault":
    /// A message takes up to a second instead of a millisecond.
    MessageDelayed => "message delayed",
    /// A message never arrives.
    MessageLost => "message lost",
    /// A message arrives twice.
    MessageDuplicated => "message duplicated",
    /// A message arrives after one that was sent later on the same link.
    MessageReordered => "message reordered",
    /// One node cannot reach another, which still reaches it.
    LinkCutOneWay => "link cut one way",
    /// The nodes fall into two groups that do not reach each other.
    NetworkPartitioned => "network partitioned",
    /// A node stops between two events.
    NodeCrashed => "node crashed",
    /// A node stops between two effects of one event.
    NodeCrashedMidStep => "node crashed between effects",
    /// All nodes stop at once.
    PowerFailed => "power failed",
    /// A node does nothing for a while, then goes on as if nothing had been.
    NodePaused => "node paused",
    /// A crash loses writes that were not synced.
    WritesLost => "unsynced writes lost",
    /// A crash leaves the beginning of what was not synced.
    TailTorn => "tail torn",
    /// A crash leaves all that was not synced.
    WritesKept => "unsynced writes kept",
    /// A record that was synced cannot be read any more, only its header.
    PayloadRotted => "payload rotted",
    /// A frame that was synced cannot be read any more, nor told what it was.
    HeaderRotted => "header rotted",
    /// A frame was written where an older one was: neither can be read any more.
    WriteMisdirected => "write misdirected",
    /// A sync fails.
    SyncFailed => "sync failed",
    /// A disk has no space left for a while.
    DiskFull => "disk full",
    /// A sync takes up to half a second.
    DiskSlow => "disk slow",
    /// A node comes back with an empty disk.
    DiskLost => "disk lost",
    /// A node's clock runs fast or slow.
    ClockDrifted => "clock drifted",
    /// A node's clock jumps, ahead or back.
    ClockJumped => "clock jumped",
    /// The control register does not answer a node for a while.
    ControlUnreachable => "control unreachable",
    /// A command was applied in control, but its answer is lost.
    ControlAnswerLost => "control answer lost",
    /// A node suspects a leader that is well.
    SuspectedWrongly => "leader suspected wrongly",
    /// Somebody asks for other stores or another leader.
    LeaderMoved => "leader moved on request",
}

/// The faults of one seed with their rates.
#[derive(Clone, Debug)]
pub struct Mix {
    rates: Vec<Ppm>,
}

impl Mix {
    /// Draws one. Every eighth seed has no faults at all: what fails there fails everywhere.
    #[must_use]
    pub fn draw(random: &mut Random) -> Self {
        let calm = random.below(8) == 0;
        let mut rates: Vec<Ppm> = Fault::ALL
            .iter()
            .map(|fault| {
                let on = random.below(5) < 2;
                let rate = Ppm(random.between(1, u64::from(fault.rate_max().0)) as u32);
                if on && !calm { rate } else { Ppm(0) }
            })
            .collect();
        let needs_crash = [
            Fault::PayloadRotted,
            Fault::HeaderRotted,
            Fault::WriteMisdirected,
            Fault::DiskLost,
            Fault::TailTorn,
        ]
        .iter()
        .any(|&fault| rates[fault as usize] > Ppm(0));
        if needs_crash {
            let occasion = [Fault::NodeCrashed, Fault::PowerFailed][random.below(2) as usize];
            rates[occasion as usize] = occasion.rate_max();
        }
        Self { rates }
    }

    /// No faults.
    #[must_use]
    pub fn none() -> Self {
        Self { rates: vec![Ppm(0); Fault::ALL.len()] }
    }

    /// How often `fault` comes, per occasion for it.
    #[must_use]
    pub fn rate(&self, fault: Fault) -> Ppm {
        self.rates[fault as usize]
    }

    /// Whether it may come at all.
    #[must_use]
    pub fn has(&self, fault: Fault) -> bool {
        self.rate(fault) > Ppm(0)
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut any = false;
        for &fault in Fault::ALL.iter().filter(|&&fault| self.has(fault)) {
            let separator = if any { ", " } else { "" };
            write!(formatter, "{separator}{fault} {} ppm", self.rate(fault).0)?;
            any = true;
        }
        if any { Ok(()) } else { formatter.write_str("no faults") }
    }
}

impl Fault {
    /// The highest rate drawn, per occasion: a message, a step, a sync, a crash, or a turn of the
    /// fault clock (every 50 ms of virtual time and node).
    const fn rate_max(self) -> Ppm {
        Ppm(match self {
            Self::NodeCrashedMidStep => 400,
            Self::SyncFailed => 3_000,
            Self::DiskFull => 4_000,
            Self::LinkCutOneWay | Self::NetworkPartitioned | Self::PowerFailed => 12_000,
            Self::ClockJumped
            | Self::ControlUnreachable
            | Self::LeaderMoved
            | Self::NodeCrashed
            | Self::NodePaused
            | Self::SuspectedWrongly => 20_000,
            Self::DiskSlow => 50_000,
            Self::MessageDelayed | Self::MessageLost => 60_000,
            Self::MessageDuplicated => 100_000,
            Self::ControlAnswerLost => 150_000,
            Self::MessageReordered => 200_000,
            Self::DiskLost => 300_000,
            Self::PayloadRotted | Self::HeaderRotted | Self::WriteMisdirected => 700_000,
            Self::ClockDrifted => 900_000,
            Self::WritesLost | Self::TailTorn | Self::WritesKept => 1_000_000,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ_in_their_faults_and_some_have_none() {
        let mixes: Vec<String> =
            (0..64).map(|seed| Mix::draw(&mut Random::new(seed)).to_string()).collect();
        let distinct: std::collections::BTreeSet<&String> = mixes.iter().collect();
        assert!(distinct.len() > 40, "{} different mixes of 64", distinct.len());
        assert!(mixes.iter().any(|mix| mix == "no faults"));
    }

    #[test]
    fn every_fault_is_on_in_some_of_500_seeds() {
        for &fault in Fault::ALL {
            let seeds = (0..500).filter(|&s| Mix::draw(&mut Random::new(s)).has(fault)).count();
            assert!(seeds > 50, "{fault} is on in {seeds} of 500 seeds");
        }
    }
}
