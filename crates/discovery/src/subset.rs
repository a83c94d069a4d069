//! Which of many replicas a process uses, so that not everybody is connected with everybody.
//!
//! By rendezvous hashing (Thaler and Ravishankar, 1998; gRPC's A68): each process gives every
//! replica a number and takes those with the largest. So the processes spread evenly, and where a
//! replica joins or leaves, each process changes at most one of its own.

use xxhash_rust::xxh64::xxh64;

use crate::picker::number;
use crate::{Instance, Snapshot};

/// As many of the instances as `most`, or all where that is zero: nearer ones, and those of a lower
/// priority, first.
pub(crate) fn subset(snapshot: &Snapshot, most: usize, seed: u64, zone: &str) -> Snapshot {
    if most == 0 || snapshot.len() <= most {
        return snapshot.clone();
    }
    let mut instances: Vec<&Instance> = snapshot.instances().iter().collect();
    instances.sort_by_cached_key(|instance| {
        let hash = xxh64(instance.address.as_bytes(), seed);
        (number(instance, zone), std::cmp::Reverse(hash))
    });
    instances.truncate(most);
    Snapshot::new(instances.into_iter().cloned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn addresses(snapshot: &Snapshot) -> Vec<&str> {
        snapshot.instances().iter().map(|instance| &*instance.address).collect()
    }

    fn many(number: usize) -> Snapshot {
        Snapshot::new((0..number).map(|number| Instance::new(format!("r{number}:1"))))
    }

    #[test]
    fn processes_spread_evenly() {
        let (all, mut users) = (many(100), BTreeMap::<String, usize>::new());
        for process in 0..100 {
            let own = subset(&all, 20, process, "");
            assert_eq!(own.len(), 20);
            for address in addresses(&own) {
                *users.entry(address.to_owned()).or_default() += 1;
            }
        }
        assert!(users.len() == 100 && users.values().all(|count| (8..=35).contains(count)));
    }

    #[test]
    fn a_process_changes_one_replica_where_one_leaves_and_none_where_another_does() {
        let all = many(30);
        let own = subset(&all, 10, 7, "");
        for left in all.instances() {
            let rest = all.instances().iter().filter(|instance| *instance != left).cloned();
            let then = subset(&Snapshot::new(rest), 10, 7, "");
            let kept = addresses(&then).iter().filter(|it| addresses(&own).contains(it)).count();
            let was_own = addresses(&own).contains(&&*left.address);
            assert_eq!(kept, if was_own { 9 } else { 10 });
        }
    }

    #[test]
    fn what_is_near_comes_first() {
        let zones = (0..20).map(|number| {
            Instance::new(format!("r{number}:1")).zone(if number < 5 { "west" } else { "east" })
        });
        let own = subset(&Snapshot::new(zones), 8, 7, "west");
        let near = own.instances().iter().filter(|it| it.zone.as_deref() == Some("west"));
        assert_eq!((own.len(), near.count()), (8, 5));
    }
}
