//! Columns of the result, picked from a row that is in floats already.
//!
//! Where the columns repeat themselves after few samples, as for most cameras' sizes, they are picked by a fixed
//! stride, which compilers turn into vectors; all others one by one.

use super::taps::{Axis, Tap};

/// Where the columns of a result come from.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// For each column; places count numbers, not pixels.
    taps: Vec<Tap>,
    stride: Stride,
    /// Columns from the first on that come from places with that stride.
    strided: usize,
}

/// How many numbers lie between the places of one column, or of two, and of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stride {
    /// None that is looked for.
    #[default]
    Uneven,
    One,
    Two,
    Three,
    Four,
    Six,
    ThreeForTwo,
    SixForTwo,
}

impl Stride {
    /// Columns for which one stride is taken.
    const fn columns(self) -> usize {
        match self {
            Self::Uneven | Self::One | Self::Two | Self::Three | Self::Four | Self::Six => 1,
            Self::ThreeForTwo | Self::SixForTwo => 2,
        }
    }

    /// The stride of the first of `taps`.
    fn of(taps: &[Tap]) -> Self {
        let step = |columns: usize| Some(taps.get(columns)?.first - taps.first()?.first);
        let is_even = step(2) == step(1).map(|one| 2 * one);
        match (step(1), step(2)) {
            (Some(1), _) if is_even => Self::One,
            (Some(2), _) if is_even => Self::Two,
            (Some(3), _) if is_even => Self::Three,
            (Some(4), _) if is_even => Self::Four,
            (Some(6), _) if is_even => Self::Six,
            (_, Some(3)) => Self::ThreeForTwo,
            (_, Some(6)) => Self::SixForTwo,
            _ => Self::Uneven,
        }
    }
}

impl Columns {
    /// Numbers that have to follow a row: the longest stride, and another pixel.
    pub(super) const BEHIND: usize = 8;

    /// Gets ready for rows of pixels with `channels` interleaved channels.
    pub(super) fn settle(&mut self, axis: Axis, channels: usize) {
        self.taps.clear();
        self.taps.extend((0..axis.results).map(|position| {
            let Tap { first, weight } = axis.tap(position);
            Tap { first: first * channels, weight }
        }));
        self.stride = Stride::of(&self.taps);
        self.strided = self.strided();
    }

    fn strided(&self) -> usize {
        let columns = self.stride.columns();
        let (Some(near), Some(far)) = (self.taps.first(), self.taps.get(columns)) else { return 0 };
        if self.stride == Stride::Uneven {
            return 0;
        }
        let stride = far.first - near.first;
        let follows = |(near, far): &(&Tap, &Tap)| {
            far.first == near.first + stride && far.weight.to_bits() == near.weight.to_bits()
        };
        let pairs = self.taps.iter().zip(self.taps.iter().skip(columns));
        let count = columns + pairs.take_while(follows).count();
        count - count % columns
    }

    pub(super) fn len(&self) -> usize {
        self.taps.len()
    }
}

/// Picks the columns of an interleaved row of `C` channels and parts the channels.
#[inline(always)]
pub(super) fn pick<const C: usize>(row: &[f32], columns: &Columns, channels: [&mut [f32]; C]) {
    let (taps, others) = columns.taps.split_at(columns.strided);
    let mut parts = channels.map(
        #[inline(always)]
        |channel| channel.split_at_mut(columns.strided),
    );
    for (lane, (channel, _)) in parts.iter_mut().enumerate() {
        let places = Places { row, lane, next: C };
        match columns.stride {
            Stride::Uneven => {}
            Stride::One => one::<1>(places, taps, channel),
            Stride::Two => one::<2>(places, taps, channel),
            Stride::Three => one::<3>(places, taps, channel),
            Stride::Four => one::<4>(places, taps, channel),
            Stride::Six => one::<6>(places, taps, channel),
            Stride::ThreeForTwo => two::<3>(places, taps, channel),
            Stride::SixForTwo => two::<6>(places, taps, channel),
        }
    }
    each(row, others, parts.map(|(_, channel)| channel));
}

/// The numbers of one channel.
#[derive(Clone, Copy)]
struct Places<'r> {
    row: &'r [f32],
    lane: usize,
    /// Numbers to the next pixel.
    next: usize,
}

impl<'r> Places<'r> {
    /// What a column and all that follow it lie between, `N` numbers apart.
    #[inline(always)]
    fn of<const N: usize>(self, tap: Tap) -> [&'r [[f32; N]]; 2] {
        let first = tap.first + self.lane;
        [first, first + self.next].map(
            #[inline(always)]
            |start| self.row.get(start..).unwrap_or(&[]).as_chunks().0,
        )
    }
}

#[inline(always)]
fn one<const N: usize>(places: Places<'_>, taps: &[Tap], channel: &mut [f32]) {
    let [tap, ..] = *taps else { return };
    let [near, far] = places.of::<N>(tap);
    for ((out, near), far) in channel.iter_mut().zip(near).zip(far) {
        *out = between(near[0], far[0], tap.weight);
    }
}

#[inline(always)]
fn two<const N: usize>(places: Places<'_>, taps: &[Tap], channel: &mut [f32]) {
    let [even, odd, ..] = *taps else { return };
    let [even_near, even_far] = places.of::<N>(even);
    let [odd_near, odd_far] = places.of::<N>(odd);
    let pairs = channel.as_chunks_mut::<2>().0.iter_mut();
    let places = even_near.iter().zip(even_far).zip(odd_near.iter().zip(odd_far));
    for (out, ((a, b), (c, d))) in pairs.zip(places) {
        *out = [between(a[0], b[0], even.weight), between(c[0], d[0], odd.weight)];
    }
}

#[inline(always)]
fn between(near: f32, far: f32, weight: f32) -> f32 {
    near + weight * (far - near)
}

/// A few pixels at a time: each is one vector with lanes to spare, and the vectors are transposed into the channels.
#[inline(always)]
fn each<const C: usize>(row: &[f32], taps: &[Tap], channels: [&mut [f32]; C]) {
    const GROUP: usize = 4;
    let (groups, rest) = taps.as_chunks::<GROUP>();
    let mut channels = channels.map(
        #[inline(always)]
        |channel| channel.split_at_mut(groups.len() * GROUP),
    );
    for (group, taps) in groups.iter().enumerate() {
        let pixels = taps.map(
            #[inline(always)]
            |tap| tap.lanes::<C>(row),
        );
        for (lane, (channel, _)) in channels.iter_mut().enumerate() {
            channel.as_chunks_mut::<GROUP>().0[group] = pixels.map(|pixel| pixel[lane]);
        }
    }
    for (place, tap) in rest.iter().enumerate() {
        let pixel = tap.lanes::<C>(row);
        for (lane, (_, channel)) in channels.iter_mut().enumerate() {
            channel[place] = pixel[lane];
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{Columns, each, pick};
    use crate::preprocess::letterbox::taps::Axis;

    /// The columns of one row, and the same picked one by one.
    fn picked<const C: usize>(axis: Axis) -> ([Vec<f32>; C], [Vec<f32>; C], usize) {
        let samples = (0_u8..251).map(f32::from).cycle().step_by(97);
        let row: Vec<f32> = samples.take(axis.samples * C).collect();
        let row = [row, vec![0.0; Columns::BEHIND]].concat();
        let mut columns = Columns::default();
        columns.settle(axis, C);
        let [mut strided, mut single] =
            [(); 2].map(|()| [(); C].map(|()| vec![-1.0; axis.results]));
        pick(&row, &columns, strided.each_mut().map(Vec::as_mut_slice));
        each(&row, &columns.taps, single.each_mut().map(Vec::as_mut_slice));
        (strided, single, columns.strided)
    }

    #[test]
    fn the_sizes_of_cameras_are_picked_by_strides() {
        for (source, result) in [(1920, 640), (1280, 640), (2560, 640), (3840, 640), (640, 640)] {
            for axis in [Axis::of_pixels(source, result), Axis::of_pairs_at_first(source, result)] {
                if axis.step < 1.0 {
                    continue;
                }
                let (strided, single, count) = picked::<1>(axis);
                assert!(count >= result - 2, "{source} to {result}: {count} columns");
                assert_eq!(strided, single);
                let (strided, single, count) = picked::<2>(axis);
                assert!(
                    count >= result - 2 || axis.step > 3.0,
                    "{source} to {result}: {count} columns"
                );
                assert_eq!(strided, single);
            }
        }
    }

    proptest! {
        #[test]
        fn strides_change_nothing(source in 1_usize..200, result in 1_usize..200) {
            for axis in [Axis::of_pixels(source, result), Axis::of_pairs_at_first(source, result)] {
                let (strided, single, _) = picked::<1>(axis);
                prop_assert_eq!(strided, single);
                let (strided, single, _) = picked::<2>(axis);
                prop_assert_eq!(strided, single);
                let (strided, single, _) = picked::<3>(axis);
                prop_assert_eq!(strided, single);
            }
        }
    }
}
