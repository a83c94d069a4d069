//! What several layers count under one name and one set of labels: two clients of one service have a
//! retry layer each, and a reader sees their sum.

use kitfox_core::meter::{Level, Reading, Tally};

use super::snapshot::{Kind, Value};

/// Numbers of several owners. Bounded by how many of these are there: what an owner that is gone
/// counted stays in the sum, its number does not.
#[derive(Debug, Default)]
pub(super) struct Pool {
    tallies: Vec<Tally>,
    levels: Vec<Level>,
    /// Of owners that are gone.
    over: u64,
    /// How many numbers there may be before those of owners that are gone are looked for.
    look_at: usize,
}

impl Pool {
    pub(super) fn add(&mut self, reading: Reading) {
        if self.tallies.len() + self.levels.len() >= self.look_at {
            self.settle();
            self.look_at = 2 * (self.tallies.len() + self.levels.len()).max(8);
        }
        match reading {
            Reading::Tally(tally) => self.tallies.push(tally),
            Reading::Level(level) => self.levels.push(level),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "readers of metrics have floats")]
    pub(super) fn value(&self, kind: Kind) -> Value {
        if kind == Kind::Counter {
            Value::Counter(self.over + self.tallies.iter().map(Tally::value).sum::<u64>())
        } else {
            Value::Gauge(self.levels.iter().map(Level::value).sum::<i64>() as f64)
        }
    }

    fn settle(&mut self) {
        let over = &mut self.over;
        self.tallies.retain(|tally| {
            let alone = tally.is_alone();
            if alone {
                *over += tally.value();
            }
            !alone
        });
        self.levels.retain(|level| !level.is_alone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_that_come_and_go_leave_their_sum_and_take_no_room() {
        let mut pool = Pool::default();
        let stays = Tally::default();
        pool.add(Reading::Tally(stays.clone()));
        for _ in 0..10_000 {
            let (tally, level) = (Tally::default(), Level::default());
            pool.add(Reading::Tally(tally.clone()));
            pool.add(Reading::Level(level.clone()));
            tally.increment();
            level.set(1);
        }
        stays.add(5);
        assert_eq!(pool.value(Kind::Counter), Value::Counter(10_005));
        assert!(pool.tallies.len() + pool.levels.len() <= 32, "{pool:?}");
        pool.settle();
        assert_eq!(pool.value(Kind::Gauge), Value::Gauge(0.0));
    }
}
