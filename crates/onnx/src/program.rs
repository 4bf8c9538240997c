//! A model's graph as a list of plain operators with settled shapes: what a runtime that is not the
//! importer's needs. No type of the importer appears here.

mod builder;
mod op;
mod translate;

use std::{fmt, sync::Arc};

pub use self::op::{
    Arithmetic, Comparison, Convolution, GridPadding, GridSample, Interpolation, Op, Pool,
    PoolKind, Reduction, Scatter, Slice, TransposedConvolution, Unary,
};

pub(crate) use self::translate::translate;

/// A graph in the order in which it runs: every value comes from values before it.
///
/// There is one input, the pictures as planes of red, green and blue in float32, `[batch, 3, height, width]`.
#[derive(Debug, Clone)]
pub struct Program {
    values: Vec<Value>,
    input: ValueId,
    outputs: Vec<ValueId>,
}

impl Program {
    /// All values; a [`ValueId`] is a place in here.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The value behind an identity of this program.
    ///
    /// # Panics
    /// Never for one that this program gave.
    #[must_use]
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// Where the pictures go in.
    #[must_use]
    pub const fn input(&self) -> ValueId {
        self.input
    }

    /// What comes out, in the order of the file's signature.
    #[must_use]
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }
}

/// The place of a value in its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(usize);

impl ValueId {
    /// The place in [`Program::values`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// One tensor of a graph.
#[derive(Debug, Clone)]
pub struct Value {
    /// The node of the file's graph that it belongs to; several values may share one.
    pub name: String,
    /// What its elements are.
    pub element: Element,
    /// Its axes, outermost first.
    pub shape: Vec<usize>,
    /// Where it comes from.
    pub source: Source,
}

impl Value {
    /// The number of its elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where a value comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// It is the pictures.
    Input,
    /// It is in the file, or follows from what is.
    Constant(Numbers),
    /// It is computed.
    Computed {
        /// How.
        op: Op,
        /// From what, in the operator's order.
        operands: Vec<ValueId>,
    },
}

/// What elements are. Every whole number of more than a byte is held in 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// float32.
    F32,
    /// Whole numbers.
    I64,
    /// Bytes.
    U8,
    /// Truth: 0 or 1 in a byte.
    Bool,
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::Bool => "bool",
        })
    }
}

/// The elements of a constant, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// Of [`Element::F32`].
    F32(Arc<[f32]>),
    /// Of [`Element::I64`].
    I64(Arc<[i64]>),
    /// Of [`Element::U8`] and [`Element::Bool`].
    U8(Arc<[u8]>),
}
