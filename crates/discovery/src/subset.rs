//! Which of many replicas a process uses, so that not everybody is connected with everybody.
//!
//! A process that knows its number among its peers takes those that stand beside one another on a ring
//! of all, which is in the order of a hash of their addresses. Where it begins is the van der Corput
//! sequence's element of that number (1935: the bits of the number after the point, turned around): 0,
//! 1/2, 1/4, 3/4, 1/8 and so on of the way around. So any number of processes is spread nearly evenly,
//! the same process takes the same ones after a restart, and one replica more or less moves the ends of
//! a part by at most one.
//!
//! - As many consecutive numbers as fit, rounded down to a power of two, have nobody in common.
//! - Where there are a power of two of processes, the numbers of those who use a replica differ by at
//!   most one; in between by a few.
//!
//! The subsets of Google's SRE book (chapter 20) are even for every number of processes, but most
//! processes change all of theirs where one replica leaves; here a process changes at most one.
//!
//! A process that knows no number takes those to which a hash of their address and of its own seed
//! gives most (rendezvous hashing: Thaler and Ravishankar, 1998; gRPC's A68). Whoever leaves moves as
//! few, but by chance some replicas have twice as many users as others.

use std::cmp::Reverse;

use xxhash_rust::xxh64::xxh64;

use crate::picker::number;
use crate::{Instance, Snapshot};

/// What makes the ring; the same in every process.
const RING: u64 = 0;

/// What tells the subset of a process from those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// It is that one of its peers, from 0.
    Number(u32),
    /// It knows no number.
    Seed(u64),
}

/// As many of the instances as `most`, or all where that is zero: nearer ones, and those of a lower
/// priority, first.
pub(crate) fn subset(snapshot: &Snapshot, most: usize, client: Client, zone: &str) -> Snapshot {
    if most == 0 || snapshot.len() <= most {
        return snapshot.clone();
    }
    let seed = match client {
        Client::Number(_) => RING,
        Client::Seed(seed) => seed,
    };
    let mut instances: Vec<&Instance> = snapshot.instances().iter().collect();
    instances.sort_by_cached_key(|instance| {
        let hash = xxh64(instance.address.as_bytes(), seed);
        (number(instance, zone), Reverse(hash))
    });
    match client {
        Client::Number(client) => instances = parts(&instances, most, client, zone),
        Client::Seed(_) => instances.truncate(most),
    }
    Snapshot::new(instances.into_iter().cloned())
}

/// The part of each ring that is this client's; each level is a ring.
fn parts<'a>(
    instances: &[&'a Instance],
    most: usize,
    client: u32,
    zone: &str,
) -> Vec<&'a Instance> {
    let mut own = Vec::with_capacity(most);
    for ring in instances.chunk_by(|a, b| number(a, zone) == number(b, zone)) {
        let (first, length) = (begin(client, ring.len()), ring.len().min(most - own.len()));
        own.extend((0..length).map(|place| ring[(first + place) % ring.len()]));
    }
    own
}

/// Where the part of a client begins on a ring of so many.
fn begin(client: u32, length: usize) -> usize {
    // The bits turned around are the fraction of the way, times 2^32.
    let part = (u128::from(client.reverse_bits()) * length as u128) >> 32;
    usize::try_from(part).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    fn addresses(snapshot: &Snapshot) -> HashSet<String> {
        snapshot.instances().iter().map(|instance| instance.address.clone()).collect()
    }

    fn many(number: usize) -> Snapshot {
        Snapshot::new((0..number).map(|number| Instance::new(format!("r{number}:1"))))
    }

    fn of(all: &Snapshot, most: usize, client: u32) -> HashSet<String> {
        addresses(&subset(all, most, Client::Number(client), ""))
    }

    /// How much the numbers of users of the replicas differ, after each further client.
    fn differences(all: &Snapshot, most: usize, clients: u32) -> Vec<usize> {
        let mut users: BTreeMap<String, usize> =
            addresses(all).into_iter().map(|it| (it, 0)).collect();
        let differences = (0..clients).map(|client| {
            of(all, most, client).iter().for_each(|it| *users.get_mut(it).unwrap() += 1);
            users.values().max().unwrap() - users.values().min().unwrap()
        });
        differences.collect()
    }

    const SIZES: [(usize, usize); 6] =
        [(100, 20), (99, 20), (50, 12), (37, 5), (30, 10), (200, 20)];

    #[test]
    fn clients_with_numbers_spread_evenly() {
        for (replicas, most) in SIZES {
            let differences = differences(&many(replicas), most, 512);
            for power in (0..=9).map(|exponent| 1_usize << exponent) {
                let difference = differences[power - 1];
                assert!(difference <= 1, "{most} of {replicas}, {power} clients: {difference}");
            }
            let worst = differences.iter().max().unwrap();
            assert!(*worst <= 5, "{most} of {replicas}: {worst}");
        }
    }

    #[test]
    fn consecutive_numbers_have_nobody_in_common() {
        for (replicas, most) in SIZES {
            let all = many(replicas);
            let round = 1 << (replicas / most).ilog2();
            for first in (0..512).step_by(round) {
                let clients = first..first + u32::try_from(round).unwrap();
                let used: HashSet<_> = clients.flat_map(|client| of(&all, most, client)).collect();
                assert_eq!(used.len(), round * most, "{most} of {replicas}, from {first}");
            }
        }
    }

    #[test]
    fn a_client_with_a_number_changes_at_most_one_replica_where_one_leaves_or_joins() {
        for (replicas, most) in SIZES {
            let all = many(replicas);
            let left = &all.instances()[7];
            let rest = all.instances().iter().filter(|instance| *instance != left).cloned();
            let rest = Snapshot::new(rest);
            for client in 0..200 {
                let (with, without) = (of(&all, most, client), of(&rest, most, client));
                assert!(with.difference(&without).count() <= 1, "it leaves: {client}");
                assert!(without.difference(&with).count() <= 1, "it joins: {client}");
            }
        }
    }

    #[test]
    fn clients_without_numbers_spread_by_chance() {
        let (all, mut users) = (many(100), BTreeMap::<String, usize>::new());
        for seed in 0..100 {
            let own = subset(&all, 20, Client::Seed(seed), "");
            assert_eq!(own.len(), 20);
            for address in addresses(&own) {
                *users.entry(address).or_default() += 1;
            }
        }
        assert!(users.len() == 100 && users.values().all(|count| (8..=35).contains(count)));
    }

    #[test]
    fn a_client_without_a_number_changes_one_replica_where_one_leaves_and_none_where_another_does()
    {
        let all = many(30);
        let own = addresses(&subset(&all, 10, Client::Seed(7), ""));
        for left in all.instances() {
            let rest = all.instances().iter().filter(|instance| *instance != left).cloned();
            let then = addresses(&subset(&Snapshot::new(rest), 10, Client::Seed(7), ""));
            let expected = if own.contains(&left.address) { 9 } else { 10 };
            assert_eq!(then.intersection(&own).count(), expected);
        }
    }

    #[test]
    fn what_is_near_comes_first() {
        let zones = (0..20).map(|number| {
            Instance::new(format!("r{number}:1")).zone(if number < 5 { "west" } else { "east" })
        });
        let all = Snapshot::new(zones);
        for client in [Client::Seed(7), Client::Number(7), Client::Number(0)] {
            let own = subset(&all, 8, client, "west");
            let near = own.instances().iter().filter(|it| it.zone.as_deref() == Some("west"));
            assert_eq!((own.len(), near.count()), (8, 5), "{client:?}");
            let own = subset(&all, 3, client, "west");
            assert!(own.instances().iter().all(|it| it.zone.as_deref() == Some("west")));
        }
    }

    #[test]
    fn every_number_has_its_place() {
        let all = many(30);
        assert_eq!(of(&all, 10, u32::MAX).len(), 10);
        assert_eq!(begin(u32::MAX, 30), 29);
        assert_eq!([0, 1, 2, 3, 4].map(|client| begin(client, 16)), [0, 8, 4, 12, 2]);
    }
}
