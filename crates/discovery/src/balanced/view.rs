//! What is known of each replica, for people.

use std::time::Duration;

use super::Ground;
use crate::picker::Candidates;
use crate::replica::LoadRules;
use crate::{Instance, State};

/// What is known of a replica.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReplicaView {
    /// The instance as its registry knows it.
    pub instance: Instance,
    /// Its health.
    pub state: State,
    /// Whether there is a connection to it.
    pub warm: bool,
    /// Calls that are not over.
    pub open_calls: u32,
    /// Its average latency, in which peaks count most.
    pub latency: Duration,
}

pub(super) fn of(candidates: &Candidates, ground: &Ground) -> Vec<ReplicaView> {
    let (now, rules) = (ground.now(), LoadRules::new(&ground.settings.load()));
    let views = candidates.members.iter().map(|member| {
        let replica = &member.replica;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a latency")]
        let latency = Duration::from_nanos(replica.load.latency(now, &rules) as u64);
        ReplicaView {
            instance: Instance::clone(&member.instance),
            state: replica.health.state(),
            warm: replica.is_warm(),
            open_calls: replica.load.open(),
            latency,
        }
    });
    views.collect()
}
