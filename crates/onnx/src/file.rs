//! A model file in memory: read once, checked once, asked for graphs as often as needed.

use std::{fmt, fs, path::Path};

use detections_types::{FixedInput, ModelDescription, Undecoded, caught};
use prost::Message;
use tract_onnx::pb::ModelProto;

use crate::{
    GraphInput, OnnxError, Program, TypedGraph, axes, check, decoding, describe, foreign, graph,
    lift, suppression,
};

/// A parsed and checked `.onnx` file.
///
/// It holds all weights: drop it once its graphs are made.
///
/// ```no_run
/// use detections_onnx::{GraphInput, OnnxFile};
///
/// let file = OnnxFile::open("yolox_nano.onnx".as_ref())?;
/// let graph = file.typed_graph(GraphInput { batch: 1, height: 416, width: 416 })?;
/// # Ok::<_, detections_onnx::OnnxError>(())
/// ```
pub struct OnnxFile {
    proto: ModelProto,
    description: ModelDescription,
}

impl OnnxFile {
    /// The longest file that is read, 2 GiB: what one protobuf message can hold.
    pub const MAX_BYTES: u64 = i32::MAX as u64;

    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// [`OnnxError::Read`], [`OnnxError::TooLarge`], and those of [`OnnxFile::parse`].
    pub fn open(path: &Path) -> Result<Self, OnnxError> {
        let read = |source| OnnxError::Read { path: path.to_owned(), source };
        check_length(fs::metadata(path).map_err(read)?.len())?;
        Self::parse(&fs::read(path).map_err(read)?)
    }

    /// Checks a file's bytes.
    ///
    /// float16 becomes float32 here, so that the graph has no half-precision arithmetic, which CPUs
    /// emulate; the description keeps telling what the file says. A graph that suppresses boxes itself ends in
    /// front of that, and the description says so: what it would have suppressed are its outputs.
    ///
    /// # Errors
    /// All of [`OnnxError`] but [`OnnxError::Read`] and those of [`typed_graph`](Self::typed_graph).
    pub fn parse(bytes: &[u8]) -> Result<Self, OnnxError> {
        check_length(bytes.len() as u64)?;
        if bytes.is_empty() {
            return Err(OnnxError::Empty);
        }
        let mut proto = decode(bytes)?;
        check::model(&proto)?;
        axes::forget_long_names(&mut proto);
        let mut description = describe::model(&proto);
        lift::model(&mut proto);
        suppression::leave_out(&mut proto, &mut description);
        check::signature(&proto)?;
        Ok(Self { proto, description })
    }

    /// What the file says of itself: its metadata properties, inputs and outputs, less a suppression of its own.
    #[must_use]
    pub const fn description(&self) -> &ModelDescription {
        &self.description
    }

    /// The graph for input tensors of one shape, with all other shapes inferred from it and all
    /// that is constant computed.
    ///
    /// # Errors
    /// [`OnnxError::InputCount`] and [`OnnxError::InputMismatch`] when the model does not take such
    /// an input, [`OnnxError::TensorTooLarge`] and [`OnnxError::OutputMismatch`] when what it computes is too large or
    /// not what it says, [`OnnxError::Refused`] and [`OnnxError::Panicked`] when its graph does not work out.
    pub fn typed_graph(&self, input: GraphInput) -> Result<TypedGraph, OnnxError> {
        self.typed_graph_with(input, &[])
    }

    /// The same for a model with inputs besides the picture, which always get the numbers of `fixed`.
    ///
    /// # Errors
    /// Those of [`typed_graph`](Self::typed_graph).
    pub fn typed_graph_with(
        &self,
        input: GraphInput,
        fixed: &[FixedInput],
    ) -> Result<TypedGraph, OnnxError> {
        graph::import(&self.proto, &self.description.signature, input, fixed, graph::End::File)
    }

    /// The graph without the decoding of boxes that it ends in, and what that would do; `None` where it does not
    /// end in one that is known, or where the decoding hangs on more than the logits it is given.
    ///
    /// # Errors
    /// Those of [`typed_graph`](Self::typed_graph).
    pub fn undecoded_graph(
        &self,
        input: GraphInput,
        fixed: &[FixedInput],
    ) -> Result<Option<(TypedGraph, Undecoded)>, OnnxError> {
        let Some(found) = self.proto.graph.as_ref().and_then(decoding::find) else {
            return Ok(None);
        };
        let end = graph::End::Undecoded(&found);
        let graph = graph::import(&self.proto, &self.description.signature, input, fixed, end)?;
        let Some([boxes, scores]) = graph.output_shapes() else {
            return Ok(None);
        };
        // Whatever is odd about the end of the graph, the whole graph is still there.
        let sampled =
            caught(|| decoding::sample(&self.proto, &found, [boxes.as_slice(), scores.as_slice()]));
        Ok(sampled.ok().and_then(Result::ok).map(|sample| (graph, sample)))
    }

    /// The same graph as a list of plain operators, for runtimes that are not the importer's.
    ///
    /// ```no_run
    /// use detections_onnx::{GraphInput, OnnxFile};
    ///
    /// let file = OnnxFile::open("yolox_nano.onnx".as_ref())?;
    /// let program = file.program(GraphInput { batch: 1, height: 416, width: 416 }, &[])?;
    /// for value in program.values() {
    ///     println!("{} {} {:?}", value.name, value.element, value.shape);
    /// }
    /// # Ok::<_, detections_onnx::OnnxError>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`typed_graph`](Self::typed_graph), and [`OnnxError::UnsupportedOperators`] for an operator
    /// that a program cannot express.
    pub fn program(&self, input: GraphInput, fixed: &[FixedInput]) -> Result<Program, OnnxError> {
        graph::list(&self.proto, &self.description.signature, input, fixed)
    }
}

impl fmt::Debug for OnnxFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxFile").field("description", &self.description).finish_non_exhaustive()
    }
}

/// A file of another format may happen to be a message too, then of nothing that makes sense.
fn decode(bytes: &[u8]) -> Result<ModelProto, OnnxError> {
    match ModelProto::decode(bytes) {
        Ok(proto) if proto.graph.is_some() => Ok(proto),
        Ok(_) => Err(foreign::recognise(bytes).unwrap_or(OnnxError::NoGraph)),
        Err(source) => {
            let source = Box::new(source);
            Err(foreign::recognise(bytes).unwrap_or(OnnxError::NotOnnx { source }))
        }
    }
}

fn check_length(bytes: u64) -> Result<(), OnnxError> {
    let limit = OnnxFile::MAX_BYTES;
    if bytes > limit { Err(OnnxError::TooLarge { bytes, limit }) } else { Ok(()) }
}
