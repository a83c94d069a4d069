//! The middle of repeated measurements, which one disturbed run among them does not move.

/// The median of an odd number of measurements (of an even one, the upper of the two middle ones).
///
/// # Panics
/// When nothing was measured.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_disturbed_measurement_does_not_move_it() {
        assert_eq!(median(vec![0.86, 5.36, 0.83, 0.87, 0.85]), 0.86);
    }
}
