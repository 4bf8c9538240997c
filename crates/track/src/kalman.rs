//! A Kalman filter for a box that moves with nearly constant velocity, over time steps of any length.
//! The state is that of SORT (Bewley et al. 2016) with width and height for area and aspect ratio.

use detections_types::{Rect, Source};

// ByteTrack's noise, which is per frame, as rates per second at 30 frames a second.
// All are relative to the size of the box, so that a picture of twice the size gives the same tracks.
const MEASURED: f32 = 1.0 / 20.0;
const FIRST_MEASURED: f32 = 2.0 * MEASURED;
const FIRST_VELOCITY: f32 = 10.0 / 160.0 * 30.0;
const POSITION_DIFFUSION: f32 = 30.0 / (20.0 * 20.0);
const VELOCITY_DIFFUSION: f32 = 30.0 * 30.0 * 30.0 / (160.0 * 160.0);

/// Steps are cut to this many seconds: a constant velocity says nothing about a later place.
const LONGEST_STEP: f32 = 60.0;
/// No box counts as smaller than this many pixels, or its first place would be held for exact.
const SMALLEST: f32 = 1.0;

/// How far what is hidden of an object makes its place uncertain, in parts of the length that is hidden.
const HIDDEN: f32 = 3.0;
/// In this many seconds a smaller size becomes the usual one by two thirds.
const SHRINKS_IN: f32 = 1.0;

/// Where a box is and how it moves: centre, width and height, and their velocities.
#[derive(Debug, Clone)]
pub(crate) struct BoxFilter {
    x: Axis,
    y: Axis,
    width: Axis,
    height: Axis,
    size: f32,
    /// Width and height of the whole object: they grow at once and shrink slowly.
    whole: [f32; 2],
    /// For how many seconds it was not seen.
    unseen: f32,
}

impl BoxFilter {
    /// A box at rest where it was first seen, whose velocity is not known.
    pub(crate) fn new(rect: &Rect<Source>) -> Self {
        let size = size_of(rect);
        let [x, y, width, height] = measured(rect).map(|value| Axis::new(value, size));
        Self { x, y, width, height, size, whole: [rect.width(), rect.height()], unseen: 0.0 }
    }

    /// Moves the box by `seconds` and widens what is not known of it.
    pub(crate) fn predict(&mut self, seconds: f32) {
        let (step, size) = (seconds.clamp(0.0, LONGEST_STEP), self.size);
        self.axes().into_iter().for_each(|axis| axis.predict(step, size));
        self.unseen = (self.unseen + step).min(LONGEST_STEP);
    }

    /// Takes in where the box was seen now.
    ///
    /// A box that is smaller than usual may be what shows of an object that is being covered: the more
    /// may be hidden, the less it says about where the whole is and how it moves.
    pub(crate) fn correct(&mut self, rect: &Rect<Source>) {
        self.size = size_of(rect);
        self.resize(rect);
        let measured_variance = (MEASURED * self.size).powi(2);
        let hidden = [self.whole[0] - rect.width(), self.whole[1] - rect.height()];
        let [across, down] = hidden.map(|length| measured_variance + (HIDDEN * length).powi(2));
        let variances = [across, down, across, down];
        for ((axis, value), variance) in self.axes().into_iter().zip(measured(rect)).zip(variances)
        {
            axis.correct(value, variance);
        }
    }

    /// For how many seconds it was not seen.
    pub(crate) const fn unseen(&self) -> f32 {
        self.unseen
    }

    /// Takes in how large the whole is: a larger box at once, a smaller one by and by.
    fn resize(&mut self, rect: &Rect<Source>) {
        let keep = (-self.unseen / SHRINKS_IN).exp();
        let [width, height] = &mut self.whole;
        for (whole, seen) in [(width, rect.width()), (height, rect.height())] {
            *whole = seen.max(seen + (*whole - seen) * keep);
        }
        self.unseen = 0.0;
    }

    /// Lets the box keep its size: out of sight it would grow or shrink without bound.
    pub(crate) fn hold_size(&mut self) {
        self.width.velocity = 0.0;
        self.height.velocity = 0.0;
    }

    /// Where the box is now, in source pixels.
    pub(crate) fn rect(&self) -> Rect<Source> {
        let (width, height) = (self.width.value.max(0.0), self.height.value.max(0.0));
        Rect::from_center(self.x.value, self.y.value, width, height)
    }

    fn axes(&mut self) -> [&mut Axis; 4] {
        [&mut self.x, &mut self.y, &mut self.width, &mut self.height]
    }
}

/// The length that the noise is relative to: the mean side, which turns little when the object turns.
fn size_of(rect: &Rect<Source>) -> f32 {
    ((rect.width() + rect.height()) * 0.5).max(SMALLEST)
}

fn measured(rect: &Rect<Source>) -> [f32; 4] {
    let center = |low: f32, high: f32| (low + high) * 0.5;
    [center(rect.x0, rect.x1), center(rect.y0, rect.y1), rect.width(), rect.height()]
}

/// One coordinate, its velocity, and the covariance of the two.
///
/// Motion and noise never mix the coordinates of a box, so that the filter of eight states falls into
/// four of two, and needs neither matrices nor an inverse.
#[derive(Debug, Clone)]
struct Axis {
    value: f32,
    velocity: f32,
    value_variance: f32,
    covariance: f32,
    velocity_variance: f32,
}

impl Axis {
    fn new(value: f32, size: f32) -> Self {
        Self {
            value,
            velocity: 0.0,
            value_variance: (FIRST_MEASURED * size).powi(2),
            covariance: 0.0,
            velocity_variance: (FIRST_VELOCITY * size).powi(2),
        }
    }

    /// The exact step of dx = v dt + dw₁, dv = dw₂ for two Brownian motions, so that two short steps
    /// are one long one.
    fn predict(&mut self, step: f32, size: f32) {
        let position_rate = POSITION_DIFFUSION * size * size;
        let velocity_rate = VELOCITY_DIFFUSION * size * size;
        self.value += self.velocity * step;
        self.value_variance += step * (2.0 * self.covariance + step * self.velocity_variance)
            + position_rate * step
            + velocity_rate * step.powi(3) / 3.0;
        self.covariance += step * self.velocity_variance + velocity_rate * step * step / 2.0;
        self.velocity_variance += velocity_rate * step;
    }

    fn correct(&mut self, measured: f32, variance: f32) {
        let total = self.value_variance + variance;
        let (gain, velocity_gain) = (self.value_variance / total, self.covariance / total);
        let surprise = measured - self.value;
        self.value += gain * surprise;
        self.velocity += velocity_gain * surprise;
        self.velocity_variance =
            (self.velocity_variance - velocity_gain * self.covariance).max(0.0);
        self.covariance *= variance / total;
        self.value_variance *= variance / total;
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{Rect, Source};
    use proptest::prelude::{any, prop_assert, proptest};

    use super::{Axis, BoxFilter, MEASURED, POSITION_DIFFUSION, VELOCITY_DIFFUSION};

    type Matrix = [[f64; 2]; 2];

    fn product(a: Matrix, b: Matrix) -> Matrix {
        std::array::from_fn(|i| std::array::from_fn(|j| (0..2).map(|k| a[i][k] * b[k][j]).sum()))
    }

    fn transposed(a: Matrix) -> Matrix {
        [[a[0][0], a[1][0]], [a[0][1], a[1][1]]]
    }

    fn sum(a: Matrix, b: Matrix) -> Matrix {
        std::array::from_fn(|i| std::array::from_fn(|j| a[i][j] + b[i][j]))
    }

    /// The textbook's filter of one coordinate: F P Fᵀ + Q, then Joseph's form of the correction.
    struct Textbook {
        state: [f64; 2],
        covariance: Matrix,
    }

    impl Textbook {
        fn predict(&mut self, t: f64, size: f64) {
            let f = [[1.0, t], [0.0, 1.0]];
            let (qx, qv) = (f64::from(POSITION_DIFFUSION), f64::from(VELOCITY_DIFFUSION));
            let q = [[qx * t + qv * t.powi(3) / 3.0, qv * t * t / 2.0], [qv * t * t / 2.0, qv * t]];
            self.state[0] += t * self.state[1];
            let spread = product(product(f, self.covariance), transposed(f));
            self.covariance = sum(spread, q.map(|row| row.map(|value| value * size * size)));
        }

        fn correct(&mut self, measured: f64, variance: f64) {
            let total = self.covariance[0][0] + variance;
            let gain = [self.covariance[0][0] / total, self.covariance[1][0] / total];
            let surprise = measured - self.state[0];
            self.state = [self.state[0] + gain[0] * surprise, self.state[1] + gain[1] * surprise];
            let rest = [[1.0 - gain[0], 0.0], [-gain[1], 1.0]];
            let spread = product(product(rest, self.covariance), transposed(rest));
            let noise =
                std::array::from_fn(|i| std::array::from_fn(|j| gain[i] * gain[j] * variance));
            self.covariance = sum(spread, noise);
        }
    }

    fn close(ours: f32, theirs: f64) -> bool {
        (f64::from(ours) - theirs).abs() <= 1e-3 * theirs.abs().max(1.0)
    }

    proptest! {
        #[test]
        fn an_axis_is_the_textbooks_filter_of_two_states(
            steps in proptest::collection::vec((0.0_f32..0.5, -50.0_f32..700.0), 1..30),
            size in 4.0_f32..200.0,
        ) {
            let mut axis = Axis::new(steps[0].1, size);
            let variances = [axis.value_variance, axis.velocity_variance].map(f64::from);
            let covariance = [[variances[0], 0.0], [0.0, variances[1]]];
            let mut book = Textbook { state: [f64::from(axis.value), 0.0], covariance };
            for (step, measured) in steps {
                let variance = (MEASURED * size).powi(2);
                axis.predict(step, size);
                axis.correct(measured, variance);
                book.predict(f64::from(step), f64::from(size));
                book.correct(f64::from(measured), f64::from(variance));
            }
            prop_assert!(close(axis.value, book.state[0]), "{axis:?} {:?}", book.state);
            prop_assert!((f64::from(axis.velocity) - book.state[1]).abs() < 0.5, "{axis:?}");
            prop_assert!(close(axis.value_variance, book.covariance[0][0]), "{axis:?}");
            prop_assert!(close(axis.velocity_variance, book.covariance[1][1]), "{axis:?}");
        }

        #[test]
        fn two_short_steps_are_one_long_one(a in 0.0_f32..2.0, b in 0.0_f32..2.0) {
            let mut short = Axis::new(100.0, 20.0);
            short.predict(0.1, 20.0);
            short.correct(104.0, 1.0);
            let mut long = short.clone();
            short.predict(a, 20.0);
            short.predict(b, 20.0);
            long.predict(a + b, 20.0);
            prop_assert!(close(short.value, f64::from(long.value)));
            prop_assert!(close(short.value_variance, f64::from(long.value_variance)));
            prop_assert!(close(short.covariance, f64::from(long.covariance)));
        }

        #[test]
        fn no_box_of_a_picture_makes_it_leave_the_numbers(
            boxes in proptest::collection::vec((any::<u16>(), 0.0_f32..1e6, 0.0_f32..1e6), 1..40),
        ) {
            let mut filter = BoxFilter::new(&Rect::from_corners(-1e6, -1e6, 1e6, 1e6));
            for (seconds, x, y) in boxes {
                filter.predict(f32::from(seconds));
                prop_assert!(filter.rect().is_finite());
                filter.correct(&Rect::from_corners(x, y, x + 0.001, y + 1e6));
                prop_assert!(filter.rect().is_finite());
            }
        }
    }

    #[test]
    fn what_is_covered_by_and_by_keeps_its_pace() {
        // An object of 40 pixels that goes 100 pixels a second under an edge at x = 100.
        let shows = |t: f32| {
            Rect::<Source>::from_corners(100.0 * t, 50.0, (100.0 * t + 40.0).min(100.0), 70.0)
        };
        let mut filter = BoxFilter::new(&shows(0.0));
        for frame in 1..=24_u8 {
            filter.predict(0.04);
            filter.correct(&shows(0.04 * f32::from(frame)));
        }
        filter.hold_size();
        filter.predict(0.5);
        let middle = filter.x.value;
        assert!((middle - 166.0).abs() < 20.0, "{middle}");
        assert!(filter.x.velocity > 80.0, "{}", filter.x.velocity);
    }

    #[test]
    fn what_moves_steadily_is_foretold_whatever_the_frame_rate() {
        let at = |t: f32| Rect::<Source>::from_corners(100.0 * t, 50.0, 100.0 * t + 40.0, 70.0);
        let mut filter = BoxFilter::new(&at(0.0));
        let mut time = 0.0;
        for step in [0.04, 0.08, 0.04, 0.2, 0.04, 0.12, 0.04, 0.04, 0.3, 0.04] {
            time += step;
            filter.predict(step);
            filter.correct(&at(time));
        }
        filter.predict(0.5);
        assert!((filter.rect().x0 - at(time + 0.5).x0).abs() < 3.0, "{:?}", filter.rect());
    }
}
