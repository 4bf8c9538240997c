//! What numbers before a sigmoid or a softmax stand for.

use crate::numeric::float;

pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// The mean of a distribution that is given before its softmax.
pub(super) fn mean(bins: impl Iterator<Item = f32> + Clone) -> f32 {
    let most = bins.clone().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (place, bin) in bins.enumerate() {
        let share = (bin - most).exp();
        sum += share;
        weighted += share * float(place);
    }
    weighted / sum
}

#[cfg(test)]
mod tests {
    use super::mean;

    #[test]
    fn a_distribution_counts_by_its_mean() {
        assert!((mean([0.0, 0.0].into_iter()) - 0.5).abs() < 1e-6);
        assert!((mean([0.0, 3.0_f32.ln(), -100.0].into_iter()) - 0.75).abs() < 1e-6);
        assert!((mean([0.0; 8].into_iter()) - 3.5).abs() < 1e-6);
        // Shares of 1/4 at 2 and 3/4 at 6.
        let mut bins = [-100.0; 8];
        (bins[2], bins[6]) = (0.0, 3.0_f32.ln());
        assert!((mean(bins.into_iter()) - 5.0).abs() < 1e-5);
    }
}
