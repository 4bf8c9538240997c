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

/// Where a box is and how it moves: centre, width and height, and their velocities.
#[derive(Debug, Clone)]
pub(crate) struct BoxFilter {
    x: Axis,
    y: Axis,
    width: Axis,
    height: Axis,
    size: f32,
}

impl BoxFilter {
    /// A box at rest where it was first seen, whose velocity is not known.
    pub(crate) fn new(rect: &Rect<Source>) -> Self {
        let size = size_of(rect);
        let [x, y, width, height] = measured(rect).map(|value| Axis::new(value, size));
        Self { x, y, width, height, size }
    }

    /// Moves the box by `seconds` and widens what is not known of it.
    pub(crate) fn predict(&mut self, seconds: f32) {
        let (step, size) = (seconds.clamp(0.0, LONGEST_STEP), self.size);
        self.axes().into_iter().for_each(|axis| axis.predict(step, size));
    }

    /// Takes in where the box was seen now.
    pub(crate) fn correct(&mut self, rect: &Rect<Source>) {
        let size = size_of(rect);
        let variance = (MEASURED * size).powi(2);
        for (axis, value) in self.axes().into_iter().zip(measured(rect)) {
            axis.correct(value, variance);
        }
        self.size = size;
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
