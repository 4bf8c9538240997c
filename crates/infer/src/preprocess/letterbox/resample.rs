//! One plane of bytes, resampled row by row into floats.
//!
//! Where rows are merged, two source rows are blended first and the columns picked from the blend; where rows
//! are repeated, each source row is picked once and the results are blended.

use super::{
    pick::{Columns, pick},
    taps::{Axis, Tap},
};

/// Resamples a plane of `C` interleaved channels, with scratch memory that is kept from picture to picture.
#[derive(Debug, Default)]
pub(super) struct Resampler<const C: usize> {
    rows: Axis,
    columns: Axis,
    /// Where each column of the result comes from; kept until the sizes change.
    taps: Columns,
    /// A source row in floats, and zeros behind it for taps of weight 0 and lanes to spare.
    row: Vec<f32>,
    /// Two picked rows, for rows that are repeated.
    picked: [Picked; 2],
}

/// A row of the result's width, channel after channel, and the source row it comes from.
#[derive(Debug, Default)]
struct Picked {
    source: Option<usize>,
    channels: Vec<f32>,
}

impl<const C: usize> Resampler<C> {
    /// Gets ready for the next plane.
    pub(super) fn settle(&mut self, rows: Axis, columns: Axis) {
        self.rows = rows;
        for picked in &mut self.picked {
            picked.source = None;
        }
        if self.columns == columns {
            return;
        }
        self.columns = columns;
        self.row.clear();
        self.row.resize(columns.samples * C + Columns::BEHIND, 0.0);
        self.taps.settle(columns, C);
    }

    /// Writes row `y` of the result times `gain`; `source` gives the plane's rows.
    #[inline(always)]
    pub(super) fn line<'p>(
        &mut self,
        y: usize,
        gain: f32,
        source: impl Fn(usize) -> &'p [u8],
        line: [&mut [f32]; C],
    ) {
        let Tap { first, weight } = self.rows.tap(y);
        let sources = [first, (first + 1).min(self.rows.samples - 1)];
        let weights = [(1.0 - weight) * gain, weight * gain];
        if self.rows.merges() {
            blend(sources.map(source), weights, &mut self.row);
            pick(&self.row, &self.taps, line);
        } else {
            self.repeat(sources, weights, source, line);
        }
    }

    /// A row between two that are picked once for all rows between them.
    #[inline(always)]
    fn repeat<'p>(
        &mut self,
        sources: [usize; 2],
        weights: [f32; 2],
        source: impl Fn(usize) -> &'p [u8],
        line: [&mut [f32]; C],
    ) {
        for number in sources {
            let picked = &mut self.picked[number % 2];
            if picked.source != Some(number) {
                picked.source = Some(number);
                let row = source(number);
                blend([row, row], [1.0, 0.0], &mut self.row);
                picked.channels.resize(self.taps.len() * C, 0.0);
                let mut channels = picked.channels.chunks_exact_mut(self.taps.len());
                let channels = std::array::from_fn(|_| channels.next().unwrap_or_default());
                pick::<C>(&self.row, &self.taps, channels);
            }
        }
        let [upper, lower] =
            sources.map(|number| self.picked[number % 2].channels.chunks_exact(self.taps.len()));
        for ((line, upper), lower) in line.into_iter().zip(upper).zip(lower) {
            for ((out, &a), &b) in line.iter_mut().zip(upper).zip(lower) {
                *out = a * weights[0] + b * weights[1];
            }
        }
    }
}

#[inline(always)]
fn blend(rows: [&[u8]; 2], weights: [f32; 2], blended: &mut [f32]) {
    let [upper, lower] = rows;
    if weights[1] <= 0.0 {
        for (out, &a) in blended.iter_mut().zip(upper) {
            *out = f32::from(a) * weights[0];
        }
        return;
    }
    for ((out, &a), &b) in blended.iter_mut().zip(upper).zip(lower) {
        *out = f32::from(a) * weights[0] + f32::from(b) * weights[1];
    }
}
