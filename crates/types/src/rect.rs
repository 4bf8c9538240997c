//! Axis-aligned rectangles that carry the space they are measured in.

use std::{fmt, marker::PhantomData};

/// The space of the original picture, upright: x to the right, y down, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {}

/// The space of the model's input tensor, in pixels of that tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelInput {}

/// An axis-aligned rectangle in the pixels of `Space`.
///
/// `(x0, y0)` is the top-left corner and `(x1, y1)` the bottom-right one, both continuous: a
/// rectangle that covers exactly the first pixel is `(0, 0, 1, 1)`. A box that has not been mapped
/// back to the source is a type error wherever one in source pixels is wanted.
///
/// ```
/// use detections_types::{Rect, Source};
///
/// let left: Rect<Source> = Rect::from_corners(0.0, 0.0, 10.0, 10.0);
/// let right = Rect::from_corners(5.0, 0.0, 15.0, 10.0);
/// assert!((left.iou(&right) - 1.0 / 3.0).abs() < 1e-6);
/// ```
pub struct Rect<Space> {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
    space: PhantomData<Space>,
}

impl<Space> Rect<Space> {
    /// A rectangle from its top-left and bottom-right corners.
    #[must_use]
    pub const fn from_corners(x0: f32, y0: f32, x1: f32, y1: f32) -> Self {
        Self { x0, y0, x1, y1, space: PhantomData }
    }

    /// A rectangle from its centre, width and height.
    #[must_use]
    pub fn from_center(cx: f32, cy: f32, width: f32, height: f32) -> Self {
        let (half_w, half_h) = (width * 0.5, height * 0.5);
        Self::from_corners(cx - half_w, cy - half_h, cx + half_w, cy + half_h)
    }

    /// Width in pixels, never negative.
    #[must_use]
    pub fn width(&self) -> f32 {
        (self.x1 - self.x0).max(0.0)
    }

    /// Height in pixels, never negative.
    #[must_use]
    pub fn height(&self) -> f32 {
        (self.y1 - self.y0).max(0.0)
    }

    /// Area in square pixels, never negative.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// Whether all four edges are finite numbers.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        [self.x0, self.y0, self.x1, self.y1].iter().all(|edge| edge.is_finite())
    }

    /// Intersection over union with `other`, 0..=1; 0 when both are empty.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let intersection = self.intersection(other);
        let union = self.area() + other.area() - intersection;
        if union > 0.0 { intersection / union } else { 0.0 }
    }

    /// Intersection over the area of the smaller of the two, 0..=1; 0 when one is empty.
    #[must_use]
    pub fn intersection_over_smaller(&self, other: &Self) -> f32 {
        let smaller = self.area().min(other.area());
        if smaller > 0.0 { self.intersection(other) / smaller } else { 0.0 }
    }

    /// Area that both cover, in square pixels.
    fn intersection(&self, other: &Self) -> f32 {
        let width = (self.x1.min(other.x1) - self.x0.max(other.x0)).max(0.0);
        let height = (self.y1.min(other.y1) - self.y0.max(other.y0)).max(0.0);
        width * height
    }

    /// The part inside `0..=width` × `0..=height`; empty (zero area) when it lies outside.
    #[must_use]
    pub fn clipped_to(&self, width: f32, height: f32) -> Self {
        Self::from_corners(
            self.x0.clamp(0.0, width),
            self.y0.clamp(0.0, height),
            self.x1.clamp(0.0, width),
            self.y1.clamp(0.0, height),
        )
    }
}

// Derives would demand the same traits of `Space`, which is only a mark.
impl<Space> Clone for Rect<Space> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Space> Copy for Rect<Space> {}

impl<Space> PartialEq for Rect<Space> {
    fn eq(&self, other: &Self) -> bool {
        (self.x0, self.y0, self.x1, self.y1) == (other.x0, other.y0, other.x1, other.y1)
    }
}

impl<Space> fmt::Debug for Rect<Space> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}, {}, {}]", self.x0, self.y0, self.x1, self.y1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Rect, Source};

    fn rect(x0: f32, y0: f32, x1: f32, y1: f32) -> Rect<Source> {
        Rect::from_corners(x0, y0, x1, y1)
    }

    #[test]
    fn iou_is_one_with_itself_and_zero_when_apart() {
        let a = rect(2.0, 3.0, 8.0, 9.0);
        assert!((a.iou(&a) - 1.0).abs() < 1e-6);
        assert!(a.iou(&rect(8.0, 3.0, 12.0, 9.0)).abs() < 1e-6);
        assert!(rect(1.0, 1.0, 1.0, 1.0).iou(&rect(1.0, 1.0, 1.0, 1.0)).abs() < 1e-6);
    }

    #[test]
    fn a_part_covers_all_of_itself_however_large_the_whole_is() {
        let (whole, part) = (rect(0.0, 0.0, 100.0, 100.0), rect(90.0, 0.0, 110.0, 10.0));
        assert!((whole.intersection_over_smaller(&part) - 0.5).abs() < 1e-6);
        assert!((part.intersection_over_smaller(&part) - 1.0).abs() < 1e-6);
        assert!(whole.intersection_over_smaller(&rect(1.0, 1.0, 1.0, 9.0)).abs() < 1e-6);
    }

    #[test]
    fn center_form_gives_the_same_corners() {
        assert_eq!(Rect::<Source>::from_center(5.0, 6.0, 4.0, 2.0), rect(3.0, 5.0, 7.0, 7.0));
    }

    #[test]
    fn clipping_keeps_the_inside_and_empties_the_outside() {
        assert_eq!(rect(-5.0, -5.0, 5.0, 5.0).clipped_to(10.0, 4.0), rect(0.0, 0.0, 5.0, 4.0));
        assert!(rect(20.0, 20.0, 30.0, 30.0).clipped_to(10.0, 10.0).area().abs() < 1e-6);
    }

    #[test]
    fn inverted_corners_have_no_area() {
        assert!(rect(5.0, 5.0, 1.0, 1.0).area().abs() < 1e-6);
    }
}
