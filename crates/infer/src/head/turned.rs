//! Boxes that are turned about their centre: their corners, their bounds and how much two of them overlap.
//!
//! The overlap is ProbIoU, as Ultralytics' own suppression takes it: one less the Hellinger distance of the two
//! boxes as Gaussians; Murrugarra-Llerena et al., "Gaussian Bounding Boxes and Probabilistic
//! Intersection-over-Union for Object Detection", arXiv 2106.06072.

use detections_types::{ModelInput, Rect};

/// A box of `width` x `height` about a centre, turned by `angle` radians from x towards y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TurnedRect {
    pub(crate) cx: f32,
    pub(crate) cy: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) angle: f32,
}

impl TurnedRect {
    /// The corners in turn, as Ultralytics' `xywhr2xyxyxyxy` orders them.
    pub(crate) fn corners(&self) -> [[f32; 2]; 4] {
        let (sin, cos) = self.angle.sin_cos();
        let along = [self.width / 2.0 * cos, self.width / 2.0 * sin];
        let across = [-self.height / 2.0 * sin, self.height / 2.0 * cos];
        [[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]].map(|[a, b]| {
            [self.cx + a * along[0] + b * across[0], self.cy + a * along[1] + b * across[1]]
        })
    }

    /// The upright box around it.
    pub(crate) fn bounds(&self) -> Rect<ModelInput> {
        let (sin, cos) = self.angle.sin_cos();
        let (sin, cos) = (sin.abs(), cos.abs());
        let sound = self.width > 0.0 && self.height > 0.0;
        let (width, height) = if sound { (self.width, self.height) } else { (0.0, 0.0) };
        let (w, h) = (width * cos + height * sin, width * sin + height * cos);
        Rect::from_center(self.cx, self.cy, w, h)
    }

    /// ProbIoU with another box, 0 to 1.
    pub(crate) fn overlap(&self, other: &Self) -> f32 {
        const EPSILON: f32 = 1e-7;
        let ([a1, b1, c1], [a2, b2, c2]) = (self.covariance(), other.covariance());
        let (a, b, c) = (a1 + a2, b1 + b2, c1 + c2);
        let (dx, dy) = (self.cx - other.cx, self.cy - other.cy);
        let joint = a * b - c * c + EPSILON;
        let apart = 0.25 * (a * dy * dy + b * dx * dx) / joint - 0.5 * c * dx * dy / joint;
        let own = (a1 * b1 - c1 * c1).max(0.0) * (a2 * b2 - c2 * c2).max(0.0);
        let unlike = 0.5 * ((a * b - c * c) / (4.0 * own.sqrt() + EPSILON) + EPSILON).ln();
        let distance = (apart + unlike).clamp(EPSILON, 100.0);
        1.0 - (1.0 - (-distance).exp() + EPSILON).sqrt()
    }

    /// Of the Gaussian with the box's own moments: of x, of y, and between them.
    fn covariance(&self) -> [f32; 3] {
        let (w, h) = (self.width * self.width / 12.0, self.height * self.height / 12.0);
        let (sin, cos) = self.angle.sin_cos();
        [w * cos * cos + h * sin * sin, w * sin * sin + h * cos * cos, (w - h) * cos * sin]
    }
}

#[cfg(test)]
mod tests {
    use super::TurnedRect;

    const fn turned(cx: f32, width: f32, height: f32, angle: f32) -> TurnedRect {
        TurnedRect { cx, cy: 0.0, width, height, angle }
    }

    #[test]
    fn corners_and_bounds_are_those_of_the_turned_box() {
        // A square of side 2 on its tip: corners at a distance of the square root of 2.
        let tip = turned(10.0, 2.0, 2.0, std::f32::consts::FRAC_PI_4);
        let root = std::f32::consts::SQRT_2;
        let bounds = tip.bounds();
        assert!((bounds.x0 - (10.0 - root)).abs() < 1e-5 && (bounds.y1 - root).abs() < 1e-5);
        let expected = [[10.0, root], [10.0 + root, 0.0], [10.0, -root], [10.0 - root, 0.0]];
        for (corner, expected) in tip.corners().iter().zip(expected) {
            let close = corner.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(close, "{corner:?} {expected:?}");
        }
    }

    /// Of two equal upright Gaussians the distance is d²/(8σ²): for 12x12 boxes, whose σ² is 12, 6 apart
    /// that is 36/96, and ProbIoU is 1 - sqrt(1 - exp(-0.375)).
    #[test]
    fn the_overlap_is_that_of_the_paper() {
        let (a, b) = (turned(0.0, 12.0, 12.0, 0.0), turned(6.0, 12.0, 12.0, 0.0));
        let expected = 1.0 - (1.0_f32 - (-0.375_f32).exp()).sqrt();
        assert!((a.overlap(&b) - expected).abs() < 1e-4, "{}", a.overlap(&b));
        assert!(a.overlap(&a) > 0.999);
        let (long, across) = (turned(0.0, 40.0, 4.0, 0.0), turned(0.0, 40.0, 4.0, 1.570_796_4));
        assert!(long.overlap(&across) < 0.5, "{}", long.overlap(&across));
        assert!(long.overlap(&turned(0.0, 4.0, 40.0, 1.570_796_4)) > 0.99);
    }
}
