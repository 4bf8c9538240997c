//! What a loaded model does, step by step, in words and bytes.

use std::fmt;

/// What a step does in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Movement {
    /// Nothing is moved: the result is another way to look at an operand.
    View,
    /// The operand's elements are copied into row-major order.
    Copy,
    /// New elements are computed.
    Compute,
}

/// One step of a loaded model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepDescription {
    /// The node of the file's graph that it belongs to.
    pub node: String,
    /// The plain operator that it is, or is a part of.
    pub operator: &'static str,
    /// What this step of it does.
    pub does: &'static str,
    /// What it does in memory.
    pub movement: Movement,
    /// The shape of its result.
    pub shape: Vec<usize>,
    /// The bytes that it reads and writes.
    pub bytes: usize,
}

impl fmt::Display for StepDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let movement = match self.movement {
            Movement::View => "view",
            Movement::Copy => "copy",
            Movement::Compute => "compute",
        };
        let Self { node, operator, does, shape, bytes, .. } = self;
        write!(f, "{movement:7} {bytes:>12} B  {operator} ({does}) → {shape:?}  {node}")
    }
}
