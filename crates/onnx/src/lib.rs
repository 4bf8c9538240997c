//! One `.onnx` file to what it says of itself and to a typed graph with every shape settled.
//! The only crate that knows the format; it runs nothing.
#![doc = include_str!("../README.md")]

mod adapt;
mod axes;
mod check;
mod decoding;
mod describe;
mod error;
mod file;
mod flow;
mod foreign;
mod graph;
mod guard;
mod lift;
mod program;
mod suppression;

pub use crate::{
    error::{OnnxError, UnsupportedOperator},
    file::OnnxFile,
    graph::{GraphInput, TypedGraph},
    program::{
        Arithmetic, Comparison, Convolution, Element, GridPadding, GridSample, Interpolation,
        Numbers, Op, Pool, PoolKind, Program, Reduction, Scatter, Slice, Source,
        TransposedConvolution, Unary, Value, ValueId,
    },
};
