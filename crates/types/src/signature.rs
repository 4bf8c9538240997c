//! What a model file says of itself: its tensors by name, type and shape, and its metadata.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

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

/// How the axes of a tensor of pictures are ordered, behind the one that counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureAxes {
    /// Channels, height, width.
    ChannelsFirst,
    /// Height, width, channels.
    ChannelsLast,
}

/// How a tensor holds pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureLayout {
    /// Where the channels are.
    pub axes: PictureAxes,
    /// 3 colours, or 1 grey.
    pub channels: usize,
    /// Pictures of one run.
    pub batch: Dim,
    /// Rows.
    pub height: Dim,
    /// Columns.
    pub width: Dim,
}

impl TensorInfo {
    /// How it holds pictures, if it does: four axes, one of which counts 3 colours or 1 grey.
    ///
    /// Where both readings are possible, or the channels are left open, they are taken to come first.
    #[must_use]
    pub fn picture(&self) -> Option<PictureLayout> {
        let [batch, a, b, c] = self.shape.as_slice() else {
            return None;
        };
        let channels = |dim: &Dim| dim.fixed().filter(|length| matches!(length, 1 | 3));
        let (axes, channels, height, width) = match (channels(a), channels(c)) {
            (Some(first), _) => (PictureAxes::ChannelsFirst, first, b, c),
            (None, Some(last)) => (PictureAxes::ChannelsLast, last, a, b),
            (None, None) if a.fixed().is_none() => (PictureAxes::ChannelsFirst, 3, b, c),
            (None, None) => return None,
        };
        let (batch, height, width) = (batch.clone(), height.clone(), width.clone());
        Some(PictureLayout { axes, channels, batch, height, width })
    }
}

/// An input besides the pictures and the numbers that it gets, whatever they show: for each picture where it has
/// two axes, once where it has fewer.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedInput {
    /// Its name in the file.
    pub name: String,
    /// The numbers of one picture, or of the run.
    pub row: Vec<f32>,
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
    /// The names of the operators in its graph, subgraphs included.
    pub operators: BTreeSet<String>,
    /// The suppression of boxes that the file's graph ends in and that was left out: the outputs are then what
    /// it would have been given.
    pub suppression: Option<Suppression>,
}

/// A suppression of boxes within a graph, in front of which the graph was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The node that suppresses.
    pub node: String,
    /// The outputs of the file, in place of which there are others.
    pub outputs: Vec<TensorInfo>,
    /// How the outputs that took their place hold boxes and scores.
    pub given: Proposals,
    /// What the four numbers of a box are.
    pub boxes: BoxNumbers,
}

/// How a graph holds the boxes that it would suppress, and their scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proposals {
    /// Both in the first output, as its family lays them out.
    Together,
    /// Boxes `[batch, anchors, 4]` in the first output, finished scores `[batch, classes, anchors]` in the second.
    Apart,
}

/// What a graph that ends in the decoding of its boxes gives without that, and a sample of what it makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Undecoded {
    /// Distributions `[batch, 4 * bins, anchors]`, and class logits `[batch, classes, anchors]`.
    pub outputs: Vec<TensorInfo>,
    /// Made-up numbers for both.
    pub logits: Vec<Vec<f32>>,
    /// The shape of the file's own output.
    pub shape: Vec<usize>,
    /// What the file makes of the made-up numbers.
    pub rows: Vec<f32>,
}

/// What the four numbers of a box are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BoxNumbers {
    /// Left, top, right, bottom.
    Corners,
    /// Centre x, centre y, width, height.
    Centre,
}

#[cfg(test)]
mod tests {
    use super::{Dim, ElementType, PictureAxes, TensorInfo};

    #[test]
    fn pictures_are_told_by_their_channels() {
        let layout = |shape: [i64; 4]| {
            let dim =
                |axis: i64| usize::try_from(axis).map_or(Dim::Dynamic("n".into()), Dim::Fixed);
            let shape = shape.map(dim).to_vec();
            let tensor = TensorInfo { name: "x".into(), element: ElementType::U8, shape };
            tensor.picture().map(|found| (found.axes, found.channels, found.height.fixed()))
        };
        assert_eq!(layout([1, 3, 32, 64]), Some((PictureAxes::ChannelsFirst, 3, Some(32))));
        assert_eq!(layout([1, 32, 64, 3]), Some((PictureAxes::ChannelsLast, 3, Some(32))));
        assert_eq!(layout([-1, -1, -1, 3]), Some((PictureAxes::ChannelsLast, 3, None)));
        assert_eq!(layout([1, 1, 32, 64]), Some((PictureAxes::ChannelsFirst, 1, Some(32))));
        assert_eq!(layout([-1, -1, 32, 64]), Some((PictureAxes::ChannelsFirst, 3, Some(32))));
        assert_eq!(layout([1, 4, 32, 64]), None);
    }

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
