//! Whether memory stays flat under a load that stays the same.

use anyhow::{Context, Result, ensure};

/// The part of the samples that is warm-up: pools and caches fill.
const WARM_UP_PARTS: usize = 4;
/// How much more memory the last third may take than the first: a tenth and 8 MiB.
const ALLOWED_BYTES: u64 = 8 << 20;
/// Fewer samples than this show nothing.
const AT_LEAST: usize = 30;

/// After the warm-up, the last third's most is hardly more than the first third's.
///
/// `samples` are resident bytes at even intervals.
///
/// # Errors
/// By how much it grew, or that there are too few samples.
pub fn check_flat(samples: &[u64]) -> Result<()> {
    ensure!(samples.len() >= AT_LEAST, "only {} looks at the memory", samples.len());
    let warm = &samples[samples.len() / WARM_UP_PARTS..];
    let third = warm.len() / 3;
    let most = |part: &[u64]| part.iter().copied().max().context("no sample");
    let (first, last) = (most(&warm[..third])?, most(&warm[warm.len() - third..])?);
    ensure!(last <= first + first / 10 + ALLOWED_BYTES, "memory grew from {first} to {last} bytes");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_flat;

    #[test]
    fn growth_after_the_warm_up_is_told() {
        let flat = [vec![1 << 20; 20], vec![100 << 20; 60]].concat();
        assert!(check_flat(&flat).is_ok());
        let growing: Vec<u64> = (0..80).map(|sample| (100 + sample) << 20).collect();
        assert!(check_flat(&growing).is_err());
        assert!(check_flat(&flat[..20]).is_err());
    }
}
