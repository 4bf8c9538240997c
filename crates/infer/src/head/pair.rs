//! Boxes in one tensor and class scores in another, an anchor or query in each row of both.
//!
//! YOLO-NAS (<https://github.com/Deci-AI/super-gradients>), DAMO-YOLO (<https://github.com/tinyvision/DAMO-YOLO>,
//! `ZeroHead` in export) and PP-YOLOE and PicoDet without NMS (<https://github.com/PaddlePaddle/PaddleDetection>):
//! corners in pixels, finished scores; RT-DETR and D-FINE of Transformers and RF-DETR
//! (<https://github.com/roboflow/rf-detr>): centres in shares of the input, and logits, of which every class of
//! every query may be an object (`post_process_object_detection`, `PostProcess`).

use detections_types::Score;

use super::{Best, Candidate, Misfit, best::best_of_row, candidate, objects::Form};
use crate::{ClassThresholds, OutputTensor, Outputs};

/// `[batch, rows, 4]` and `[batch, rows, classes + left out]`, or the latter with its last axes swapped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    /// Number of classes.
    pub(crate) classes: usize,
    /// Columns behind those of the classes, such as that of no object.
    pub(crate) left_out: usize,
    /// Which output holds the boxes.
    pub(crate) boxes: usize,
    /// Which output holds the scores.
    pub(crate) scores: usize,
    /// What a box's numbers are.
    pub(crate) form: Form,
    /// What a box's horizontal and vertical numbers are multiplied with to be pixels of the input.
    pub(crate) scale: [f32; 2],
    /// What a score is.
    pub(crate) grade: Grade,
}

/// What a score is, and how many of an anchor count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grade {
    /// 0 to 1, rows of anchors; an anchor's best class counts.
    Finished,
    /// The same in rows of classes.
    FinishedByClass,
    /// Before the sigmoid; each class of a query counts for itself.
    Logits,
}

impl Pair {
    pub(super) fn decode(
        &self,
        outputs: &Outputs<'_>,
        image: usize,
        thresholds: &ClassThresholds,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), Misfit> {
        let boxes = self.output(outputs, self.boxes)?;
        let scores = self.output(outputs, self.scores)?;
        let columns = self.classes + self.left_out;
        let rows = boxes.image(image).len() / 4;
        let fits = match (self.grade, scores.shape) {
            (Grade::FinishedByClass, &[_, classes, anchors]) => (anchors, classes),
            (_, &[_, anchors, classes]) => (anchors, classes),
            _ => (0, 0),
        };
        let (boxes, data) = (boxes.image(image), scores.image(image));
        if rows == 0 || fits != (rows, columns) || data.len() != rows * columns {
            return Err(Misfit::new(scores.shape, format!("{rows} rows of {columns} scores")));
        }
        let Some(lowest) = thresholds.lowest() else {
            return Ok(());
        };
        let search = Search { head: self, boxes, thresholds, lowest };
        match self.grade {
            Grade::Finished => search.rows(data, candidates),
            Grade::FinishedByClass => search.columns(data, candidates),
            Grade::Logits => search.logits(data, candidates),
        }
        Ok(())
    }

    fn output<'a>(&self, outputs: &Outputs<'a>, index: usize) -> Result<OutputTensor<'a>, Misfit> {
        let missing = || Misfit::new(&[], format!("an output {index}"));
        outputs.tensors.get(index).copied().ok_or_else(missing)
    }
}

struct Search<'a> {
    head: &'a Pair,
    boxes: &'a [f32],
    thresholds: &'a ClassThresholds,
    lowest: Score,
}

impl Search<'_> {
    fn rows(&self, scores: &[f32], candidates: &mut Vec<Candidate>) {
        let rows = scores.chunks_exact(self.head.classes + self.head.left_out).enumerate();
        candidates.extend(rows.filter_map(|(anchor, row)| {
            let (score, class) = best_of_row(&row[..self.head.classes]);
            self.candidate(Best { score, class, anchor })
        }));
    }

    fn columns(&self, scores: &[f32], candidates: &mut Vec<Candidate>) {
        let anchors = self.boxes.len() / 4;
        candidates.extend((0..anchors).filter_map(|anchor| {
            let mut best = Best { score: f32::NEG_INFINITY, class: 0, anchor };
            for (row, class) in scores.chunks_exact(anchors).zip(0..).take(self.head.classes) {
                if row[anchor] > best.score {
                    best = Best { score: row[anchor], class, anchor };
                }
            }
            self.candidate(best)
        }));
    }

    /// The sigmoid is only taken of what it leaves above the lowest threshold.
    fn logits(&self, scores: &[f32], candidates: &mut Vec<Candidate>) {
        // A hair lower, for what rounding does to the logarithm; the score itself is compared again.
        let lowest = (self.lowest.get() / (1.0 - self.lowest.get())).ln() - 1e-3;
        let rows = scores.chunks_exact(self.head.classes + self.head.left_out).enumerate();
        for (anchor, row) in rows {
            for (&logit, class) in row[..self.head.classes].iter().zip(0..) {
                if logit >= lowest {
                    let score = 1.0 / (1.0 + (-logit).exp());
                    candidates.extend(self.candidate(Best { score, class, anchor }));
                }
            }
        }
    }

    fn candidate(&self, best: Best) -> Option<Candidate> {
        // NaN must fail too, so this is not the same as a test for "below".
        (best.score >= self.lowest.get()).then_some(())?;
        let numbers = &self.boxes[best.anchor * 4..best.anchor * 4 + 4];
        candidate(self.head.form.rect(numbers, self.head.scale), best, self.thresholds)
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{ClassIndex, Rect, Score};

    use super::{Form, Grade, Pair};
    use crate::{Candidate, ClassThresholds, OutputTensor, Outputs};

    const PAIR: Pair = Pair {
        classes: 2,
        left_out: 0,
        boxes: 0,
        scores: 1,
        form: Form::Corners,
        scale: [1.0, 1.0],
        grade: Grade::Finished,
    };
    const BOXES: [f32; 8] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];

    fn decode(head: &Pair, shape: &[usize], boxes: &[f32], scores: &[f32]) -> Vec<Candidate> {
        let boxes = OutputTensor { shape: &[1, 2, 4], data: boxes };
        let scores = OutputTensor { shape, data: scores };
        let mut found = Vec::new();
        let half = ClassThresholds::uniform(Score::new(0.5).unwrap());
        let outputs = Outputs { tensors: vec![boxes, scores] };
        head.decode(&outputs, 0, &half, &mut found).unwrap();
        found
    }

    #[test]
    fn the_best_class_counts_in_either_order_of_scores() {
        let rows = decode(&PAIR, &[1, 2, 2], &BOXES, &[0.1, 0.2, 0.6, 0.9]);
        let by_class = Pair { grade: Grade::FinishedByClass, ..PAIR };
        let columns = decode(&by_class, &[1, 2, 2], &BOXES, &[0.1, 0.6, 0.2, 0.9]);
        assert_eq!(rows, columns);
        assert_eq!(rows[0].rect, Rect::from_corners(5.0, 6.0, 7.0, 8.0));
        assert_eq!((rows[0].class, rows[0].score.get()), (ClassIndex(1), 0.9));
    }

    #[test]
    fn of_logits_each_class_counts_and_no_object_does_not() {
        let head = Pair {
            left_out: 1,
            form: Form::Centre,
            scale: [100.0, 200.0],
            grade: Grade::Logits,
            ..PAIR
        };
        let boxes = [0.5, 0.5, 0.2, 0.1, 0.0, 0.0, 0.0, 0.0];
        // The logit of 0.75 is ln 3; the second query has no area.
        let three = 3.0_f32.ln();
        let found = decode(&head, &[1, 2, 3], &boxes, &[three, 0.1, 9.0, 9.0, 9.0, 9.0]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].rect, Rect::from_corners(40.0, 90.0, 60.0, 110.0));
        assert!((found[0].score.get() - 0.75).abs() < 1e-6);
        assert_eq!(found[1].class, ClassIndex(1));
    }

    #[test]
    fn tensors_that_do_not_fit_each_other_are_an_error() {
        let boxes = OutputTensor { shape: &[1, 2, 4], data: &BOXES };
        let scores = OutputTensor { shape: &[1, 3, 2], data: &[0.9; 6] };
        let half = ClassThresholds::uniform(Score::new(0.5).unwrap());
        for tensors in [vec![boxes], vec![boxes, scores]] {
            assert!(PAIR.decode(&Outputs { tensors }, 0, &half, &mut Vec::new()).is_err());
        }
    }
}
