//! Boxes in one tensor and class scores in another, an anchor or query in each row of both.
//!
//! YOLO-NAS (<https://github.com/Deci-AI/super-gradients>): corners in pixels, finished scores, of which the best
//! counts; DAMO-YOLO (<https://github.com/tinyvision/DAMO-YOLO>, `ZeroHead` in export and `postprocess`), PP-YOLOE
//! and PicoDet without NMS (<https://github.com/PaddlePaddle/PaddleDetection>, `MultiClassNMS`), and what a
//! `NonMaxSuppression` of ONNX takes: the same, but each class of an anchor may be an object; RT-DETR and D-FINE of
//! Transformers and RF-DETR (<https://github.com/roboflow/rf-detr>): centres in shares of the input, and logits, of
//! which every class of every query may be an object (`post_process_object_detection`, `PostProcess`).

use detections_types::{BoxNumbers, Score};

use super::{Best, Candidate, Misfit, best::best_of_row, candidate, scaled_rect};
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
    pub(crate) form: BoxNumbers,
    /// What a box's horizontal and vertical numbers are multiplied with to be pixels of the input.
    pub(crate) scale: [f32; 2],
    /// What a score is.
    pub(crate) grade: Grade,
}

/// What a score is, and how many of an anchor count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grade {
    /// 0 to 1, rows of anchors; an anchor's best class counts.
    Best,
    /// The same, but each class of an anchor counts for itself.
    Each,
    /// Each class of an anchor counts, in rows of classes.
    EachByClass,
    /// Before the sigmoid, rows of queries; each class of a query counts.
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
            (Grade::EachByClass, &[_, classes, anchors]) => (anchors, classes),
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
            Grade::Best => search.best(data, candidates),
            Grade::Each => search.each(data, candidates),
            Grade::EachByClass => search.each_by_class(data, candidates),
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
    /// The scores of each anchor, without those that are left out.
    fn rows<'s>(&self, scores: &'s [f32]) -> impl Iterator<Item = (usize, &'s [f32])> {
        let classes = self.head.classes;
        let rows = scores.chunks_exact(classes + self.head.left_out).enumerate();
        rows.map(move |(anchor, row)| (anchor, &row[..classes]))
    }

    fn best(&self, scores: &[f32], candidates: &mut Vec<Candidate>) {
        candidates.extend(self.rows(scores).filter_map(|(anchor, row)| {
            let (score, class) = best_of_row(row);
            self.candidate(Best { score, class, anchor })
        }));
    }

    fn each(&self, scores: &[f32], candidates: &mut Vec<Candidate>) {
        for (anchor, row) in self.rows(scores) {
            let found = row.iter().zip(0..);
            let found = found.map(|(&score, class)| Best { score, class, anchor });
            candidates.extend(found.filter_map(|best| self.candidate(best)));
        }
    }

    fn each_by_class(&self, scores: &[f32], candidates: &mut Vec<Candidate>) {
        let anchors = self.boxes.len() / 4;
        for (row, class) in scores.chunks_exact(anchors).zip(0..).take(self.head.classes) {
            let found = row.iter().enumerate();
            let found = found.map(|(anchor, &score)| Best { score, class, anchor });
            candidates.extend(found.filter_map(|best| self.candidate(best)));
        }
    }

    /// The sigmoid is only taken of what it leaves above the lowest threshold.
    fn logits(&self, scores: &[f32], candidates: &mut Vec<Candidate>) {
        // A hair lower, for what rounding does to the logarithm; the score itself is compared again.
        let lowest = (self.lowest.get() / (1.0 - self.lowest.get())).ln() - 1e-3;
        for (anchor, row) in self.rows(scores) {
            for (&logit, class) in row.iter().zip(0..) {
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
        candidate(scaled_rect(self.head.form, numbers, self.head.scale), best, self.thresholds)
    }
}

#[cfg(test)]
mod tests {
    use detections_types::{BoxNumbers, ClassIndex, Rect, Score};

    use super::{Grade, Pair};
    use crate::{Candidate, ClassThresholds, OutputTensor, Outputs};

    const PAIR: Pair = Pair {
        classes: 2,
        left_out: 0,
        boxes: 0,
        scores: 1,
        form: BoxNumbers::Corners,
        scale: [1.0, 1.0],
        grade: Grade::Best,
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
    fn of_finished_scores_the_best_class_counts_or_each() {
        let scores = [0.1, 0.2, 0.6, 0.9];
        let best = decode(&PAIR, &[1, 2, 2], &BOXES, &scores);
        let [only] = best.as_slice() else { panic!("{best:?}") };
        assert_eq!(only.rect, Rect::from_corners(5.0, 6.0, 7.0, 8.0));
        assert_eq!((only.class, only.score.get()), (ClassIndex(1), 0.9));

        let each = decode(&Pair { grade: Grade::Each, ..PAIR }, &[1, 2, 2], &BOXES, &scores);
        let classes = |found: &[Candidate]| found.iter().map(|one| one.class.0).collect::<Vec<_>>();
        assert_eq!(classes(&each), [0, 1]);
        assert_eq!(each[1], *only);
        let by_class = Pair { grade: Grade::EachByClass, ..PAIR };
        assert_eq!(decode(&by_class, &[1, 2, 2], &BOXES, &[0.1, 0.6, 0.2, 0.9]), each);
    }

    #[test]
    fn of_logits_each_class_counts_and_no_object_does_not() {
        let head = Pair {
            left_out: 1,
            form: BoxNumbers::Centre,
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
