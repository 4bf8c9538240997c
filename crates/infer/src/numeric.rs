//! Conversions between numbers that may lose something, each with the reason why it does not here.

/// A count or pixel position as f32: exact up to 2²⁴, far above any side of a tensor or class count.
#[expect(clippy::cast_precision_loss, reason = "counts and sides are far below 2^24")]
pub(crate) const fn float(count: usize) -> f32 {
    count as f32
}

/// A pixel count as f64, exact.
#[expect(clippy::cast_precision_loss, reason = "sides are far below 2^53")]
pub(crate) const fn double(count: usize) -> f64 {
    count as f64
}

/// The whole part of a number, 0 for what is negative or not a number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float casts saturate, which is what is wanted"
)]
pub(crate) const fn whole(value: f64) -> usize {
    value as usize
}

/// The nearest f32.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is what is wanted")]
pub(crate) const fn single(value: f64) -> f32 {
    value as f32
}

/// The count that a number in a tensor stands for; none for what is negative, no number or too large.
pub(crate) fn whole_number(value: f32) -> Option<usize> {
    let value = f64::from(value).round();
    (0.0..1e9).contains(&value).then(|| whole(value))
}
