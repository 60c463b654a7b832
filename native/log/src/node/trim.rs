//! Lets go of what is not needed any more.

use std::sync::{Arc, mpsc};
use varve_types::{Lsn, PartitionId};

use super::{Shared, errand::Errand};
use crate::protocol::{Command, HolderName};

/// Who needs records until segments hold them.
pub(super) const VIEWS: &str = "views";

impl Shared {
    /// Tells control that the views cover everything before these places. It is durable, and files that
    /// nobody needs are gone, when it answers; a log that has stopped does nothing.
    pub(super) fn trim(&self, up_to: &[(PartitionId, Lsn)]) {
        let views: HolderName = Arc::from(VIEWS);
        let covered = |&(partition, up_to): &(PartitionId, Lsn)| {
            let up_to = up_to.min(self.tail(partition));
            (partition, Command::Covered(Arc::clone(&views), up_to))
        };
        self.control(up_to.iter().map(covered).collect());
    }

    /// Gives control commands, and waits until they are carried out.
    pub(super) fn control(&self, commands: Vec<(PartitionId, Command)>) {
        let (answer, carried_out) = mpsc::sync_channel(1);
        if self.queue.push_errand(Errand::Control(commands, answer)).is_ok() {
            // No answer comes from a log that turned read-only meanwhile, which its status tells.
            let _stopped = carried_out.recv();
        }
    }
}
