//! The inspection of a model as a sheet for people: a word in the first column, what there is to say beside it.

use super::{Batch, ClassesSheet, DetectorSheet, Inspection, LeftOut, Tensor};
use crate::cli::output::visible;

/// Width of the column of words.
const WORD: usize = 12;

/// Longest line of a list, metadata value and name of a tensor.
const LINE: usize = 88;

/// All that is known, in lines.
pub(super) fn sheet(inspection: &Inspection) -> String {
    let mut sheet = Sheet::default();
    sheet.line("model", &inspection.model);
    sheet.line("from", &inspection.origin);
    sheet.line("size", &format!("{} bytes", inspection.bytes));
    sheet.line("sha256", &inspection.sha256);
    sheet.lines("metadata", inspection.metadata.iter().map(|(k, v)| format!("{k} = {}", cut(v))));
    sheet.lines("inputs", inspection.inputs.iter().map(tensor));
    sheet.lines("outputs", inspection.outputs.iter().map(tensor));
    if let Some(LeftOut { node, outputs }) = &inspection.left_out {
        sheet.line("left out", &format!("{node} and what follows it, which gives"));
        sheet.lines("", outputs.iter().map(tensor));
        sheet.line(
            "",
            "boxes are suppressed by the program, with the thresholds that are asked for",
        );
    }
    if let Some(detector) = &inspection.detector {
        sheet.detector(detector);
    }
    if inspection.refused.is_empty() {
        sheet.line("refused", "nothing: this model runs");
    } else {
        sheet.lines("refused", inspection.refused.iter().cloned());
    }
    sheet.0
}

#[derive(Debug, Default)]
struct Sheet(String);

impl Sheet {
    fn line(&mut self, word: &str, text: &str) {
        self.0.push_str(format!("{word:<WORD$}{}", visible(text)).trim_end());
        self.0.push('\n');
    }

    fn lines(&mut self, word: &str, lines: impl Iterator<Item = String>) {
        let words = [word].into_iter().chain(std::iter::repeat(""));
        words.zip(lines).for_each(|(word, line)| self.line(word, &line));
    }

    fn detector(&mut self, detector: &DetectorSheet) {
        self.line("head", &detector.head);
        self.line("because", &detector.head_reason);
        self.line("pixels", &detector.preprocess);
        let [height, width] = detector.input;
        self.line("input size", &format!("{width} wide, {height} high"));
        let batch = match detector.batch {
            Batch::Fixed(images) => format!("{images}, fixed in the file"),
            Batch::Open => "any number of images".to_owned(),
        };
        self.line("batch", &batch);
        let labels =
            (0..).zip(&detector.labels).map(|(index, label): (u32, _)| format!("{index} {label}"));
        self.lines("labels", wrapped(labels));
        if let Some(classes) = &detector.classes {
            self.classes(classes);
        }
    }

    fn classes(&mut self, classes: &ClassesSheet) {
        let mapped = classes.mapped.iter();
        let mapped = mapped.map(|c| format!("{} -> {} {} {}", c.index, c.id, c.name, c.color));
        self.lines("classes", wrapped(mapped));
        self.lines("unmapped", wrapped(classes.unmapped_labels.iter().cloned()));
    }
}

fn tensor(tensor: &Tensor) -> String {
    format!("{}  {} [{}]", cut(&tensor.name), tensor.element, tensor.shape.join(", "))
}

/// Items with commas between them, in lines that are not longer than needed.
fn wrapped(items: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if line.chars().count() + item.chars().count() + 2 <= LINE => {
                line.push_str(", ");
                line.push_str(&item);
            }
            _ => lines.push(item),
        }
    }
    lines.into_iter()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{LINE, cut, wrapped};

    #[test]
    fn lists_are_wrapped_between_items() {
        let lines: Vec<String> = wrapped((0..40).map(|n| format!("{n} label"))).collect();
        assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= LINE));
        let joined = lines.join(", ");
        assert_eq!(joined.split(", ").count(), 40);
        assert_eq!(wrapped(["x".repeat(200)].into_iter()).count(), 1);
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(cut(&"ü".repeat(LINE + 1)), format!("{}…", "ü".repeat(LINE)));
        assert_eq!(cut("short"), "short");
    }
}
