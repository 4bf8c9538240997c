//! Layouts whose boxes, scores and classes are in one tensor.

use detections_types::{BoxNumbers, Dim, TensorInfo};

use super::{Evidence, Named, Recognised, Seen, Task, class_count, is_float};
use crate::{
    HeadKind,
    head::{
        Boxes, ClassRows, Columns, DISTANCES, Distances, Grid, Objectness, Objects, Points,
        Reading, STRIDES, Tensors, cells,
    },
};

/// Strides of the YOLO families: the usual ones, with a finer level, with a coarser level.
const LEVELS: [&[usize]; 3] = [&[8, 16, 32], &[4, 8, 16, 32], &[8, 16, 32, 64]];

/// The most objects that an end-to-end head lists.
const MAX_OBJECTS: usize = 300;

/// The most queries of a DETR.
const MAX_QUERIES: usize = 1000;

/// The most classes that a DETR is taken to have: wider rows are something else.
const MAX_QUERY_CLASSES: usize = 2000;

/// One output and its last two axes.
struct Output<'a> {
    tensor: &'a TensorInfo,
    rows: &'a Dim,
    columns: &'a Dim,
}

impl Seen<'_> {
    /// Every layout of one tensor that its type and shape allow.
    pub(super) fn single(&self) -> Vec<Recognised> {
        let [tensor, others @ ..] = self.outputs else {
            return Vec::new();
        };
        // Prototypes of masks lie beside the boxes.
        let masks = matches!(others, [prototypes] if prototypes.shape.len() == 4);
        if !is_float(tensor) || !(others.is_empty() || masks) {
            return Vec::new();
        }
        match tensor.shape.as_slice() {
            [_, rows, columns] if masks => {
                let further =
                    others.first().and_then(|prototypes| prototypes.shape.get(1)?.fixed());
                self.with_masks(&Output { tensor, rows, columns }, further)
            }
            [_, rows, columns] => self.boxes(&Output { tensor, rows, columns }),
            [_, Dim::Fixed(1), _, Dim::Fixed(7)] => vec![self.ssd(tensor)],
            [rows, Dim::Fixed(7)] if !self.is_a_row_each(rows) => vec![self.nas_flat(tensor)],
            _ => Vec::new(),
        }
    }

    fn boxes(&self, output: &Output<'_>) -> Vec<Recognised> {
        match self.task {
            Task::Obb => self.obb(output).into_iter().collect(),
            Task::Pose => self.pose(output).into_iter().collect(),
            Task::Segment => Vec::new(),
            Task::Unsaid | Task::Detect => {
                let mut fits: Vec<Recognised> = [
                    self.yolov8(output),
                    self.yolov8_transposed(output),
                    self.yolov5(output),
                    self.yolox(output),
                    self.nanodet(output),
                    self.end_to_end(output),
                    self.rtdetr(output),
                ]
                .into_iter()
                .flatten()
                .collect();
                if self.is_wanted(HeadKind::YoloObb) {
                    fits.extend(self.obb(output));
                } else if self.task == Task::Unsaid {
                    fits.extend(self.objects_with(output, HeadKind::YoloObb, 7));
                }
                fits
            }
        }
    }

    /// `further` rows behind the classes of a YOLOv8-like output.
    fn class_rows(
        &self,
        output: &Output<'_>,
        kind: HeadKind,
        further: usize,
        boxes: Boxes,
    ) -> Option<Recognised> {
        let Output { tensor, rows, columns } = *output;
        let classes = class_count(rows, 4 + further)?;
        let level = self.anchor_words(columns, 1, &LEVELS)?;
        let rows_words = if further == 0 {
            format!("4 + {classes} rows")
        } else {
            format!("4 + {classes} + {further} rows")
        };
        let layout = match self.task {
            Task::Obb => "Ultralytics oriented boxes layout",
            Task::Segment => "Ultralytics segmentation layout",
            Task::Pose => "Ultralytics pose layout",
            Task::Unsaid | Task::Detect => "Ultralytics YOLOv8 layout",
        };
        let reason = format!(
            "{} has {rows_words}{} and {level}: {layout}",
            Named(tensor),
            self.name_words(classes),
        );
        let anchors = columns.fixed();
        let boxes = match (boxes, self.numbers()) {
            (Boxes::Upright, BoxNumbers::Corners) => Boxes::Corners,
            (boxes, _) => boxes,
        };
        let reading = Reading::ClassRows(ClassRows { classes, further, boxes, anchors });
        Some(Recognised::new(kind, reading, self.ultralytics(tensor), reason))
    }

    fn yolov8(&self, output: &Output<'_>) -> Option<Recognised> {
        self.class_rows(output, HeadKind::Yolov8, 0, Boxes::Upright)
    }

    fn obb(&self, output: &Output<'_>) -> Option<Recognised> {
        let end = self.objects_with(output, HeadKind::YoloObb, 7);
        end.or_else(|| self.class_rows(output, HeadKind::YoloObb, 1, Boxes::Turned))
    }

    fn pose(&self, output: &Output<'_>) -> Option<Recognised> {
        let points = self.points()?;
        let further = points.count.checked_mul(points.numbers)?;
        let end = self.objects_with(output, HeadKind::YoloPose, 6_usize.checked_add(further)?);
        let found =
            end.or_else(|| self.class_rows(output, HeadKind::YoloPose, further, Boxes::Upright))?;
        Some(Recognised { head: found.head.with_points(points), ..found })
    }

    /// The keypoints of an object by the metadata: how many, and with two or three numbers each.
    fn points(&self) -> Option<Points> {
        let text = self.description.metadata.get("kpt_shape")?;
        let text = text.trim().trim_matches(['[', ']', '(', ')']);
        let mut sizes = text.split(',').map(|size| size.trim().parse().ok());
        let (count, numbers) = (sizes.next()??, sizes.next()??);
        let sound = count > 0 && matches!(numbers, 2 | 3) && sizes.next().is_none();
        sound.then_some(Points { count, numbers })
    }

    fn with_masks(&self, output: &Output<'_>, coefficients: Option<usize>) -> Vec<Recognised> {
        if !matches!(self.task, Task::Unsaid | Task::Segment) {
            return Vec::new();
        }
        let Some(further) = coefficients.filter(|count| *count <= 1024) else {
            return Vec::new();
        };
        let end = self.objects_with(output, HeadKind::YoloSeg, 6 + further);
        let rows = self.class_rows(output, HeadKind::YoloSeg, further, Boxes::Upright);
        end.into_iter().chain(rows).collect()
    }

    fn columns(
        &self,
        output: &Output<'_>,
        kind: HeadKind,
        objectness: Objectness,
        scale: [f32; 2],
    ) -> Option<(usize, Reading, HeadKind)> {
        let others = if objectness == Objectness::Column { 5 } else { 4 };
        let classes = class_count(output.columns, others)?;
        let form = self.numbers();
        let columns = Columns { classes, objectness, further: 0, form, scale };
        let reading = Reading::Columns(columns);
        Some((classes, reading, kind))
    }

    fn yolov8_transposed(&self, output: &Output<'_>) -> Option<Recognised> {
        let Output { tensor, rows, .. } = *output;
        // With both axes open or the classes open there is nothing to go by.
        rows.fixed()?;
        let level = self.anchor_words(rows, 1, &LEVELS)?;
        let (classes, reading, kind) =
            self.columns(output, HeadKind::Yolov8, Objectness::None, [1.0, 1.0])?;
        let reason = format!(
            "{} has 4 + {classes} columns{} and {level}: Ultralytics YOLOv8 layout, transposed",
            Named(tensor),
            self.name_words(classes),
        );
        Some(Recognised::new(kind, reading, self.ultralytics(tensor), reason))
    }

    /// Three anchors for each cell, or one for each as in YOLOv6.
    fn yolov5(&self, output: &Output<'_>) -> Option<Recognised> {
        let Output { tensor, rows, .. } = *output;
        rows.fixed()?;
        let three = self.anchor_words(rows, 3, &LEVELS);
        let evidence = match (&three, tensor.name.as_str()) {
            (Some(_), _) => self.ultralytics(tensor),
            (None, "outputs") => Evidence::Names,
            (None, _) if self.is_wanted(HeadKind::Yolov5) => Evidence::Shape,
            (None, _) => return None,
        };
        let level = three.or_else(|| self.anchor_words(rows, 1, &LEVELS))?;
        let (classes, reading, kind) =
            self.columns(output, HeadKind::Yolov5, Objectness::Column, [1.0, 1.0])?;
        let reason = format!(
            "{} has 5 + {classes} columns{} and {level}: YOLOv5 layout",
            Named(tensor),
            self.name_words(classes),
        );
        Some(Recognised::new(kind, reading, evidence, reason))
    }

    /// Raw or decoded: only a decoded grid needs the exponential function.
    fn yolox(&self, output: &Output<'_>) -> Option<Recognised> {
        let Output { tensor, rows, columns } = *output;
        let classes = class_count(columns, 5)?;
        let level = self.anchor_words(rows, 1, &[&STRIDES])?;
        let decoded = match self.wanted {
            Some(HeadKind::YoloxDecoded) => true,
            Some(_) => false,
            None => self.has_operator("Exp"),
        };
        let words = self.words();
        let evidence = match (words.contains("yolox"), tensor.name.as_str()) {
            (true, _) => Evidence::Metadata,
            (false, "output") => Evidence::Names,
            (false, _) => Evidence::Shape,
        };
        let (kind, reading, layout) = if decoded {
            let (_, reading, kind) =
                self.columns(output, HeadKind::YoloxDecoded, Objectness::Column, [1.0, 1.0])?;
            (kind, reading, "YOLOX layout, decoded by the exponentials in the graph")
        } else {
            let (height, width) = (self.input.height, self.input.width);
            let grid = Reading::Grid(Grid { classes, height, width });
            (HeadKind::Yolox, grid, "YOLOX raw grid layout")
        };
        let reason = format!(
            "{} has 5 + {classes} columns{} and {level}: {layout}",
            Named(tensor),
            self.name_words(classes),
        );
        Some(Recognised::new(kind, reading, evidence, reason))
    }

    fn nanodet(&self, output: &Output<'_>) -> Option<Recognised> {
        let Output { tensor, rows, columns } = *output;
        let classes = class_count(columns, DISTANCES)?;
        let (height, width) = (self.input.height, self.input.width);
        (rows.fixed()? == cells(height, width)).then_some(())?;
        let named = tensor.name == "output" || self.input_name == "data";
        let evidence = match (self.words().contains("nanodet"), named) {
            (true, _) => Evidence::Metadata,
            (false, true) => Evidence::Names,
            (false, false) => Evidence::Shape,
        };
        let reason = format!(
            "{} has {classes} + 4 * 8 columns{} and cells of strides 8, 16, 32, 64 at {height}x{width}: \
             NanoDet layout",
            Named(tensor),
            self.name_words(classes),
        );
        let tensors = Tensors::One;
        let reading = Reading::Distances(Distances { classes, height, width, tensors });
        Some(Recognised::new(HeadKind::NanoDet, reading, evidence, reason))
    }

    fn end_to_end(&self, output: &Output<'_>) -> Option<Recognised> {
        self.objects_with(output, HeadKind::EndToEnd, 6)
    }

    /// Rows of finished objects with `columns` numbers, the first six of which are box, score and class.
    fn objects_with(
        &self,
        output: &Output<'_>,
        kind: HeadKind,
        columns: usize,
    ) -> Option<Recognised> {
        let Output { tensor, rows, .. } = *output;
        let few = rows.fixed().is_none_or(|rows| rows <= MAX_OBJECTS);
        (few && output.columns.fixed() == Some(columns)).then_some(())?;
        let classes = self.numbered_classes();
        let metadata = &self.description.metadata;
        let says = |key: &str, word: &str| {
            metadata.get(key).is_some_and(|text| text.to_lowercase().contains(word))
        };
        let inside = says("end2end", "true") || says("args", "'nms': true") || says("nms", "true");
        let detr = self.has_operator("GridSample");
        let lists = self.has_operator("TopK") || self.has_operator("NonMaxSuppression");
        let evidence = if inside || self.words().contains("yolo") && !self.speaks_of_rtdetr() {
            Evidence::Metadata
        } else if lists && !detr {
            Evidence::Names
        } else {
            Evidence::Shape
        };
        let reason = format!(
            "{} has rows of a box, a score and a class{}: end-to-end layout, nothing is suppressed again",
            Named(tensor),
            self.name_words(classes),
        );
        let scale = [1.0, 1.0];
        let turned = kind == HeadKind::YoloObb;
        let (form, angle) =
            if turned { (BoxNumbers::Centre, Some(6)) } else { (BoxNumbers::Corners, None) };
        let objects =
            Objects { classes, columns, first: 0, form, score: 4, class: 5, base: 0, scale, angle };
        Some(Recognised::new(kind, Reading::Objects(objects), evidence, reason).numbered().common())
    }

    /// Queries are no anchors, and their boxes are shares of the input.
    fn rtdetr(&self, output: &Output<'_>) -> Option<Recognised> {
        let Output { tensor, rows, columns } = *output;
        let queries = rows.fixed()?;
        class_count(columns, 4).filter(|classes| *classes <= MAX_QUERY_CLASSES)?;
        let anchors = output.columns.fixed().is_some()
            && self.anchor_words(output.columns, 1, &LEVELS).is_some();
        (queries <= MAX_QUERIES && !anchors).then_some(())?;
        let evidence = if self.speaks_of_rtdetr() {
            Evidence::Metadata
        } else if self.has_operator("GridSample") {
            Evidence::Names
        } else {
            Evidence::Shape
        };
        let other = self.anchor_words(rows, 1, &LEVELS).is_some()
            || self.is_as_large_as_the_picture(tensor);
        if evidence == Evidence::Shape && other {
            return None;
        }
        let (classes, reading, kind) =
            self.columns(output, HeadKind::RtDetrUltralytics, Objectness::None, self.pixels())?;
        let reason = format!(
            "{} has 4 + {classes} columns{} for each of {queries} queries: Ultralytics RT-DETR layout",
            Named(tensor),
            self.name_words(classes),
        );
        Some(Recognised::new(kind, reading, evidence, reason).common())
    }

    fn ssd(&self, tensor: &TensorInfo) -> Recognised {
        let (base, classes, labels) = self.numbers_from_background();
        let (form, scale) = (BoxNumbers::Corners, self.pixels());
        let angle = None;
        let objects =
            Objects { classes, columns: 7, first: 3, form, score: 2, class: 1, base, scale, angle };
        let reason = format!(
            "{} has rows of image, class, score and corners: SSD layout, {labels}",
            Named(tensor)
        );
        let reading = Reading::Objects(objects);
        Recognised::new(HeadKind::Ssd, reading, Evidence::Names, reason).numbered()
    }

    /// What class numbers count from, how many classes there are, and both in words: where the first name is
    /// not that of the background, class 1 has it.
    pub(super) fn numbers_from_background(&self) -> (usize, usize, &'static str) {
        let classes = self.numbered_classes();
        let first = self.names.and_then(<[_]>::first).map(|name| name.to_lowercase());
        match first {
            Some(name) if name.contains("background") => (0, classes, "class 0 the background"),
            Some(_) | None => (1, classes, "classes counted from 1, behind the background"),
        }
    }

    fn nas_flat(&self, tensor: &TensorInfo) -> Recognised {
        let classes = self.numbered_classes();
        let (form, scale) = (BoxNumbers::Corners, [1.0, 1.0]);
        let (base, angle) = (0, None);
        let objects =
            Objects { classes, columns: 7, first: 1, form, score: 5, class: 6, base, scale, angle };
        let reason = format!(
            "{} has rows of image, corners, score and class: YOLO-NAS flat layout, nothing is suppressed again",
            Named(tensor)
        );
        let reading = Reading::Objects(objects);
        Recognised::new(HeadKind::YoloNasFlat, reading, Evidence::Shape, reason).numbered()
    }

    fn speaks_of_rtdetr(&self) -> bool {
        let words = self.words();
        ["rtdetr", "rt-detr", "rt_detr"].iter().any(|word| words.contains(word))
    }

    fn ultralytics(&self, tensor: &TensorInfo) -> Evidence {
        let words = self.words();
        if words.contains("ultralytics") && !self.speaks_of_rtdetr() {
            Evidence::Metadata
        } else if tensor.name == "output0" {
            Evidence::Names
        } else {
            Evidence::Shape
        }
    }
}
