//! Where a picture lies within the model's input, and the way back for boxes.

use detections_types::{ModelInput, Rect, Source};

use super::Placement;
use crate::{
    InputShape,
    numeric::{double, float, single, whole},
};

/// A picture scaled to fit the model's input with its proportions kept, and the space around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Letterbox {
    /// Columns of the picture.
    pub source_width: usize,
    /// Rows of the picture.
    pub source_height: usize,
    /// Columns of the input that the picture covers, at least 1.
    pub width: usize,
    /// Rows of the input that the picture covers, at least 1.
    pub height: usize,
    /// Columns of the input in front of the picture.
    pub left: usize,
    /// Rows of the input above the picture.
    pub top: usize,
    /// Columns of the picture for one of the input.
    ///
    /// The same along both axes but where the picture is stretched, as in the reference code: rounding the
    /// sides to whole pixels moves what lies at the far edge by less than one pixel of the input.
    pub scale_x: f32,
    /// Rows of the picture for one of the input.
    pub scale_y: f32,
}

impl Letterbox {
    /// Fits a picture of `source_width` x `source_height` pixels into `input`.
    ///
    /// Sides and offsets are those of the reference code of each placement: Ultralytics' `LetterBox` and
    /// YOLOX's `preproc`.
    #[must_use]
    pub fn fit(
        source_width: u32,
        source_height: u32,
        input: InputShape,
        placement: Placement,
    ) -> Self {
        let (source_width, source_height) = (source_width as usize, source_height as usize);
        if placement == Placement::Stretch {
            return Self::stretch(source_width, source_height, input);
        }
        let ratio = f64::min(
            double(input.height) / double(source_height),
            double(input.width) / double(source_width),
        );
        let scale = single(ratio.recip());
        let side = |source: usize, limit: usize| {
            let exact = double(source) * ratio;
            let side = match placement {
                Placement::Centre => whole(exact.round_ties_even()),
                Placement::TopLeft | Placement::Stretch => whole(exact),
            };
            side.clamp(1, limit)
        };
        let (width, height) = (side(source_width, input.width), side(source_height, input.height));
        let before = |free: usize| match placement {
            Placement::Centre => whole((double(free) / 2.0 - 0.1).round()),
            Placement::TopLeft | Placement::Stretch => 0,
        };
        let (left, top) = (before(input.width - width), before(input.height - height));
        let (scale_x, scale_y) = (scale, scale);
        Self { source_width, source_height, width, height, left, top, scale_x, scale_y }
    }

    /// A picture that covers all of `input`.
    fn stretch(source_width: usize, source_height: usize, input: InputShape) -> Self {
        let InputShape { width, height, .. } = input;
        let scale = |source: usize, side: usize| single(double(source) / double(side));
        let (scale_x, scale_y) = (scale(source_width, width), scale(source_height, height));
        Self { source_width, source_height, width, height, left: 0, top: 0, scale_x, scale_y }
    }

    /// The same point in pixels of the picture, which it may lie outside of.
    #[must_use]
    pub fn point_to_source(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [(x - float(self.left)) * self.scale_x, (y - float(self.top)) * self.scale_y]
    }

    /// The same box in pixels of the picture, clipped to it.
    #[must_use]
    pub fn to_source(&self, rect: Rect<ModelInput>) -> Rect<Source> {
        let x = |x: f32| (x - float(self.left)) * self.scale_x;
        let y = |y: f32| (y - float(self.top)) * self.scale_y;
        Rect::from_corners(x(rect.x0), y(rect.y0), x(rect.x1), y(rect.y1))
            .clipped_to(float(self.source_width), float(self.source_height))
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{ModelInput, Rect, Source};
    use proptest::prelude::{Just, prop_assert, prop_oneof, proptest};

    use super::Letterbox;
    use crate::{InputShape, Placement, numeric::float};

    const INPUT: InputShape = InputShape { max_batch: 1, height: 384, width: 640 };

    fn to_input(letterbox: &Letterbox, rect: Rect<Source>) -> Rect<ModelInput> {
        let x = |x: f32| x / letterbox.scale_x + float(letterbox.left);
        let y = |y: f32| y / letterbox.scale_y + float(letterbox.top);
        Rect::from_corners(x(rect.x0), y(rect.y0), x(rect.x1), y(rect.y1))
    }

    /// Expected numbers from Ultralytics' and YOLOX's formulas, by hand.
    #[test]
    fn sides_and_offsets_are_those_of_the_reference_code() {
        let square = |side| InputShape { max_batch: 1, height: side, width: side };
        let cases = [
            ((1920, 1080), square(640), Placement::Centre, [640, 360, 0, 140]),
            ((1080, 810), square(640), Placement::Centre, [640, 480, 0, 80]),
            ((1080, 810), square(416), Placement::TopLeft, [416, 312, 0, 0]),
            ((810, 1080), square(384), Placement::Centre, [288, 384, 48, 0]),
            // 333 * 384 / 500 = 255.744; (384 - 256) / 2 = 64; odd: (384 - 255) / 2 - 0.1 = 64.4.
            ((500, 333), square(384), Placement::Centre, [384, 256, 0, 64]),
            ((500, 333), square(384), Placement::TopLeft, [384, 255, 0, 0]),
            ((500, 332), square(384), Placement::Centre, [384, 255, 0, 64]),
            ((10, 10), square(384), Placement::Centre, [384, 384, 0, 0]),
            ((1, 5000), square(384), Placement::Centre, [1, 384, 191, 0]),
            // 5000 * (384 / 5000) is just below 384, and YOLOX cuts it off.
            ((5000, 1), square(384), Placement::TopLeft, [383, 1, 0, 0]),
        ];
        for ((width, height), input, placement, expected) in cases {
            let fit = Letterbox::fit(width, height, input, placement);
            assert_eq!([fit.width, fit.height, fit.left, fit.top], expected, "{width}x{height}");
        }
    }

    #[test]
    fn a_stretched_picture_covers_the_input_and_has_a_scale_for_each_axis() {
        let fit = Letterbox::fit(1280, 1920, INPUT, Placement::Stretch);
        assert_eq!([fit.width, fit.height, fit.left, fit.top], [640, 384, 0, 0]);
        let rect = fit.to_source(Rect::from_corners(32.0, 38.4, 64.0, 384.0));
        assert_eq!(rect, Rect::from_corners(64.0, 192.0, 128.0, 1920.0));
    }

    #[test]
    fn a_box_in_the_padding_becomes_empty() {
        let fit = Letterbox::fit(1000, 100, INPUT, Placement::Centre);
        assert!(fit.to_source(Rect::from_corners(10.0, 0.0, 50.0, 90.0)).area().abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn mapping_back_inverts_the_letterbox(
            width in 1_u32..5000, height in 1_u32..5000,
            placement in prop_oneof![
                Just(Placement::Centre), Just(Placement::TopLeft), Just(Placement::Stretch),
            ],
            edges in [0.0_f32..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0],
        ) {
            let fit = Letterbox::fit(width, height, INPUT, placement);
            prop_assert!(fit.left + fit.width <= INPUT.width && fit.top + fit.height <= INPUT.height);
            let (w, h) = (float(width as usize), float(height as usize));
            let rect = Rect::from_corners(
                edges[0].min(edges[1]) * w, edges[2].min(edges[3]) * h,
                edges[0].max(edges[1]) * w, edges[2].max(edges[3]) * h,
            );
            let back = fit.to_source(to_input(&fit, rect));
            for (before, after) in [(rect.x0, back.x0), (rect.y0, back.y0), (rect.x1, back.x1), (rect.y1, back.y1)] {
                // 640 + 384 pixels of f32 scaled by at most 5000 / 1 lose that much.
                prop_assert!((before - after).abs() <= 1e-3 * (1.0 + before.abs()) + w.max(h) * 1e-6, "{rect:?} {back:?}");
            }
        }

        #[test]
        fn mapped_boxes_lie_within_the_picture(
            width in 1_u32..70_000, height in 1_u32..70_000,
            edges in [-1e9_f32..1e9, -1e9_f32..1e9, -1e9_f32..1e9, -1e9_f32..1e9],
        ) {
            let fit = Letterbox::fit(width, height, INPUT, Placement::Centre);
            let rect = fit.to_source(Rect::from_corners(edges[0], edges[1], edges[2], edges[3]));
            let (w, h) = (float(width as usize), float(height as usize));
            prop_assert!([rect.x0, rect.x1].iter().all(|x| (0.0..=w).contains(x)));
            prop_assert!([rect.y0, rect.y1].iter().all(|y| (0.0..=h).contains(y)));
        }
    }
}
