//! Model files that are too large to be kept: the sound one with something added. Fields that are appended to a message
//! of the format are merged into it, so nothing has to be taken apart.

use std::{
    fs::{self, File},
    path::Path,
};

use anyhow::Result;
use detections_e2e::picture::fixture;

/// Numbers of the format's fields: ONNX's `onnx.proto`.
const METADATA: u64 = 14;
const GRAPH: u64 = 7;
const NODE: u64 = 1;
const INPUT: u64 = 11;
const OUTPUT: u64 = 12;

/// A file of 3 GB that takes no room.
pub(super) fn three_gigabytes(path: &Path) -> Result<()> {
    Ok(File::create(path)?.set_len(3 << 30)?)
}

/// Names of a million classes.
pub(super) fn million_names(path: &Path) -> Result<()> {
    let names: String = (0..1_000_000).map(|class| format!("{class}: 'label {class}', ")).collect();
    sound_with(path, &metadata("names", &format!("{{{names}}}")))
}

/// A name of 20 MB that never ends.
pub(super) fn endless_name(path: &Path) -> Result<()> {
    sound_with(path, &metadata("names", &format!("{{0: '{}", "a".repeat(20_000_000))))
}

/// Five million brackets for names.
pub(super) fn brackets(path: &Path) -> Result<()> {
    sound_with(path, &metadata("names", &"{".repeat(5_000_000)))
}

/// A task of 5 MB.
pub(super) fn endless_task(path: &Path) -> Result<()> {
    sound_with(path, &metadata("task", &"detect ".repeat(700_000)))
}

/// An output with a name of 5 MB that nobody computes.
pub(super) fn endless_output(path: &Path) -> Result<()> {
    sound_with(path, &field(GRAPH, &field(OUTPUT, &field(1, &vec![b'o'; 5_000_000]))))
}

/// An axis that is called by a million opening brackets, of an input that is known.
pub(super) fn deep_axis(path: &Path) -> Result<()> {
    let deep = field(1, &field(2, &vec![b'('; 1_000_000]));
    let two = field(1, &number(1, 2));
    let tensor = [number(1, 7), field(2, &[deep, two].concat())].concat();
    let input = [field(1, b"orig_target_sizes"), field(2, &field(1, &tensor))].concat();
    sound_with(path, &field(GRAPH, &field(INPUT, &input)))
}

/// Five thousand nodes in a row that lead nowhere.
pub(super) fn long_chain(path: &Path) -> Result<()> {
    let node = |at: usize| {
        let from = if at == 0 { "output0".to_owned() } else { format!("link{}", at - 1) };
        let to = format!("link{at}");
        let fields = [field(1, from.as_bytes()), field(2, to.as_bytes()), field(4, b"Relu")];
        field(NODE, &fields.concat())
    };
    let nodes: Vec<Vec<u8>> = (0..5_000).map(node).collect();
    sound_with(path, &field(GRAPH, &nodes.concat()))
}

fn sound_with(path: &Path, more: &[u8]) -> Result<()> {
    Ok(fs::write(path, [fixture("refused/sound.onnx")?.as_slice(), more].concat())?)
}

/// An entry that stands for the one of the same key before it.
fn metadata(key: &str, value: &str) -> Vec<u8> {
    field(METADATA, &[field(1, key.as_bytes()), field(2, value.as_bytes())].concat())
}

/// A field of bytes, of text, or of a message.
fn field(number: u64, content: &[u8]) -> Vec<u8> {
    [&varint(number << 3 | 2), &varint(content.len() as u64), content].concat()
}

/// A field of a number.
fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 127);
            return bytes;
        }
        bytes.push(low | 128);
    }
}
