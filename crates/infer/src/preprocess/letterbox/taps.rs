//! Which samples a place of the result lies between: half-pixel centres, edges repeated.

use crate::numeric::{double, single, whole};

/// One direction of a plane that is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Axis {
    /// Samples of the plane.
    pub(super) samples: usize,
    /// Places of the result.
    pub(super) results: usize,
    /// Samples from one place to the next.
    pub(super) step: f64,
    /// From the edge of the picture to the centre of the first sample, in samples.
    first: f64,
}

impl Axis {
    /// For `source` pixels, each with its sample at its centre, that become `result` pixels.
    pub(super) fn of_pixels(source: usize, result: usize) -> Self {
        let step = double(source) / double(result);
        Self { samples: source, results: result, step, first: 0.5 }
    }

    /// For one colour sample for two pixels, sited between them.
    pub(super) fn of_pairs_centred(source: usize, result: usize) -> Self {
        let Self { results, step, first, .. } = Self::of_pixels(source, result);
        Self { samples: source.div_ceil(2), results, step: step / 2.0, first }
    }

    /// For one colour sample for two pixels, sited at the first of them.
    pub(super) fn of_pairs_at_first(source: usize, result: usize) -> Self {
        Self { first: 0.25, ..Self::of_pairs_centred(source, result) }
    }

    /// Whether samples are merged, or at least none is repeated.
    pub(super) fn merges(self) -> bool {
        self.step >= 1.0
    }

    /// The samples around `position`.
    #[inline(always)]
    pub(super) fn tap(self, position: usize) -> Tap {
        let centre = (double(position) + 0.5) * self.step - self.first;
        let first = whole(centre);
        if centre <= 0.0 {
            Tap { first: 0, weight: 0.0 }
        } else if first + 1 >= self.samples {
            Tap { first: self.samples - 1, weight: 0.0 }
        } else {
            Tap { first, weight: single(centre - double(first)) }
        }
    }
}

/// Two neighbours and the weight of the second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tap {
    pub(super) first: usize,
    pub(super) weight: f32,
}

impl Tap {
    /// Numbers that [`lanes`](Self::lanes) gives, as many as a vector has.
    pub(super) const LANES: usize = 4;

    /// What lies between two pixels of `C` interleaved channels, and lanes to spare that mean nothing.
    ///
    /// `first` counts numbers, and behind the row are [`LANES`](Self::LANES) more.
    #[inline(always)]
    pub(super) fn lanes<const C: usize>(self, row: &[f32]) -> [f32; Self::LANES] {
        let Some(near) = row.get(self.first..self.first + Self::LANES + C) else {
            return [0.0; Self::LANES];
        };
        std::array::from_fn(
            #[inline(always)]
            |lane| near[lane] + self.weight * (near[lane + C] - near[lane]),
        )
    }
}
