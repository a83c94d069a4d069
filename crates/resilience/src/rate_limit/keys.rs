//! One cell for each key, and a bound on how many there are.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kitfox_core::Context;
use kitfox_core::contract::Method;

use super::RateLimitKey;
use super::gcra::{Cell, Quota};

const SHARDS: usize = 16;

/// The cells of all keys. Cells that are idle make room for new keys; where none is, the new ones
/// share one cell.
#[derive(Debug)]
pub(super) struct Keys {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// What numbers are hashed with.
    secret: [u64; 2],
    shared: Arc<Cell>,
    /// Whether the calls go out.
    outgoing: bool,
}

/// Whose calls are counted together, by a hash that nobody outside can foresee: of the same size
/// whatever a caller sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(u64);

#[derive(Debug, Default)]
struct Shard {
    cells: HashMap<Key, Arc<Cell>, BuildHasherDefault<AsItIs>>,
    /// Not before then it is looked for idle cells again.
    sweep_at: u64,
}

/// How long a shard that is full of busy keys is left alone, in nanoseconds: looking for idle ones
/// takes time that grows with their number.
const SWEEP_EVERY: u64 = 100_000_000;

/// A cell, and whether it is the key's own.
pub(super) struct Found {
    pub(super) cell: Arc<Cell>,
    pub(super) own: bool,
}

impl Keys {
    pub(super) fn new() -> Self {
        let hasher = RandomState::new();
        let secret = [hasher.hash_one(0_u8), hasher.hash_one(1_u8) | 1];
        let (shards, shared) = Default::default();
        Keys { shards, hasher, secret, shared, outgoing: false }
    }

    /// Of calls that go out.
    pub(super) fn of_outgoing() -> Self {
        Keys { outgoing: true, ..Keys::new() }
    }

    /// The key of a number: a folded multiplication (wyhash), which two secrets make hard to foresee and
    /// which costs a tenth of a hash of texts.
    fn key_of_number(&self, number: u64) -> Key {
        let [add, times] = self.secret;
        let product = u128::from(number ^ add) * u128::from(times);
        #[expect(clippy::cast_possible_truncation, reason = "both halves, folded")]
        Key((product >> 64) as u64 ^ product as u64)
    }

    /// The key of whatever tells callers apart.
    pub(super) fn key(&self, of: impl Hash) -> Key {
        Key(self.hasher.hash_one(of))
    }

    /// None where everybody's calls are counted together.
    pub(super) fn of(
        &self,
        key: &RateLimitKey,
        context: &Context,
        method: Option<&'static Method>,
    ) -> Option<Key> {
        match key {
            RateLimitKey::All => None,
            RateLimitKey::Peer => Some(self.peer(context)),
            RateLimitKey::Principal => Some(self.principal(context)),
            RateLimitKey::Method => Some(self.key(method.map_or("", |method| method.path))),
            RateLimitKey::Header(name) if self.outgoing => {
                Some(self.key(context.outgoing_header(name)))
            }
            RateLimitKey::Header(name) => Some(self.key(context.metadata().text(name))),
        }
    }

    pub(super) fn peer(&self, context: &Context) -> Key {
        // Nobody's network is all ones.
        let network = context.peer().map_or(u64::MAX, |peer| network(peer.address().ip()));
        self.key_of_number(network)
    }

    pub(super) fn principal(&self, context: &Context) -> Key {
        match context.principal() {
            Some(principal) => self.key(principal.name()),
            None => self.peer(context),
        }
    }

    /// Whether a call of `key` passes at once; not where it has no cell yet.
    pub(super) fn pass(&self, key: Key, quota: Quota, now: u64) -> bool {
        let shard = lock(&self.shards[key.shard()]);
        shard.cells.get(&key).is_some_and(|cell| cell.pass(quota, now))
    }

    /// The cell of `key`, among at most about `most`.
    pub(super) fn cell(&self, key: Key, most: usize, now: u64) -> Found {
        let mut shard = lock(&self.shards[key.shard()]);
        if let Some(cell) = shard.cells.get(&key) {
            return Found { cell: Arc::clone(cell), own: true };
        }
        if shard.cells.len() >= most.div_ceil(SHARDS).max(1) && !shard.sweep(now) {
            return Found { cell: Arc::clone(&self.shared), own: false };
        }
        let cell = Arc::<Cell>::default();
        shard.cells.insert(key, Arc::clone(&cell));
        Found { cell, own: true }
    }

    /// How many keys have a cell.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).cells.len()).sum()
    }
}

/// The address, of IPv6 the first 64 bits.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

impl Key {
    fn shard(self) -> usize {
        usize::try_from(self.0 % SHARDS as u64).expect("below the number of shards")
    }
}

/// The hash of a [`Key`], which is one.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a key is a number");
    }

    fn write_u64(&mut self, key: u64) {
        // Its lowest bits say the shard, and are the same for all keys there.
        self.0 = key.rotate_right(SHARDS.ilog2());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Shard {
    /// Makes room; says whether there is some.
    fn sweep(&mut self, now: u64) -> bool {
        if now < self.sweep_at {
            return false;
        }
        self.sweep_at = now.saturating_add(SWEEP_EVERY);
        let before = self.cells.len();
        self.cells.retain(|_, cell| !cell.is_idle(now));
        self.cells.len() < before
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // Nothing that holds it can panic halfway.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_have_keys_and_shards_of_their_own() {
        let keys = Keys::new();
        let of = |number: u64| keys.key_of_number(number);
        let mut all: Vec<u64> = (0..100_000).map(|number| of(number).0).collect();
        let mut shards = [0_u32; SHARDS];
        (0..100_000).for_each(|number| shards[of(number).shard()] += 1);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 100_000);
        assert!(shards.iter().all(|count| (4_000..9_000).contains(count)), "{shards:?}");
        assert_ne!(Keys::new().key_of_number(7), of(7), "nobody can foresee it");
    }

    #[test]
    fn keys_are_bounded_and_idle_ones_make_room() {
        let (keys, quota) = (Keys::new(), Quota::new(1.0, 1));
        for number in 0..10_000 {
            let found = keys.cell(keys.key(number), 160, 1);
            found.cell.take(quota, 1).ok();
        }
        assert!(keys.len() <= 160, "{}", keys.len());
        let new = keys.key("new");
        assert!(!keys.cell(new, 160, 1).own);
        assert!(keys.cell(new, 160, 3_000_000_000).own, "the others are idle by then");
    }
}
