//! What a model file says of itself: its tensors by name, type and shape, and its metadata.

use std::{collections::BTreeMap, fmt};

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ElementType {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point, IEEE 754 binary16.
    F16,
    /// Unsigned bytes.
    U8,
    /// Signed 32-bit integers.
    I32,
    /// Signed 64-bit integers.
    I64,
    /// Anything else.
    Other,
}

/// One axis of a tensor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dim {
    /// Always this long.
    Fixed(usize),
    /// Chosen at each run; the file's name for it, possibly empty.
    Dynamic(String),
}

impl Dim {
    /// The length, if it is fixed.
    #[must_use]
    pub const fn fixed(&self) -> Option<usize> {
        match self {
            Self::Fixed(length) => Some(*length),
            Self::Dynamic(_) => None,
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(length) => write!(f, "{length}"),
            Self::Dynamic(name) if name.is_empty() => f.write_str("?"),
            Self::Dynamic(name) => f.write_str(name),
        }
    }
}

/// A tensor that goes into or comes out of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the file.
    pub name: String,
    /// Its elements' type.
    pub element: ElementType,
    /// Its axes, outermost first.
    pub shape: Vec<Dim>,
}

impl fmt::Display for TensorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: Vec<String> = self.shape.iter().map(Dim::to_string).collect();
        write!(f, "{} {:?} [{}]", self.name, self.element, shape.join(", "))
    }
}

/// A model's inputs and outputs in the file's order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    /// What the model takes.
    pub inputs: Vec<TensorInfo>,
    /// What the model gives.
    pub outputs: Vec<TensorInfo>,
}

/// All that is known of a model before it runs: from this alone its head is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelDescription {
    /// Inputs and outputs.
    pub signature: Signature,
    /// The file's metadata properties, as written.
    pub metadata: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::{Dim, ElementType, TensorInfo};

    #[test]
    fn tensors_read_as_name_type_and_shape() {
        let tensor = TensorInfo {
            name: "images".into(),
            element: ElementType::F32,
            shape: vec![Dim::Dynamic("batch".into()), Dim::Fixed(3), Dim::Dynamic(String::new())],
        };
        assert_eq!(tensor.to_string(), "images F32 [batch, 3, ?]");
    }
}
