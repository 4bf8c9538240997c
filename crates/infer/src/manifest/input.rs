//! The input tensor's shape, with axes that the file leaves open settled from metadata and options.

use detections_types::{Dim, ElementType, ModelDescription, TensorInfo};

use super::ManifestOptions;
use crate::{InferError, InputShape};

/// Both sides are multiples of the coarsest common stride.
const SIDE_STEP: usize = 32;

/// Elements of the largest batch: 1 GiB of f32.
const MAX_ELEMENTS: usize = 1 << 28;

pub(super) fn resolve(
    description: &ModelDescription,
    options: &ManifestOptions,
) -> Result<InputShape, InferError> {
    let [tensor] = description.signature.inputs.as_slice() else {
        return Err(InferError::InputCount { found: description.signature.inputs.len() });
    };
    let image = matches!(tensor.element, ElementType::F32 | ElementType::F16);
    match tensor.shape.as_slice() {
        [batch, Dim::Fixed(InputShape::CHANNELS), height, width] if image => {
            let max_batch = batch.fixed().or(options.max_batch).unwrap_or(1);
            let (height, width) = size(tensor, height, width, description, options)?;
            checked(InputShape { max_batch, height, width })
        }
        _ => Err(InferError::InputLayout { tensor: tensor.to_string() }),
    }
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
        image_size(text).ok_or_else(|| InferError::ImageSizeMetadata { text: text.clone() })?;
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
    let whole = height % SIDE_STEP == 0 && width % SIDE_STEP == 0;
    if !whole || elements == 0 || elements > MAX_ELEMENTS {
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
