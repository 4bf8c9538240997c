//! The constants of a model on its device, each once, however many plans use it.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use candle_core::{Device, Tensor};
use detections_onnx::Numbers;

/// What has been put onto a device so far.
pub(crate) struct Weights<'a> {
    device: &'a Device,
    known: HashMap<u64, Vec<Known>>,
}

struct Known {
    numbers: Numbers,
    shape: Vec<usize>,
    tensor: Tensor,
}

impl<'a> Weights<'a> {
    pub(crate) fn new(device: &'a Device) -> Self {
        Self { device, known: HashMap::new() }
    }

    pub(crate) const fn device(&self) -> &'a Device {
        self.device
    }

    /// The tensor of these numbers; the same one for the same numbers.
    pub(crate) fn tensor(
        &mut self,
        shape: &[usize],
        numbers: &Numbers,
    ) -> candle_core::Result<Tensor> {
        let known = self.known.entry(hash(shape, numbers)).or_default();
        let same = known.iter().find(|known| known.shape == shape && known.numbers == *numbers);
        if let Some(same) = same {
            return Ok(same.tensor.clone());
        }
        let tensor = match numbers {
            Numbers::F32(numbers) => Tensor::from_slice(numbers, shape, self.device),
            Numbers::I64(numbers) => Tensor::from_slice(numbers, shape, self.device),
            Numbers::U8(numbers) => Tensor::from_slice(numbers, shape, self.device),
        }?;
        let (numbers, shape) = (numbers.clone(), shape.to_vec());
        known.push(Known { numbers, shape, tensor: tensor.clone() });
        Ok(tensor)
    }
}

fn hash(shape: &[usize], numbers: &Numbers) -> u64 {
    let mut hasher = DefaultHasher::new();
    shape.hash(&mut hasher);
    match numbers {
        Numbers::F32(numbers) => {
            numbers.iter().for_each(|number| number.to_bits().hash(&mut hasher))
        }
        Numbers::I64(numbers) => numbers.hash(&mut hasher),
        Numbers::U8(numbers) => numbers.hash(&mut hasher),
    }
    hasher.finish()
}
