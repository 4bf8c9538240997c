//! Layouts whose boxes and scores are in tensors of their own.

use detections_types::{BoxNumbers, Dim, TensorInfo};

use super::{COCO_CATEGORIES, Evidence, Named, Recognised, Seen, class_count, is_float};
use crate::{
    HeadKind,
    head::{
        Anchors, DISTANCE_STRIDES, DISTANCES, Distances, Grade, Listed, Maps, Pair, Reading,
        Tensors, YOLOV5, YOLOV7,
    },
};

/// Strides of the pairs with anchors; the last is PicoDet's.
const LEVELS: [&[usize]; 2] = [&[8, 16, 32], &[8, 16, 32, 64]];

impl Seen<'_> {
    /// Every layout of several tensors that their names, types and shapes allow.
    pub(super) fn several(&self) -> Vec<Recognised> {
        match self.outputs {
            [a, b] if is_float(a) && is_float(b) => self.pairs(),
            [_, _, _] => self.maps().into_iter().chain(self.rtdetr_listed()).collect(),
            [_, _, _, _] => self.tensorflow().into_iter().collect(),
            [_, _, _, _, _, _, _, _] => self.picodet_levels().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn named(&self, word: &str) -> Option<usize> {
        let mut found = (0..).zip(self.outputs).filter(|(_, output)| output.name.contains(word));
        let first = found.next()?;
        found.next().is_none().then_some(first.0)
    }

    fn pairs(&self) -> Vec<Recognised> {
        let detr = [("logits", "pred_boxes"), ("labels", "dets")]
            .into_iter()
            .find_map(|(scores, boxes)| Some((scores, self.named(scores)?, self.named(boxes)?)));
        if let Some((word, scores, boxes)) = detr {
            return self.queries(word == "labels", boxes, scores).into_iter().collect();
        }
        let orders = [(0, 1), (1, 0)].into_iter();
        orders.flat_map(|(boxes, scores)| self.anchored(boxes, scores)).collect()
    }

    fn axes(&self, index: usize) -> Option<(&Dim, &Dim)> {
        match self.outputs.get(index)?.shape.as_slice() {
            [_, rows, columns] => Some((rows, columns)),
            _ => None,
        }
    }

    /// Transformers' pair, or RF-DETR's, whose last column is that of no object but where the columns are
    /// COCO's categories: `background_class_id` of RF-DETR's own ONNX inference.
    fn queries(&self, rfdetr: bool, boxes: usize, scores: usize) -> Option<Recognised> {
        let (_, numbers) = self.axes(boxes)?;
        let (_, columns) = self.axes(scores)?;
        (numbers.fixed().is_none_or(|n| n == 4)).then_some(())?;
        let width = class_count(columns, 0)?;
        let names = self.names.map(<[_]>::len);
        let spare = match (rfdetr, names) {
            (false, _) => 0,
            (true, Some(names)) => usize::from(width == names + 1),
            (true, None) => usize::from(width != COCO_CATEGORIES),
        };
        let classes = width.checked_sub(spare).filter(|classes| *classes > 0)?;
        let kind = if rfdetr { HeadKind::RfDetr } else { HeadKind::RtDetrTransformers };
        let reason = format!(
            "{} and {} are boxes and logits of queries for {classes} classes{}: {}",
            Named(&self.outputs[boxes]),
            Named(&self.outputs[scores]),
            if spare == 1 { ", the last column no object" } else { "" },
            if rfdetr { "RF-DETR layout" } else { "Transformers' RT-DETR layout" },
        );
        let (form, scale, grade) = (BoxNumbers::Centre, self.pixels(), Grade::Logits);
        let pair = Pair { classes, left_out: spare, boxes, scores, form, scale, grade };
        Some(Recognised::new(kind, Reading::Pair(pair), Evidence::Names, reason))
    }

    /// Boxes and finished scores of anchors.
    fn anchored(&self, boxes: usize, scores: usize) -> Vec<Recognised> {
        let (Some((anchors, Dim::Fixed(4))), Some((first, second))) =
            (self.axes(boxes), self.axes(scores))
        else {
            return Vec::new();
        };
        let Some(level) = self.anchor_words(anchors, 1, &LEVELS) else {
            return Vec::new();
        };
        let by_anchor = first == anchors && second != anchors;
        let by_class = second == anchors && first != anchors;
        let (kinds, columns): (&[HeadKind], _) = match (by_anchor, by_class) {
            (true, _) => (&[HeadKind::YoloNas, HeadKind::DamoYolo], second),
            (_, true) => (&[HeadKind::PpYoloe, HeadKind::PicoDet], first),
            (false, false) => return Vec::new(),
        };
        let Some(classes) = class_count(columns, 0) else {
            return Vec::new();
        };
        let coarse = self.anchors(LEVELS[1]).is_some_and(|n| anchors.fixed() == Some(n));
        let fit = |&kind: &HeadKind| {
            let evidence = self.family(kind, boxes, coarse)?;
            let reason = format!(
                "{} and {} are boxes and scores of {classes} classes{} and {level}: {kind} layout",
                Named(&self.outputs[boxes]),
                Named(&self.outputs[scores]),
                self.name_words(classes),
            );
            // As many objects of a box as its authors' own code takes.
            let grade = match (by_anchor, kind) {
                (true, HeadKind::YoloNas) => Grade::Best,
                (true, _) => Grade::Each,
                (false, _) => Grade::EachByClass,
            };
            let (form, scale) = (BoxNumbers::Corners, [1.0, 1.0]);
            let pair = Pair { classes, left_out: 0, boxes, scores, form, scale, grade };
            Some(Recognised::new(kind, Reading::Pair(pair), evidence, reason))
        };
        kinds.iter().filter_map(fit).collect()
    }

    /// What speaks for a family among those of one layout: they differ in their pixels alone. YOLO-NAS gives its
    /// boxes first, DAMO-YOLO its scores; PicoDet has a fourth stride.
    fn family(&self, kind: HeadKind, boxes: usize, coarse: bool) -> Option<Evidence> {
        let words = self.words();
        let (word, typical) = if kind == HeadKind::YoloNas {
            ("nas", boxes == 0)
        } else if kind == HeadKind::DamoYolo {
            ("damo", boxes == 1)
        } else if kind == HeadKind::PicoDet {
            ("pico", coarse)
        } else {
            ("pp-yoloe", !coarse)
        };
        match (words.contains(word), typical || self.is_wanted(kind)) {
            (true, _) => Some(Evidence::Metadata),
            (false, true) => Some(Evidence::Shape),
            (false, false) => None,
        }
    }

    /// Scores and distributions of four strides, all scores first or each beside its distributions.
    fn picodet_levels(&self) -> Option<Recognised> {
        let (height, width) = (self.input.height, self.input.width);
        let mut pairs = [[0; 2]; DISTANCE_STRIDES.len()];
        let mut counts = Vec::new();
        for (pair, stride) in pairs.iter_mut().zip(DISTANCE_STRIDES) {
            let cells = height.div_ceil(stride) * width.div_ceil(stride);
            let of_stride = (0..self.outputs.len()).filter(|index| {
                let is_of = self.axes(*index).is_some_and(|(rows, _)| rows.fixed() == Some(cells));
                is_of && is_float(&self.outputs[*index])
            });
            let [scores, boxes]: [usize; 2] = of_stride.collect::<Vec<_>>().try_into().ok()?;
            let (_, columns) = self.axes(boxes)?;
            (columns.fixed() == Some(DISTANCES)).then_some(())?;
            counts.push(class_count(self.axes(scores)?.1, 0)?);
            *pair = [scores, boxes];
        }
        let (&classes, others) = counts.split_first()?;
        others.iter().all(|count| *count == classes).then_some(())?;
        let reason = format!(
            "{} and the tensors beside it are scores of {classes} classes{} and 4 * 8 numbers of the cells of \
             strides 8, 16, 32, 64 at {height}x{width}: PicoDet layout",
            Named(&self.outputs[pairs[0][0]]),
            self.name_words(classes),
        );
        let tensors = Tensors::Apart(pairs);
        let reading = Reading::Distances(Distances { classes, height, width, tensors });
        Some(Recognised::new(HeadKind::PicoDet, reading, Evidence::Names, reason))
    }

    /// Boxes and scores that the graph would give to its own suppression.
    pub(super) fn nms_input(&self, form: BoxNumbers) -> Vec<Recognised> {
        let fit = || {
            let (anchors, numbers) = self.axes(0)?;
            let (classes, columns) = self.axes(1)?;
            let open = anchors.fixed().is_none() || columns.fixed().is_none();
            (numbers.fixed() == Some(4) && (open || anchors == columns)).then_some(())?;
            let classes = class_count(classes, 0)?;
            let reason = format!(
                "{} and {} are boxes and scores of {classes} classes{}, as a suppression takes them",
                Named(&self.outputs[0]),
                Named(&self.outputs[1]),
                self.name_words(classes),
            );
            let (scale, grade) = ([1.0, 1.0], Grade::EachByClass);
            let pair = Pair { classes, left_out: 0, boxes: 0, scores: 1, form, scale, grade };
            let reading = Reading::Pair(pair);
            Some(Recognised::new(HeadKind::NmsInput, reading, Evidence::Metadata, reason))
        };
        fit().into_iter().collect()
    }

    fn rtdetr_listed(&self) -> Option<Recognised> {
        let (boxes, scores, labels) =
            (self.named("boxes")?, self.named("scores")?, self.named("labels")?);
        let classes = self.numbered_classes();
        let reason = format!(
            "{}, {} and {} list finished objects: RT-DETR layout of its authors, nothing is suppressed again",
            Named(&self.outputs[labels]),
            Named(&self.outputs[boxes]),
            Named(&self.outputs[scores]),
        );
        let scale = if self.takes_sizes() { [1.0, 1.0] } else { self.pixels() };
        let listed = Listed { classes, boxes, scores, labels, left: 0, base: 0, scale };
        let reading = Reading::Listed(listed);
        Some(Recognised::new(HeadKind::RtDetr, reading, Evidence::Names, reason).numbered())
    }

    /// Whether the graph scales boxes by a second input.
    fn takes_sizes(&self) -> bool {
        self.description.signature.inputs.iter().any(|input| input.name == "orig_target_sizes")
    }

    fn tensorflow(&self) -> Option<Recognised> {
        let boxes = self.named("detection_boxes")?;
        let scores = self.named("detection_scores")?;
        let labels = self.named("detection_classes")?;
        self.named("num_detections")?;
        let (base, classes, words) = self.numbers_from_background();
        let reason = format!(
            "{} and the tensors beside it list finished objects, top edge first: TensorFlow's layout, {words}",
            Named(&self.outputs[boxes]),
        );
        let listed = Listed { classes, boxes, scores, labels, left: 1, base, scale: self.pixels() };
        let reading = Reading::Listed(listed);
        Some(Recognised::new(HeadKind::SsdTensorflow, reading, Evidence::Names, reason).numbered())
    }

    /// Three raw maps; which anchors they have, only the file's words or the caller can tell.
    fn maps(&self) -> Vec<Recognised> {
        let (height, width) = (self.input.height, self.input.width);
        let find = |stride: usize| {
            let map = [height / stride, width / stride];
            self.outputs.iter().position(|output| self.map_classes(output, map).is_some())
        };
        let (Some(fine), Some(middle), Some(coarse)) = (find(8), find(16), find(32)) else {
            return Vec::new();
        };
        let outputs = [fine, middle, coarse];
        let classes = |(index, stride): (usize, usize)| {
            self.map_classes(&self.outputs[index], [height / stride, width / stride])
        };
        let all: Vec<_> = outputs.into_iter().zip([8, 16, 32]).filter_map(classes).collect();
        let [classes, second, third] = all.as_slice() else {
            return Vec::new();
        };
        if classes != second || classes != third {
            return Vec::new();
        }
        let (classes, words) = (*classes, self.words());
        let stated = self.stated_anchors();
        let families =
            [(HeadKind::Yolov5Raw, YOLOV5, "yolov5"), (HeadKind::Yolov7Raw, YOLOV7, "yolov7")];
        let fit = |(kind, usual, word): (HeadKind, Anchors, &str)| {
            // Anchors of the file's own are read in the same way, under the name of the first family.
            let kind_of =
                if stated == Some(YOLOV7) { HeadKind::Yolov7Raw } else { HeadKind::Yolov5Raw };
            let attested = stated.map_or(words.contains(word), |_| kind == kind_of);
            let evidence = if attested { Evidence::Metadata } else { Evidence::Shape };
            let reason = format!(
                "{} and the two beside it are maps of 3 anchors with 5 + {classes} numbers{}: {kind} layout",
                Named(&self.outputs[fine]),
                self.name_words(classes),
            );
            let anchors = stated.unwrap_or(usual);
            let reading = Reading::Maps(Maps { classes, outputs, anchors, height, width });
            Recognised::new(kind, reading, evidence, reason)
        };
        families.into_iter().map(fit).collect()
    }

    /// The 18 numbers of the `anchors` metadata, finest map first.
    fn stated_anchors(&self) -> Option<Anchors> {
        let text = self.description.metadata.get("anchors")?;
        let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
        let numbers: Vec<f32> = words
            .filter(|word| !word.is_empty())
            .map(|word| word.parse().ok())
            .collect::<Option<_>>()?;
        let numbers: [f32; 18] = numbers.try_into().ok()?;
        let sound = numbers.iter().all(|number| number.is_finite() && *number > 0.0);
        let pair = |map: usize, anchor: usize| {
            let first = (map * 3 + anchor) * 2;
            [numbers[first], numbers[first + 1]]
        };
        sound.then(|| std::array::from_fn(|map| std::array::from_fn(|anchor| pair(map, anchor))))
    }

    fn map_classes(&self, output: &TensorInfo, [rows, columns]: [usize; 2]) -> Option<usize> {
        is_float(output).then_some(())?;
        let fixed: Vec<_> = output.shape.iter().skip(1).map(Dim::fixed).collect();
        match *fixed.as_slice() {
            [Some(3), Some(r), Some(c), Some(n)] if [r, c] == [rows, columns] => n.checked_sub(5),
            [Some(n), Some(r), Some(c)] if [r, c] == [rows, columns] && n % 3 == 0 => {
                (n / 3).checked_sub(5)
            }
            _ => None,
        }
        .filter(|classes| *classes > 0)
    }
}
