//! The methods of a port, by the path where gRPC and Connect find them.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use kitfox_core::Method;

use super::route_error::RouteError;

/// A method and what serves it.
#[derive(Debug)]
pub(super) struct Served<E> {
    pub(super) method: &'static Method,
    pub(super) endpoint: E,
}

/// Every method of a port.
#[derive(Debug)]
pub(super) struct Methods<E> {
    served: Vec<Served<E>>,
    /// By path, without its slash.
    paths: HashMap<&'static str, usize, BuildHasherDefault<PathHasher>>,
    services: HashSet<&'static str>,
    /// A bit for each length of a path, modulo 64: most of what is no method's needs no hash.
    lengths: u64,
}

impl<E> Methods<E> {
    pub(super) fn new() -> Self {
        Methods {
            served: Vec::new(),
            paths: HashMap::default(),
            services: HashSet::new(),
            lengths: 0,
        }
    }

    /// Adds a method and gives its index.
    pub(super) fn add(
        &mut self,
        method: &'static Method,
        endpoint: E,
    ) -> Result<usize, RouteError> {
        let Some(path) = method.path.strip_prefix('/') else {
            return Err(RouteError::bad_path(method));
        };
        let index = self.served.len();
        if let Some(earlier) = self.paths.insert(path, index) {
            return Err(RouteError::same_path(self.served[earlier].method));
        }
        self.lengths |= length_bit(path);
        self.services.insert(method.service);
        self.served.push(Served { method, endpoint });
        Ok(index)
    }

    pub(super) fn served(&self, index: usize) -> &Served<E> {
        &self.served[index]
    }

    /// The index of the method at `path`, which begins with a slash.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        let path = path.strip_prefix('/')?;
        if self.lengths & length_bit(path) == 0 {
            return None;
        }
        self.paths.get(path).copied()
    }

    /// Whether `path` is within a service that is served here, whatever its method.
    pub(super) fn owns(&self, path: &str) -> bool {
        service_of(path).is_some_and(|service| self.services.contains(service))
    }
}

fn length_bit(path: &str) -> u64 {
    1 << (path.len() % 64)
}

/// Whether `path` has the form of a method's, in some package.
pub(super) fn looks_like_method(path: &str) -> bool {
    service_of(path).is_some_and(|service| service.contains('.'))
}

fn service_of(path: &str) -> Option<&str> {
    let (service, method) = path.strip_prefix('/')?.rsplit_once('/')?;
    (!service.is_empty() && !method.is_empty() && !service.contains('/')).then_some(service)
}

/// Hashes a path eight bytes at a time. The table is made at start of names from the contract, so
/// that nobody outside can make its entries collide, and the hash need not be a strong one.
#[derive(Default)]
pub(super) struct PathHasher(u64);

impl PathHasher {
    /// 2^64 divided by the golden ratio, as in Fibonacci hashing (Knuth, volume 3, 6.4).
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(Self::FACTOR);
    }
}

impl Hasher for PathHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        // The table takes its bits from both ends; the product mixes upwards only.
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_methods_are_recognised_by_their_form() {
        for (path, form) in [
            ("/strings.v1.Strings/Uppercase", true),
            ("/Strings/Uppercase", false),
            ("/v1/uppercase", false),
            ("/a.b/c/d", false),
            ("/a.b/", false),
            ("/a.b", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(looks_like_method(path), form, "{path}");
        }
    }

    #[test]
    fn similar_paths_hash_apart() {
        let hashes: HashSet<_> = (0..1000)
            .map(|number| {
                let mut hasher = PathHasher::default();
                hasher.write(format!("shop.v1.Orders/Method{number}").as_bytes());
                hasher.finish()
            })
            .collect();
        assert_eq!(hashes.len(), 1000);
    }
}
