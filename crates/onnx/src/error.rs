//! Why a file is not taken as a model.

use std::{error::Error, fmt, path::PathBuf};

use detections_types::{ErrorKind, TensorInfo};

use crate::GraphInput;

/// What a decoder or the importer says; the types behind it stay in this crate.
type Source = Box<dyn Error + Send + Sync>;

/// Why a file was not read, or its graph not translated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The file cannot be read.
    #[error("cannot read the model file {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is larger than the format allows.
    #[error("a model file of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// Its length.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// There are no bytes at all.
    #[error("the model file is empty")]
    Empty,
    /// The bytes are not an ONNX message, or end in the middle of one.
    #[error("not an ONNX file, or one that is damaged or cut off; fetch or export it again")]
    NotOnnx {
        /// What the decoder said.
        #[source]
        source: Source,
    },
    /// The bytes are of another format.
    #[error("not an ONNX file but {what}: {advice}")]
    Foreign {
        /// Which one.
        what: &'static str,
        /// What to do instead.
        advice: &'static str,
    },
    /// The message holds no graph.
    #[error("not an ONNX model: there is no graph in it")]
    NoGraph,
    /// The model does not say by which version of the standard its operators are to be read.
    #[error(
        "the model imports no version of the standard operator set; export it again, with opset 17 for instance"
    )]
    NoOperatorSet,
    /// The model's operators are to be read by a version of the standard that is not supported.
    #[error(
        "the model imports version {version} of the standard operator set; {oldest} to {newest} are supported: \
         export it again, with opset 17 for instance"
    )]
    OperatorSet {
        /// The version in the file.
        version: i64,
        /// The oldest that is read.
        oldest: i64,
        /// The newest that is read.
        newest: i64,
    },
    /// Some nodes use operators that cannot be run.
    #[error("operators that are not supported: {}", List(nodes))]
    UnsupportedOperators {
        /// All such nodes, those in subgraphs too.
        nodes: Vec<UnsupportedOperator>,
    },
    /// A tensor's data lies in another file.
    #[error(
        "tensor `{tensor}` keeps its data in the file `{location}`: save the model as one file"
    )]
    ExternalData {
        /// Which tensor.
        tensor: String,
        /// Where it says its data is.
        location: String,
    },
    /// A tensor holds elements of a type that is not supported.
    #[error("tensor `{tensor}` holds elements of type {element}, which is not supported")]
    ElementType {
        /// Which tensor.
        tensor: String,
        /// The type's name or number in the format.
        element: String,
    },
    /// A tensor's data does not fit its shape.
    #[error(
        "tensor `{tensor}` of shape {shape:?} does not hold what its shape says ({bytes} bytes)"
    )]
    DataMismatch {
        /// Which tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<i64>,
        /// How many bytes of data it has.
        bytes: usize,
    },
    /// A tensor holds what is no number.
    #[error(
        "tensor `{tensor}` holds NaN in {count} of {elements} places: its training or its conversion failed; \
         export a sound checkpoint"
    )]
    NotANumber {
        /// Which tensor.
        tensor: String,
        /// How many of its elements are no numbers.
        count: usize,
        /// How many elements it has.
        elements: usize,
    },
    /// A node makes a tensor that is larger than any detector needs.
    #[error(
        "node `{node}` makes a tensor of {elements} elements, which is over the limit of {limit}"
    )]
    TensorTooLarge {
        /// Which node.
        node: String,
        /// How many elements the tensor has.
        elements: usize,
        /// The most that a tensor may have.
        limit: usize,
    },
    /// A node reads what nothing computes.
    #[error(
        "node `{node}` reads the value `{value}`, which no node computes and no input or weight gives"
    )]
    UnknownValue {
        /// Which node.
        node: String,
        /// The value.
        value: String,
    },
    /// A value is made by two nodes, or is an input or weight as well.
    #[error("the value `{value}` is made more than once, so it is not clear which is meant")]
    ComputedTwice {
        /// The value.
        value: String,
    },
    /// The graph goes round in circles.
    #[error("the graph has a cycle: node `{node}` waits for what is computed from its own output")]
    Cycle {
        /// A node that waits for itself.
        node: String,
    },
    /// An input or output does not say what shape it has.
    #[error(
        "the {role} `{tensor}` has no shape in the file, so that its layout cannot be told: export the model again, or \
         have onnx.shape_inference.infer_shapes add it"
    )]
    NoShape {
        /// "input" or "output".
        role: &'static str,
        /// Which one.
        tensor: String,
    },
    /// The graph gives nothing.
    #[error("the graph has no outputs")]
    NoOutputs,
    /// The graph promises an output that nothing computes.
    #[error("no node computes the output `{output}`")]
    UnknownOutput {
        /// Which one.
        output: String,
    },
    /// The model takes another number of inputs than one picture tensor.
    #[error("the model takes {} inputs where one picture tensor is expected: {}", inputs.len(), List(inputs))]
    InputCount {
        /// What it takes.
        inputs: Vec<TensorInfo>,
    },
    /// The model's input cannot have the wanted shape.
    #[error("the input {input} cannot take {wanted}")]
    InputMismatch {
        /// What it takes.
        input: TensorInfo,
        /// What was asked for.
        wanted: GraphInput,
    },
    /// The graph computes something else than the file says.
    #[error(
        "the file says that its output is {output}, but the graph gives [{shape}]; export the model again"
    )]
    OutputMismatch {
        /// What the file says.
        output: TensorInfo,
        /// The shape that comes.
        shape: String,
    },
    /// The importer refuses the graph: it is malformed, or uses an operator in a way that is not supported.
    #[error("the graph was refused while {stage}")]
    Refused {
        /// What was being done.
        stage: &'static str,
        /// What the importer said; it names the node.
        #[source]
        source: Source,
    },
    /// The importer panicked over the graph.
    #[error("the importer panicked while {stage}: {message}")]
    Panicked {
        /// What was being done.
        stage: &'static str,
        /// The panic's message.
        message: String,
    },
}

impl OnnxError {
    /// What kind of failure this is.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { .. }
            | Self::Empty
            | Self::NotOnnx { .. }
            | Self::Foreign { .. }
            | Self::NoGraph
            | Self::NoOperatorSet
            | Self::DataMismatch { .. }
            | Self::NotANumber { .. }
            | Self::UnknownValue { .. }
            | Self::ComputedTwice { .. }
            | Self::Cycle { .. }
            | Self::NoShape { .. }
            | Self::NoOutputs
            | Self::UnknownOutput { .. }
            | Self::OutputMismatch { .. }
            | Self::InputMismatch { .. } => ErrorKind::InvalidInput,
            Self::TooLarge { .. } | Self::TensorTooLarge { .. } => ErrorKind::TooLarge,
            // A graph that the importer cannot digest may be malformed or merely unusual; from
            // outside the two look the same.
            Self::UnsupportedOperators { .. }
            | Self::OperatorSet { .. }
            | Self::ExternalData { .. }
            | Self::ElementType { .. }
            | Self::InputCount { .. }
            | Self::Refused { .. }
            | Self::Panicked { .. } => ErrorKind::Unsupported,
        }
    }
}

/// A node whose operator cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedOperator {
    /// The node's name, or its first output's where it has none.
    pub node: String,
    /// The operator, preceded by its domain unless it is a standard one.
    pub operator: String,
}

impl fmt::Display for UnsupportedOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (node `{}`)", self.operator, self.node)
    }
}

/// Writes the first items of a list and how many are left.
struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        for (index, item) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            left => write!(f, " and {left} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OnnxError, UnsupportedOperator};

    #[test]
    fn a_long_list_of_operators_is_cut() {
        let node = UnsupportedOperator { node: "n".into(), operator: "Foo".into() };
        let error = OnnxError::UnsupportedOperators { nodes: vec![node; 10] };
        let text = error.to_string();
        assert_eq!(text.matches("Foo (node `n`)").count(), 8, "{text}");
        assert!(text.ends_with("and 2 more"), "{text}");
    }
}
