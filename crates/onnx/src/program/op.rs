//! The operators of a program: a closed set, each with its settled parameters.
//!
//! Parameters that the shapes of operands and result already tell are not repeated.

/// How a value is computed.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Pictures `[n, c, h, w]` with kernels `[o, c / groups, kh, kw]`, no bias.
    Convolution(Convolution),
    /// Pictures `[n, c, h, w]` with kernels `[c, o / groups, kh, kw]`, nothing cropped, no bias.
    TransposedConvolution(TransposedConvolution),
    /// Windows over pictures `[n, c, h, w]`.
    Pool(Pool),
    /// `[b, m, k] × [b, k, n]`.
    MatMul,
    /// One element at a time.
    Unary(Unary),
    /// Two at a time; axes of length 1 are repeated.
    Arithmetic(Arithmetic),
    /// Two at a time, to truth; axes of length 1 are repeated.
    Comparison(Comparison),
    /// Where the first operand is true the second, else the third; axes of length 1 are repeated.
    Select,
    /// To the result's elements: truth is what is not 0, fractions are cut off.
    Cast,
    /// The same elements in row-major order under the result's shape.
    Reshape,
    /// Axis `i` of the result is the operand's axis `order[i]`.
    Permute(Vec<usize>),
    /// Axes of length 1 are repeated to the result's shape, which has as many axes.
    Broadcast,
    /// A part along one axis.
    Slice(Slice),
    /// One behind the other along this axis.
    Concat(usize),
    /// `(before, after)` elements of one number around every axis.
    Pad {
        /// How many, axis by axis.
        around: Vec<(usize, usize)>,
        /// Which number.
        with: f64,
    },
    /// Along these axes, which stay with length 1.
    Reduce(Reduction, Vec<usize>),
    /// The place of the largest or smallest along an axis, which stays with length 1; the first of equals.
    Extreme {
        /// Along which axis.
        axis: usize,
        /// The largest rather than the smallest.
        largest: bool,
    },
    /// Exponentials over their sum along an axis.
    Softmax(usize),
    /// Whole slices along an axis at the places of the second operand, which has one axis; none is negative.
    Gather(usize),
    /// For each place of the second operand the element there along an axis; none is negative.
    GatherElements(usize),
    /// The first operand, with the third's elements at the second's places along an axis; none is negative.
    ScatterElements(usize, Scatter),
    /// The places of the `count` largest or smallest along an axis, best first, earlier before later equals.
    Top {
        /// Along which axis.
        axis: usize,
        /// How many.
        count: usize,
        /// The largest rather than the smallest.
        largest: bool,
    },
    /// Pictures `[n, c, h, w]` at the places `[n, oh, ow, 2]` (x, y in -1..1).
    GridSample(GridSample),
}

impl Op {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Convolution(_) => "Convolution",
            Self::TransposedConvolution(_) => "TransposedConvolution",
            Self::Pool(_) => "Pool",
            Self::MatMul => "MatMul",
            Self::Unary(unary) => unary.name(),
            Self::Arithmetic(arithmetic) => arithmetic.name(),
            Self::Comparison(_) => "Comparison",
            Self::Select => "Select",
            Self::Cast => "Cast",
            Self::Reshape => "Reshape",
            Self::Permute(_) => "Permute",
            Self::Broadcast => "Broadcast",
            Self::Slice(_) => "Slice",
            Self::Concat(_) => "Concat",
            Self::Pad { .. } => "Pad",
            Self::Reduce(..) => "Reduce",
            Self::Extreme { .. } => "Extreme",
            Self::Softmax(_) => "Softmax",
            Self::Gather(_) => "Gather",
            Self::GatherElements(_) => "GatherElements",
            Self::ScatterElements(..) => "ScatterElements",
            Self::Top { .. } => "Top",
            Self::GridSample(_) => "GridSample",
        }
    }
}

/// Parameters of a convolution; the first of each pair belongs to the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Convolution {
    /// Steps of the kernel.
    pub strides: [usize; 2],
    /// Distance of its taps.
    pub dilations: [usize; 2],
    /// Zeros before and after.
    pub padding: [(usize, usize); 2],
    /// Parts that the channels fall into.
    pub groups: usize,
}

/// Parameters of a transposed convolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransposedConvolution {
    /// Steps in the result.
    pub strides: [usize; 2],
    /// Distance of the kernel's taps.
    pub dilations: [usize; 2],
    /// Parts that the channels fall into.
    pub groups: usize,
}

/// Parameters of a pooling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// What becomes of a window.
    pub kind: PoolKind,
    /// Its size.
    pub window: [usize; 2],
    /// Its steps.
    pub strides: [usize; 2],
    /// What lies before and after: nothing for the largest, zeros for a mean.
    pub padding: [(usize, usize); 2],
}

/// What becomes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest element.
    Max,
    /// The sum over the window's size, whatever of it is padding.
    Mean,
}

/// Operators on one element.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the functions")]
pub enum Unary {
    Abs,
    Ceil,
    Cos,
    Erf,
    Exp,
    Floor,
    /// `x Φ(x)` by the error function.
    Gelu,
    /// The same by a hyperbolic tangent.
    GeluTanh,
    /// `x · clamp(x / 6 + 1/2, 0, 1)`.
    HardSwish,
    /// What is negative times this.
    LeakyRelu(f32),
    Log,
    Negate,
    /// 1 for 0 and 0 for 1.
    Not,
    /// To this power.
    Power(f32),
    Reciprocal,
    /// Halves away from 0.
    Round,
    /// Halves to the even neighbour.
    RoundEven,
    /// 1 over the square root.
    Rsqrt,
    Sigmoid,
    Sign,
    /// `x · sigmoid(x)`.
    Silu,
    Sin,
    Sqrt,
    Square,
    Tanh,
}

impl Unary {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abs => "Abs",
            Self::Ceil => "Ceil",
            Self::Cos => "Cos",
            Self::Erf => "Erf",
            Self::Exp => "Exp",
            Self::Floor => "Floor",
            Self::Gelu => "Gelu",
            Self::GeluTanh => "GeluTanh",
            Self::HardSwish => "HardSwish",
            Self::LeakyRelu(_) => "LeakyRelu",
            Self::Log => "Log",
            Self::Negate => "Negate",
            Self::Not => "Not",
            Self::Power(_) => "Power",
            Self::Reciprocal => "Reciprocal",
            Self::Round => "Round",
            Self::RoundEven => "RoundEven",
            Self::Rsqrt => "Rsqrt",
            Self::Sigmoid => "Sigmoid",
            Self::Sign => "Sign",
            Self::Silu => "Silu",
            Self::Sin => "Sin",
            Self::Sqrt => "Sqrt",
            Self::Square => "Square",
            Self::Tanh => "Tanh",
        }
    }
}

/// Operators on two elements of one kind, with a result of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the functions")]
pub enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    /// What a division that is cut off towards 0 leaves: it has the sign of the first operand.
    Remainder,
    Min,
    Max,
    /// Of truths.
    And,
    /// Of truths.
    Or,
    /// Of truths.
    Xor,
}

impl Arithmetic {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::Remainder => "Remainder",
            Self::Min => "Min",
            Self::Max => "Max",
            Self::And => "And",
            Self::Or => "Or",
            Self::Xor => "Xor",
        }
    }
}

/// Which pairs are true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the relations")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Every `step`th of an axis, from `start` on, as many as the result is long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Which axis.
    pub axis: usize,
    /// The first place.
    pub start: usize,
    /// The distance to the next, at least 1.
    pub step: usize,
}

/// What many elements become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the functions")]
pub enum Reduction {
    Sum,
    Max,
    Min,
}

/// What happens to the element that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scatter {
    /// The new one takes its place.
    Replace,
    /// The new one is added to it.
    Add,
}

/// Parameters of a sampling at computed places, as ONNX's `GridSample` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GridSample {
    /// What lies between two elements.
    pub interpolation: Interpolation,
    /// What lies outside.
    pub padding: GridPadding,
    /// -1 and 1 are the middles of the outermost elements rather than their outer edges.
    pub align_corners: bool,
}

/// What lies between two elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearer of the two.
    Nearest,
    /// A straight line.
    Linear,
}

/// What lies outside of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GridPadding {
    /// Zeros.
    Zeros,
    /// The element at the edge.
    Border,
    /// The picture, mirrored at its edge.
    Reflection,
}
