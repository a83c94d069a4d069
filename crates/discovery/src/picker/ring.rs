//! Consistent hashing: a key has its place on a ring, and belongs to the replica whose point comes
//! next (Karger and others, 1997). Where a replica joins or leaves, only the keys beside its points
//! move.

use xxhash_rust::xxh64::xxh64;

use super::Member;

/// How many points a replica of usual weight has, among few replicas: so shares differ by a tenth.
const POINTS: usize = 100;

/// About how many points a ring has at most; a replica has 10 at least.
const MOST_POINTS: usize = 100_000;

/// How many replicas a walk comes by.
pub(super) const STEPS: usize = 16;

/// The points of some replicas, in order.
#[derive(Debug)]
pub(super) struct Ring(Box<[Point]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    place: u64,
    member: u32,
}

impl Ring {
    pub(super) fn new(members: &[Member]) -> Self {
        let mean = members.iter().map(|member| member.weight).sum::<f64>() / members.len() as f64;
        let usual = (MOST_POINTS / members.len().max(1)).clamp(10, POINTS) as f64;
        let mut points = Vec::new();
        for (number, member) in (0_u32..).zip(members) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let count = (usual * member.weight / mean).round().clamp(1.0, 10.0 * usual) as u64;
            let address = member.instance.address.as_bytes();
            points.extend(
                (0..count).map(|point| Point { place: xxh64(address, point), member: number }),
            );
        }
        points.sort_unstable();
        Ring(points.into_boxed_slice())
    }

    /// The replicas that come after a key, each once, and not more of them than [`STEPS`].
    pub(super) fn walk(&self, key: u64) -> impl Iterator<Item = usize> {
        let first = self.0.partition_point(|point| point.place < key);
        let mut seen = [u32::MAX; STEPS];
        let mut count = 0;
        let points = self.0[first..].iter().chain(&self.0[..first]);
        points
            .filter(move |point| {
                let new = count < STEPS && !seen[..count].contains(&point.member);
                if new {
                    seen[count] = point.member;
                    count += 1;
                }
                new
            })
            .map(|point| point.member as usize)
            .take(STEPS)
    }
}
