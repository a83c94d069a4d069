//! Inputs out of inputs: a few random changes, and now and then a word that the target knows.

use kitfox::platform::Random;

/// Numbers at which decoders go wrong.
const EDGES: [u8; 10] = [0, 1, 0x0a, 0x20, 0x22, 0x7f, 0x80, 0x81, 0xfe, 0xff];

pub(crate) struct Mutator {
    random: Random,
    words: &'static [&'static str],
}

impl Mutator {
    pub(crate) fn new(seed: u64, words: &'static [&'static str]) -> Self {
        Mutator { random: Random::seeded(seed), words }
    }

    /// A change of one of `pool`, of at most `longest` bytes.
    pub(crate) fn next(&mut self, pool: &[Vec<u8>], longest: usize) -> Vec<u8> {
        let mut input = pool.get(self.below(pool.len())).cloned().unwrap_or_default();
        for _ in 0..=self.below(6) {
            self.change(&mut input, pool);
        }
        input.truncate(longest);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, pool: &[Vec<u8>]) {
        let (at, end) = self.range(input.len());
        match self.below(10) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.byte(),
            2 => {
                let byte = self.byte();
                input.insert(at, byte);
            }
            3 => drop(input.drain(at..end)),
            4 => {
                let piece = input[at..end].to_vec();
                let (to, _) = self.range(input.len());
                input.splice(to..to, piece);
            }
            5 => input.truncate(at),
            6 if !pool.is_empty() => {
                let other = &pool[self.below(pool.len())];
                let (from, to) = self.range(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
            7 | 8 if !self.words.is_empty() => {
                let word = self.words[self.below(self.words.len())];
                let end = if self.below(2) == 0 { at } else { end };
                input.splice(at..end, word.bytes());
            }
            // A number in text, and the same piece many times over.
            9 if self.below(2) == 0 => {
                let number = (self.random.next_u64() >> self.below(64)).to_string();
                input.splice(at..end, number.bytes());
            }
            9 => {
                let piece = input[at..end.min(at + 8)].repeat(1 + self.below(200));
                input.splice(at..at, piece);
            }
            _ => {}
        }
    }

    fn byte(&mut self) -> u8 {
        match self.below(3) {
            0 => EDGES[self.below(EDGES.len())],
            _ => self.random.next_u64().to_le_bytes()[0],
        }
    }

    /// A range within `length` bytes, more often a short one.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let at = self.below(length + 1);
        let most = if self.below(4) == 0 { length - at } else { (length - at).min(8) };
        (at, at + self.below(most + 1))
    }

    fn below(&mut self, bound: usize) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "it is below a `usize`")]
        let below = (self.random.next_u64() % bound.max(1) as u64) as usize;
        below
    }
}

/// `input` without whatever need not be there for `fails`.
pub(crate) fn shorten(input: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut short = input.to_vec();
    let mut piece = short.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < short.len() {
            let mut shorter = short.clone();
            shorter.drain(at..(at + piece).min(short.len()));
            if fails(&shorter) {
                short = shorter;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_inputs() {
        let pool = [b"some text".to_vec(), vec![0; 40]];
        let inputs = |seed| {
            let mut mutator = Mutator::new(seed, &["word"]);
            (0..200).map(|_| mutator.next(&pool, 64)).collect::<Vec<_>>()
        };
        assert_eq!(inputs(7), inputs(7));
        assert_ne!(inputs(7), inputs(8));
        assert!(inputs(7).iter().all(|input| input.len() <= 64));
        assert!(inputs(7).iter().any(|input| input.windows(4).any(|four| four == b"word")));
    }

    #[test]
    fn what_fails_is_shortened_to_what_matters() {
        let long = b"....{..\"x\"....[......";
        let short = shorten(long, |input| input.contains(&b'{') && input.contains(&b'['));
        assert_eq!(short, b"{[");
    }
}
