//! Drawing by weight, in the same time however many there are: Walker's alias method, by Vose ("A
//! linear algorithm for generating random numbers with a given distribution", 1991).

use kitfox_core::platform::Random;

/// Numbers from 0, each with a weight.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    len: usize,
    /// None where all weigh the same.
    table: Option<Box<[Column]>>,
}

/// One of equally wide columns: the lower part is its own number's, the rest another's.
#[derive(Clone, Copy, Debug)]
struct Column {
    own: u32,
    other: usize,
}

impl Weights {
    pub(crate) fn new(weights: &[f64]) -> Self {
        let len = weights.len();
        let equal = weights.windows(2).all(|pair| pair[0] == pair[1]);
        Weights { len, table: (!equal).then(|| table(weights)) }
    }

    /// Whether all weigh the same.
    #[inline]
    pub(crate) fn are_equal(&self) -> bool {
        self.table.is_none()
    }

    /// Two of the numbers by one draw, where all weigh the same; nothing where they do not, or it was
    /// the same one twice.
    #[inline]
    pub(crate) fn draw_two(&self, random: &Random) -> Option<(usize, usize)> {
        if !self.are_equal() || self.len < 2 {
            return None;
        }
        let bits = random.next_u64();
        let below = |bits: u64, len: usize| ((bits * len as u64) >> 32) as usize;
        let one = below(bits >> 32, self.len);
        // Of the others, each as likely as the next.
        let other = below(bits & 0xffff_ffff, self.len - 1);
        Some((one, if other >= one { other + 1 } else { other }))
    }

    /// One of the numbers, by chance. There must be one.
    pub(crate) fn draw(&self, random: &Random) -> usize {
        let bits = random.next_u64();
        let below = |bits: u64| usize::try_from((bits * self.len as u64) >> 32);
        let column = below(bits >> 32).expect("it is below the length");
        #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
        match &self.table {
            None => column,
            Some(table) if (bits as u32) < table[column].own => column,
            Some(table) => table[column].other,
        }
    }
}

fn table(weights: &[f64]) -> Box<[Column]> {
    let mean = weights.iter().sum::<f64>() / weights.len() as f64;
    let mut left: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
    let mut columns: Vec<_> =
        (0..weights.len()).map(|other| Column { own: u32::MAX, other }).collect();
    let (mut small, mut large): (Vec<_>, Vec<_>) =
        (0..weights.len()).partition(|index| left[*index] < 1.0);
    while let (Some(&little), Some(&much)) = (small.last(), large.last()) {
        small.pop();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 1")]
        let own = (left[little] * f64::from(u32::MAX)) as u32;
        columns[little] = Column { own, other: much };
        left[much] -= 1.0 - left[little];
        if left[much] < 1.0 {
            large.pop();
            small.push(much);
        }
    }
    columns.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weights: &[f64]) -> Vec<f64> {
        let (drawn, random) = (Weights::new(weights), Random::seeded(1));
        let mut counts = vec![0_u32; weights.len()];
        for _ in 0..100_000 {
            counts[drawn.draw(&random)] += 1;
        }
        counts.into_iter().map(|count| f64::from(count) / 100_000.0).collect()
    }

    #[test]
    fn two_are_two_and_each_pair_is_as_likely() {
        let (four, random) = (Weights::new(&[1.0; 4]), Random::seeded(1));
        let mut counts = [[0_u32; 4]; 4];
        for _ in 0..120_000 {
            let (one, other) = four.draw_two(&random).unwrap();
            counts[one][other] += 1;
        }
        for (one, row) in counts.iter().enumerate() {
            for (other, count) in row.iter().enumerate() {
                let expected = if one == other { 0 } else { 10_000 };
                assert!(count.abs_diff(expected) < 500, "{counts:?}");
            }
        }
        assert_eq!(Weights::new(&[1.0, 2.0]).draw_two(&random), None);
        assert_eq!(Weights::new(&[1.0]).draw_two(&random), None);
    }

    #[test]
    fn each_is_drawn_by_its_weight() {
        for weights in [vec![1.0, 1.0, 1.0], vec![1.0, 2.0, 5.0], vec![0.01, 1.0], vec![7.0]] {
            let sum: f64 = weights.iter().sum();
            for (share, weight) in shares(&weights).into_iter().zip(&weights) {
                assert!((share - weight / sum).abs() < 0.01, "{share} of {weights:?}");
            }
        }
    }
}
