//! What every backend must do, written against the traits alone: a backend calls [`check`] with its
//! way of loading for each case.

use std::{collections::BTreeSet, thread};

use detections_infer::{InputShape, Model, Outputs, Session};
use detections_onnx::OnnxFile;

/// How a backend loads a file.
pub(crate) type Load = fn(&OnnxFile, InputShape) -> Box<dyn Model>;

/// A model with input numbers and what the reference runtime made of them.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) file: OnnxFile,
    pub(crate) input: InputShape,
    /// A full batch.
    pub(crate) pixels: Vec<f32>,
    /// The shape of the only output.
    pub(crate) shape: Vec<usize>,
    /// The sum of its elements.
    pub(crate) sum: f64,
    /// Some of its elements by their index.
    pub(crate) samples: Vec<(usize, f32)>,
}

/// An output's numbers as bits, to be compared exactly.
type Bits = Vec<Vec<u32>>;

/// Checks one case in every way.
pub(crate) fn check(case: &Case, load: Load) {
    let model = load(&case.file, case.input);
    assert_eq!(model.description(), case.file.description(), "{}", case.name);
    assert_eq!(model.input_shape(), case.input, "{}", case.name);
    agrees_with_the_reference(case, model.as_ref());
    gives_the_same_bits_again(case, model.as_ref());
    sessions_do_not_disturb_each_other(case, model.as_ref());
    images_do_not_depend_on_their_neighbours(case, model.as_ref());
    images_do_not_depend_on_the_batch(case, model.as_ref(), load);
}

fn agrees_with_the_reference(case: &Case, model: &dyn Model) {
    let mut session = model.session().unwrap();
    session.input().copy_from_slice(&case.pixels);
    let outputs = session.run(case.input.max_batch).unwrap();
    let [output] = outputs.tensors.as_slice() else { panic!("{}: {outputs:?}", case.name) };
    assert_eq!(output.shape, case.shape, "{}", case.name);
    assert_eq!(output.data.len(), case.shape.iter().product::<usize>(), "{}", case.name);
    for &(index, expected) in &case.samples {
        let (found, allowed) = (output.data[index], 1e-4 * expected.abs().max(0.1));
        let close = (found - expected).abs() <= allowed;
        assert!(close, "{}: element {index} is {found}, not {expected}", case.name);
    }
    let sum: f64 = output.data.iter().copied().map(f64::from).sum();
    let close = (sum - case.sum).abs() <= 1e-5 * case.sum.abs();
    assert!(close, "{}: the sum is {sum}, not {}", case.name, case.sum);
}

fn gives_the_same_bits_again(case: &Case, model: &dyn Model) {
    let mut session = model.session().unwrap();
    let first = run(session.as_mut(), &case.pixels, case.input.max_batch);
    let address = session.input().as_ptr();
    let inverted: Vec<f32> = case.pixels.iter().map(|pixel| 1.0 - pixel).collect();
    let other = run(session.as_mut(), &inverted, case.input.max_batch);
    assert_ne!(first, other, "{}: the outputs depend on the input", case.name);
    assert_eq!(first, run(session.as_mut(), &case.pixels, case.input.max_batch), "{}", case.name);
    // Nothing is written between these two: a run leaves its input as it was.
    let again = bits(&session.run(case.input.max_batch).unwrap());
    assert_eq!(first, again, "{}: the input survives a run", case.name);
    assert_eq!(address, session.input().as_ptr(), "{}: the input stays in place", case.name);
}

fn sessions_do_not_disturb_each_other(case: &Case, model: &dyn Model) {
    let alone = run(model.session().unwrap().as_mut(), &case.pixels, case.input.max_batch);
    let worker = || {
        let mut session = model.session().unwrap();
        (0..4).map(|_| run(session.as_mut(), &case.pixels, case.input.max_batch)).collect()
    };
    let together: Vec<BTreeSet<Bits>> = thread::scope(|scope| {
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        workers.map(|worker| worker.join().expect("no panic")).into()
    });
    let expected = BTreeSet::from([alone]);
    assert!(together.iter().all(|seen| *seen == expected), "{}", case.name);
}

fn images_do_not_depend_on_their_neighbours(case: &Case, model: &dyn Model) {
    let mut session = model.session().unwrap();
    let full = image_bits(session.as_mut(), &case.pixels, case.input.max_batch);
    let mut changed = case.pixels.clone();
    changed[case.input.image_len()..].fill(0.25);
    for images in 1..=case.input.max_batch {
        let first = image_bits(session.as_mut(), &changed, images).remove(0);
        assert_eq!(first, full[0], "{}: first of {images}", case.name);
    }
}

/// Holds for files whose batch axis is dynamic; one with a fixed batch loads for no other.
fn images_do_not_depend_on_the_batch(case: &Case, model: &dyn Model, load: Load) {
    let description = case.file.description();
    if description.signature.inputs[0].shape[0].fixed().is_some() {
        return;
    }
    let single = load(&case.file, InputShape { max_batch: 1, ..case.input });
    let mut single = single.session().unwrap();
    let full = image_bits(model.session().unwrap().as_mut(), &case.pixels, case.input.max_batch);
    for (index, pixels) in case.pixels.chunks_exact(case.input.image_len()).enumerate() {
        let alone = run(single.as_mut(), pixels, 1);
        assert_eq!(alone, full[index], "{}: image {index}", case.name);
    }
}

fn run(session: &mut dyn Session, pixels: &[f32], images: usize) -> Bits {
    session.input().copy_from_slice(pixels);
    bits(&session.run(images).unwrap())
}

/// The outputs of each image, all outputs in turn.
fn image_bits(session: &mut dyn Session, pixels: &[f32], images: usize) -> Vec<Bits> {
    session.input().copy_from_slice(pixels);
    let outputs = session.run(images).unwrap();
    let image = |index| {
        let rows = outputs.tensors.iter().map(|tensor| tensor.image(index));
        rows.map(|row| row.iter().map(|number| number.to_bits()).collect()).collect()
    };
    (0..images).map(image).collect()
}

fn bits(outputs: &Outputs<'_>) -> Bits {
    let numbers = outputs.tensors.iter().map(|tensor| tensor.data);
    numbers.map(|data| data.iter().map(|number| number.to_bits()).collect()).collect()
}
