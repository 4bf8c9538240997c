//! The input tensor's shape, with axes that the file leaves open settled from metadata and options.

use detections_types::{Dim, ElementType, FixedInput, ModelDescription, TensorInfo};

use super::ManifestOptions;
use crate::{InferError, InputShape, numeric::float};

/// Elements of the largest batch: 1 GiB of f32.
pub(super) const MAX_ELEMENTS: usize = 1 << 28;

/// What a model takes: pictures, and numbers besides.
pub(super) struct Inputs {
    /// The pictures' shape.
    pub(super) shape: InputShape,
    /// The tensor that takes them.
    pub(super) element: ElementType,
    /// 3 colours, or 1 grey.
    pub(super) channels: usize,
    /// Its name.
    pub(super) name: String,
    /// All other inputs.
    pub(super) fixed: Vec<FixedInput>,
}

pub(super) fn resolve(
    description: &ModelDescription,
    options: &ManifestOptions,
) -> Result<Inputs, InferError> {
    let inputs = &description.signature.inputs;
    let mut pictures = inputs.iter().filter(|input| input.shape.len() == 4);
    let tensor = match (pictures.next(), pictures.next(), inputs.first()) {
        (Some(tensor), None, _) => tensor,
        (None, None, Some(first)) if inputs.len() == 1 => {
            return Err(InferError::InputLayout { tensor: first.to_string() });
        }
        _ => return Err(InferError::InputCount { found: inputs.len(), seen: listed(inputs) }),
    };
    let pixels = matches!(tensor.element, ElementType::F32 | ElementType::F16 | ElementType::U8);
    let Some(layout) = tensor.picture().filter(|_| pixels) else {
        return Err(InferError::InputLayout { tensor: tensor.to_string() });
    };
    let max_batch = layout.batch.fixed().or(options.max_batch).unwrap_or(1);
    let (height, width) = size(tensor, &layout.height, &layout.width, description, options)?;
    let shape = checked(InputShape { max_batch, height, width })?;
    let others = inputs.iter().filter(|input| input.name != tensor.name);
    let fixed = others.map(|input| fixed(input, shape)).collect::<Result<_, _>>()?;
    let (name, element, channels) = (tensor.name.clone(), tensor.element, layout.channels);
    Ok(Inputs { shape, element, channels, name, fixed })
}

/// The first inputs, in words.
fn listed(inputs: &[TensorInfo]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = inputs.iter().take(SHOWN).map(TensorInfo::to_string).collect();
    let more = if inputs.len() > SHOWN { " and others" } else { "" };
    if shown.is_empty() { String::new() } else { format!(" ({}{more})", shown.join(", ")) }
}

/// The numbers for an input besides the pictures. Sizes are as if each picture had that of the model's input, so
/// that boxes come out in its pixels and find back to the picture like those of all models; thresholds are so low
/// that what a request asks for decides.
fn fixed(input: &TensorInfo, shape: InputShape) -> Result<FixedInput, InferError> {
    let (height, width) = (float(shape.height), float(shape.width));
    let row = match input.name.as_str() {
        "orig_target_sizes" => vec![width, height],
        "im_shape" => vec![height, width],
        "scale_factor" => vec![1.0, 1.0],
        "score_threshold" | "conf_threshold" | "confidence_threshold" => vec![0.01],
        "iou_threshold" | "nms_threshold" => vec![0.7],
        _ => return Err(InferError::InputUnknown { tensor: input.to_string() }),
    };
    let numbers = matches!(
        input.element,
        ElementType::F32 | ElementType::F16 | ElementType::I32 | ElementType::I64
    );
    let fits = match input.shape.as_slice() {
        [] => row.len() == 1,
        [length] | [_, length] => length.fixed().is_none_or(|length| length == row.len()),
        _ => false,
    };
    if !numbers || !fits {
        return Err(InferError::InputUnknown { tensor: input.to_string() });
    }
    Ok(FixedInput { name: input.name.clone(), row })
}

fn size(
    tensor: &TensorInfo,
    height: &Dim,
    width: &Dim,
    description: &ModelDescription,
    options: &ManifestOptions,
) -> Result<(usize, usize), InferError> {
    let fixed = (height.fixed(), width.fixed());
    if let Some((height, width)) = options.input_size {
        let fits = |fixed: Option<usize>, asked| fixed.is_none_or(|fixed| fixed == asked);
        if !fits(fixed.0, height) || !fits(fixed.1, width) {
            return Err(InferError::InputSizeFixed { tensor: tensor.to_string(), height, width });
        }
        return Ok((height, width));
    }
    if let (Some(height), Some(width)) = fixed {
        return Ok((height, width));
    }
    let text = description.metadata.get("imgsz");
    let text = text.ok_or_else(|| InferError::InputSizeOpen { tensor: tensor.to_string() })?;
    let stated =
        image_size(text).ok_or_else(|| InferError::ImageSizeMetadata { text: super::cut(text) })?;
    Ok((fixed.0.unwrap_or(stated.0), fixed.1.unwrap_or(stated.1)))
}

/// Height and width from `[384, 640]`, `(384, 640)`, `[640]` or `640`.
fn image_size(text: &str) -> Option<(usize, usize)> {
    let text = text.trim().trim_matches(['[', ']', '(', ')']).trim_end_matches([',', ' ']);
    let mut sides = text.split(',').map(|side| side.trim().parse().ok());
    let height = sides.next()??;
    let width = sides.next().unwrap_or(Some(height))?;
    sides.next().is_none().then_some((height, width))
}

fn checked(shape: InputShape) -> Result<InputShape, InferError> {
    let InputShape { max_batch, height, width } = shape;
    let elements = [max_batch, height, width]
        .into_iter()
        .try_fold(InputShape::CHANNELS, usize::checked_mul)
        .unwrap_or(usize::MAX);
    if elements == 0 || elements > MAX_ELEMENTS {
        return Err(InferError::InputSizeRefused { max_batch, height, width, limit: MAX_ELEMENTS });
    }
    Ok(shape)
}

#[cfg(test)]
mod tests {
    use super::image_size;

    #[test]
    fn image_sizes_are_read_in_all_spellings() {
        let cases = [
            ("[384, 640]", Some((384, 640))),
            ("(384,640)", Some((384, 640))),
            (" 640 ", Some((640, 640))),
            ("[640]", Some((640, 640))),
            ("(640,)", Some((640, 640))),
            ("[1, 2, 3]", None),
            ("", None),
            ("[a, b]", None),
            ("[-1, 3]", None),
        ];
        for (text, expected) in cases {
            assert_eq!(image_size(text), expected, "{text}");
        }
    }
}
