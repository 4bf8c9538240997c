//! The best class of many anchors, in the two memory orders in which heads store their scores.

/// Anchors that are swept together: their running maxima stay in the first-level cache.
pub(super) const BLOCK: usize = 1024;

/// The running maximum of a block of anchors over class rows.
pub(super) struct BestOfRows {
    pub(super) score: [f32; BLOCK],
    pub(super) class: [u32; BLOCK],
}

impl BestOfRows {
    pub(super) const fn new() -> Self {
        Self { score: [0.0; BLOCK], class: [0; BLOCK] }
    }

    /// Finds the best class of the `len` anchors from `start` on; `scores` has one row of `anchors` for each class.
    ///
    /// The first of equal classes wins. NaN never does: an anchor of NaNs keeps minus infinity.
    #[inline(always)]
    pub(super) fn sweep(&mut self, scores: &[f32], anchors: usize, start: usize, len: usize) {
        let (best, class) = (&mut self.score[..len], &mut self.class[..len]);
        best.fill(f32::NEG_INFINITY);
        class.fill(0);
        for (row, number) in scores.chunks_exact(anchors).zip(0_u32..) {
            take_better(&row[start..start + len], number, best, class);
        }
    }
}

#[inline(always)]
fn take_better(row: &[f32], number: u32, best: &mut [f32], class: &mut [u32]) {
    for ((&score, best), class) in row.iter().zip(best).zip(class) {
        let better = score > *best;
        *best = if better { score } else { *best };
        *class = if better { number } else { *class };
    }
}

/// The best of one anchor's contiguous class scores and its position; the first of equals, never NaN.
#[inline(always)]
pub(super) fn best_of_row(scores: &[f32]) -> (f32, u32) {
    const LANES: usize = 16;
    let (chunks, rest) = scores.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, &score) in lanes.iter_mut().zip(chunk) {
            *lane = if score > *lane { score } else { *lane };
        }
    }
    let best = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    let class = scores.iter().zip(0..).find(|(score, _)| **score >= best);
    (best, class.map_or(0, |(_, class)| class))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{BestOfRows, best_of_row};

    /// Plain definition: the first of the greatest, NaN ignored.
    fn plain(scores: impl Iterator<Item = f32>) -> (f32, u32) {
        let mut best = (f32::NEG_INFINITY, 0);
        for (score, class) in scores.zip(0..) {
            if score > best.0 {
                best = (score, class);
            }
        }
        best
    }

    #[test]
    fn equal_scores_go_to_the_first_class_and_nan_to_none() {
        assert_eq!(best_of_row(&[0.1, 0.7, f32::NAN, 0.7]), (0.7, 1));
        assert_eq!(best_of_row(&[f32::NAN; 40]), (f32::NEG_INFINITY, 0));
    }

    proptest! {
        #[test]
        fn both_orders_find_what_the_plain_definition_finds(
            classes in 1_usize..40, anchors in 1_usize..50, seed in any::<u32>(),
        ) {
            let value = |anchor: usize, class: usize| {
                let mixed = (anchor * 31 + class * 17 + seed as usize).wrapping_mul(2_654_435_761) % 13;
                if mixed == 12 { f32::NAN } else { f32::from(u8::try_from(mixed).unwrap()) }
            };
            let by_class: Vec<f32> =
                (0..classes).flat_map(|c| (0..anchors).map(move |a| value(a, c))).collect();
            let start = anchors / 3;
            let mut block = BestOfRows::new();
            block.sweep(&by_class, anchors, start, anchors - start);
            for anchor in start..anchors {
                let expected = plain((0..classes).map(|c| value(anchor, c)));
                let row: Vec<f32> = (0..classes).map(|c| value(anchor, c)).collect();
                prop_assert_eq!(best_of_row(&row), expected);
                prop_assert_eq!((block.score[anchor - start], block.class[anchor - start]), expected);
            }
        }
    }
}
