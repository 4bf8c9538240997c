//! Sampling pictures at computed places, as ONNX's `GridSample` and PyTorch's `grid_sample` have it: composed
//! of gathers of whole pixels, the same on every device.

use candle_core::{DType, Tensor};
use detections_onnx::{GridPadding, GridSample, Interpolation};

use super::{Fault, Lowered, Lowering, Operand, movement};

type Result = candle_core::Result<Tensor>;

/// What a grid is sampled from, all of it on the device.
struct Field {
    op: GridSample,
    /// `[width, height]`.
    size: Tensor,
    /// `[width - 1, height - 1]`.
    last: Tensor,
    /// `[1, width]`: what a step along each axis is worth in pixels.
    steps: Tensor,
    /// Where each picture begins: `[n, 1]`.
    starts: Tensor,
    zero: Tensor,
}

pub(super) fn sample(
    lowering: &mut Lowering<'_, '_>,
    op: GridSample,
    from: &[&Operand],
    shape: &[usize],
) -> Lowered<Operand> {
    let (&[n, c, rows, columns], &[_, _, height, width]) = (from[0].dims(), shape) else {
        return Err(Fault::Unsupported(format!("shape {shape:?}")));
    };
    let field = Field::new(lowering, op, [n, rows, columns])?;
    let pixels = movement::permuted_copy(lowering, from[0], &[0, 2, 3, 1])?;
    let pixels = movement::reshape(lowering, &pixels, &[n * rows * columns, c])?;
    let grid = lowering.contiguous(from[1])?;
    let grid = movement::reshape(lowering, &grid, &[n, height * width, 2])?;
    let to = ([n * height * width, c], DType::F32);
    let to = (to.0.as_slice(), to.1);
    let sampled = lowering
        .compute("sample", &[&pixels, &grid], to, move |x| field.sample(x.get(0)?, x.get(1)?))?;
    let sampled = movement::reshape(lowering, &sampled, &[n, height, width, c])?;
    movement::permute(lowering, &sampled, &[0, 3, 1, 2])
}

impl Field {
    fn new(
        lowering: &Lowering<'_, '_>,
        op: GridSample,
        [n, rows, columns]: [usize; 3],
    ) -> candle_core::Result<Self> {
        let device = lowering.device();
        let size = Tensor::new(&[single(columns), single(rows)], device)?;
        let starts: Vec<i64> =
            (0..n).filter_map(|picture| i64::try_from(picture * rows * columns).ok()).collect();
        Ok(Self {
            op,
            last: size.affine(1.0, -1.0)?,
            size,
            steps: Tensor::new(&[1.0, single(columns)], device)?,
            starts: Tensor::new(starts, device)?.unsqueeze(1)?,
            zero: Tensor::new(0_f32, device)?,
        })
    }

    /// Of pixels `[all, c]` at places `[n, p, 2]`: `[n · p, c]`.
    fn sample(&self, pixels: &Tensor, grid: &Tensor) -> Result {
        let places = self.inside(&self.places(grid)?)?;
        match self.op.interpolation {
            Interpolation::Nearest => {
                let places = even(&places)?;
                let (at, kept) = (self.pixel(&places)?, self.kept(&places)?);
                pixels.index_select(&at, 0)?.broadcast_mul(&kept)
            }
            Interpolation::Linear => self.between(pixels, &places),
        }
    }

    /// From -1..1 to pixels.
    fn places(&self, grid: &Tensor) -> Result {
        let from_edge = grid.affine(1.0, 1.0)?;
        if self.op.align_corners {
            from_edge.affine(0.5, 0.0)?.broadcast_mul(&self.last)
        } else {
            from_edge.broadcast_mul(&self.size)?.affine(0.5, -0.5)
        }
    }

    /// What lies outside, brought inside where the padding says so.
    fn inside(&self, places: &Tensor) -> Result {
        match self.op.padding {
            GridPadding::Zeros => Ok(places.clone()),
            GridPadding::Border => self.clamped(places),
            GridPadding::Reflection => self.clamped(&self.reflected(places)?),
        }
    }

    fn clamped(&self, places: &Tensor) -> Result {
        places.broadcast_maximum(&self.zero)?.broadcast_minimum(&self.last)
    }

    /// Mirrored at the middles of the outermost pixels or at their outer edges, as often as it takes.
    fn reflected(&self, places: &Tensor) -> Result {
        let (low, range) =
            if self.op.align_corners { (0.0, &self.last) } else { (-0.5, &self.size) };
        let range =
            range.broadcast_maximum(&self.zero.affine(1.0, f64::from(f32::MIN_POSITIVE))?)?;
        let there_and_back = range.affine(2.0, 0.0)?;
        let from_low = places.affine(1.0, -low)?.abs()?;
        let turns = from_low.broadcast_div(&there_and_back)?.floor()?;
        let on_the_way = (from_low - turns.broadcast_mul(&there_and_back)?)?;
        let from_turn = on_the_way.broadcast_sub(&range)?.abs()?;
        range.broadcast_sub(&from_turn)?.affine(1.0, low)
    }

    /// The four pixels around each place, each as much as it is near: all in one gather.
    fn between(&self, pixels: &Tensor, places: &Tensor) -> Result {
        let before = places.floor()?;
        let share = (places - &before)?;
        let after = before.affine(1.0, 1.0)?;
        let [left, above] = columns(&before)?;
        let [right, below] = columns(&after)?;
        let [across, down] = columns(&share)?;
        let corners = [(&left, &above), (&right, &above), (&left, &below), (&right, &below)];
        let mut at = Vec::new();
        let mut weights = Vec::new();
        for (corner, (x, y)) in corners.into_iter().enumerate() {
            let place = Tensor::cat(&[x, y], 2)?;
            let x = if corner % 2 == 0 { across.affine(-1.0, 1.0)? } else { across.clone() };
            let y = if corner < 2 { down.affine(-1.0, 1.0)? } else { down.clone() };
            at.push(self.pixel(&place)?);
            weights.push(((x * y)?.flatten_all()?.unsqueeze(1)? * self.kept(&place)?)?);
        }
        let (at, weights) = (Tensor::cat(&at, 0)?, Tensor::cat(&weights, 0)?);
        let found = pixels.index_select(&at, 0)?.broadcast_mul(&weights)?;
        let (all, channels) = found.dims2()?;
        found.reshape((4, all / 4, channels))?.sum(0)
    }

    /// Whole places `[n, p, 2]` as places among all pixels `[n · p]`, the nearest for what lies outside.
    fn pixel(&self, places: &Tensor) -> Result {
        let at = self.clamped(places)?.broadcast_mul(&self.steps)?.sum(2)?;
        at.to_dtype(DType::I64)?.broadcast_add(&self.starts)?.flatten_all()
    }

    /// 1 for whole places inside and 0 for others, `[n · p, 1]`.
    fn kept(&self, places: &Tensor) -> Result {
        let same = self.clamped(places)?.eq(places)?.to_dtype(DType::F32)?;
        let [x, y] = columns(&same)?;
        (x * y)?.flatten_all()?.unsqueeze(1)
    }
}

/// `x` and `y` of places `[n, p, 2]`.
fn columns(places: &Tensor) -> candle_core::Result<[Tensor; 2]> {
    Ok([places.narrow(2, 0, 1)?.contiguous()?, places.narrow(2, 1, 1)?.contiguous()?])
}

/// To the nearest whole number, halves to the even one.
fn even(x: &Tensor) -> Result {
    super::elementwise::round_even(x)
}

#[expect(clippy::cast_precision_loss, reason = "pictures have fewer pixels than f32 can count")]
fn single(number: usize) -> f32 {
    number as f32
}
