//! A batch: what one request brings. Its items are written one behind the other, and what goes
//! before them is put there at the end, in room that was kept for it: nothing is copied.

use bytes::Bytes;

use super::message::Message;
use super::{Resource, Signal};

/// Numbers of fields, which are the same for all three signals: a request has resources, which have
/// scopes, which have items.
const RESOURCES: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPES: u32 = 2;
const SCOPE: u32 = 1;
pub(super) const ITEMS: u32 = 2;

/// The name and the version of a scope.
const NAME: u32 = 1;
const VERSION: u32 = 2;

/// What goes before the items: a resource and a scope, encoded; and how much room it takes up with
/// the keys and lengths that are not known before.
#[derive(Debug)]
pub(super) struct Envelope {
    resource: Vec<u8>,
    scope: Vec<u8>,
}

/// Items of one signal, behind room for what goes before them.
#[derive(Debug)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    room: usize,
    pub(super) items: u64,
}

impl Envelope {
    pub(super) fn new(resource: &Resource) -> Self {
        let (mut of_resource, mut of_scope) = (Vec::new(), Vec::new());
        Message(&mut of_resource).nested(RESOURCE, |message| resource.write(message));
        Message(&mut of_scope).nested(SCOPE, |scope| {
            scope.bytes(NAME, "kitfox");
            scope.bytes(VERSION, env!("CARGO_PKG_VERSION"));
        });
        Envelope { resource: of_resource, scope: of_scope }
    }

    pub(super) fn batch(&self) -> Batch {
        // Two keys, and two lengths of five bytes at most.
        let room = self.resource.len() + self.scope.len() + 12;
        Batch { bytes: vec![0; room], room, items: 0 }
    }

    /// The request of a batch.
    pub(super) fn seal(&self, batch: Batch) -> Bytes {
        let Batch { mut bytes, room, .. } = batch;
        let mut head = Vec::with_capacity(room);
        let of_scopes = self.scope.len() + (bytes.len() - room);
        let mut scopes = Vec::with_capacity(6);
        Message(&mut scopes).begin(SCOPES, of_scopes);
        let mut message = Message(&mut head);
        message.begin(RESOURCES, self.resource.len() + scopes.len() + of_scopes);
        for part in [&self.resource, &scopes, &self.scope] {
            message.0.extend_from_slice(part);
        }
        let start = room - head.len();
        bytes[start..room].copy_from_slice(&head);
        Bytes::from(bytes).slice(start..)
    }
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.room
    }

    /// Adds items that are encoded already, with their keys.
    pub(super) fn add(&mut self, items: &[u8], number: u64, limit: usize) {
        let (needed, most) = (self.bytes.len() + items.len(), limit + self.room);
        if needed > self.bytes.capacity() {
            // Grows by doubling, but not beyond what a batch may hold.
            let capacity = (self.bytes.capacity() * 2).max(16 * 1024).min(most).max(needed);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(items);
        self.items += number;
    }
}

/// What a collector says of a batch that it took in part: how many items it rejected, and why.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Partial {
    pub(super) rejected: u64,
    pub(super) why: String,
}

impl Partial {
    /// Of an answer, which is the same for all three signals. An answer that is none says nothing.
    pub(super) fn read(answer: &[u8]) -> Self {
        use kitfox_core::message::wire::{Reader, WireType};
        let mut partial = Partial::default();
        let mut read = || {
            let mut answer = Reader::new(answer);
            while !answer.is_empty() {
                let (number, wire) = answer.tag().ok()?;
                if (number, wire) != (1, WireType::Length) {
                    answer.skip(number, wire).ok()?;
                    continue;
                }
                let mut said = answer.nested().ok()?;
                while !said.is_empty() {
                    match said.tag().ok()? {
                        (1, WireType::Varint) => partial.rejected = said.varint().ok()?,
                        (2, WireType::Length) => said.text().ok()?.clone_into(&mut partial.why),
                        (number, wire) => said.skip(number, wire).ok()?,
                    }
                }
            }
            Some(())
        };
        let _unread = read();
        partial
    }
}

impl Signal {
    /// All of them.
    pub const ALL: [Signal; 3] = [Signal::Traces, Signal::Logs, Signal::Metrics];

    /// `traces`, `logs`, `metrics`: as in the paths of OTLP over HTTP.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Signal::Traces => "traces",
            Signal::Logs => "logs",
            Signal::Metrics => "metrics",
        }
    }
}

#[cfg(test)]
mod tests {
    use kitfox_core::message::wire::{Reader, WireType};
    use kitfox_core::platform::Random;

    use super::*;

    #[test]
    fn a_sealed_batch_is_one_message_around_its_items() {
        let envelope = Envelope::new(&Resource::new("shop", &Random::seeded(1)));
        for number in [0, 1, 10, 1_000] {
            let mut batch = envelope.batch();
            for _ in 0..number {
                batch.add(&[0x12, 1, 7], 1, 4096);
            }
            let sealed = envelope.seal(batch);
            let mut request = Reader::new(&sealed);
            assert_eq!(request.tag().unwrap(), (RESOURCES, WireType::Length));
            let mut resources = request.nested().unwrap();
            assert!(request.is_empty());
            assert_eq!(resources.tag().unwrap(), (RESOURCE, WireType::Length));
            assert!(resources.bytes().unwrap().len() > 100);
            assert_eq!(resources.tag().unwrap(), (SCOPES, WireType::Length));
            let mut scopes = resources.nested().unwrap();
            assert!(resources.is_empty());
            assert_eq!(scopes.tag().unwrap(), (SCOPE, WireType::Length));
            scopes.bytes().unwrap();
            for _ in 0..number {
                assert_eq!(scopes.tag().unwrap(), (ITEMS, WireType::Length));
                assert_eq!(scopes.bytes().unwrap(), [7]);
            }
            assert!(scopes.is_empty());
        }
    }

    #[test]
    fn what_a_collector_rejected_is_read() {
        assert_eq!(Partial::read(b""), Partial::default());
        assert_eq!(Partial::read(b"nonsense"), Partial::default());
        let answer = [0x0a, 7, 0x08, 3, 0x12, 3, b'o', b'l', b'd'];
        assert_eq!(Partial::read(&answer), Partial { rejected: 3, why: "old".to_owned() });
    }
}
