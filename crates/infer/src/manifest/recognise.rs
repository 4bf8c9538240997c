//! Which head a model has: every supported layout is tried on the output's shape, the names and the
//! file's own words decide between several that fit, and what then is not certain is refused.

use detections_types::{Dim, ElementType, ModelDescription, TensorInfo};

use crate::{
    Head, HeadKind, InferError, InputShape,
    head::{STRIDES, Yolov8Head, YoloxHead, anchors},
};

/// More classes than any detector has; a head that wide is another layout.
const MAX_CLASSES: usize = 65_536;

/// Strides of the YOLOv8 family: the usual ones, with a finer level, with a coarser level.
const YOLOV8_STRIDES: [&[usize]; 3] = [&[8, 16, 32], &[4, 8, 16, 32], &[8, 16, 32, 64]];

/// All that speaks for one head or another.
pub(super) struct Seen<'a> {
    pub(super) description: &'a ModelDescription,
    pub(super) outputs: &'a [TensorInfo],
    pub(super) input: InputShape,
    pub(super) names: Option<usize>,
}

/// A head and why.
pub(super) struct Recognised {
    pub(super) head: Head,
    pub(super) reason: String,
}

impl Seen<'_> {
    /// The one head that fits, or the `wanted` one if it fits.
    pub(super) fn recognise(&self, wanted: Option<HeadKind>) -> Result<Recognised, InferError> {
        let mut fits = self.fits();
        fits.retain(|fit| wanted.is_none_or(|wanted| fit.head.kind() == wanted));
        let mut found = self.decide(fits)?;
        if wanted.is_some() {
            found.reason.push_str(", as chosen");
        }
        match self.names {
            Some(labels) if labels != found.head.classes() => Err(InferError::LabelCount {
                labels,
                head: found.head.kind(),
                classes: found.head.classes(),
                seen: self.to_string(),
            }),
            _ => Ok(found),
        }
    }

    /// Every layout that the only output's type and shape allow.
    fn fits(&self) -> Vec<Recognised> {
        let [output] = self.outputs else {
            return Vec::new();
        };
        let [_, rows, columns] = output.shape.as_slice() else {
            return Vec::new();
        };
        if !matches!(output.element, ElementType::F32 | ElementType::F16) {
            return Vec::new();
        }
        let yolov8 = self.fit_yolov8(output, rows, columns);
        yolov8.into_iter().chain(self.fit_yolox(output, rows, columns)).collect()
    }

    fn fit_yolov8(&self, output: &TensorInfo, rows: &Dim, columns: &Dim) -> Option<Recognised> {
        let classes = class_count(rows, 4)?;
        let level = match columns {
            Dim::Fixed(columns) => {
                let strides =
                    YOLOV8_STRIDES.into_iter().find(|s| self.anchors(s) == Some(*columns));
                self.anchor_words(&columns.to_string(), strides?)
            }
            Dim::Dynamic(_) => "an open number of anchors".into(),
        };
        let reason = format!(
            "{} has 4 + {classes} rows{} and {level}: Ultralytics YOLOv8 layout",
            Named(output),
            self.name_words(classes),
        );
        let head = Head::Yolov8(Yolov8Head { classes, anchors: columns.fixed() });
        Some(Recognised { head, reason })
    }

    fn fit_yolox(&self, output: &TensorInfo, rows: &Dim, columns: &Dim) -> Option<Recognised> {
        let classes = class_count(columns, 5)?;
        let level = match rows {
            Dim::Fixed(rows) if self.anchors(&STRIDES) != Some(*rows) => return None,
            Dim::Fixed(rows) => self.anchor_words(&rows.to_string(), &STRIDES),
            Dim::Dynamic(_) => "an open number of anchors".into(),
        };
        let reason = format!(
            "{} has 5 + {classes} columns{} and {level}: YOLOX raw grid layout",
            Named(output),
            self.name_words(classes),
        );
        let InputShape { height, width, .. } = self.input;
        let head = Head::Yolox(YoloxHead { classes, height, width });
        Some(Recognised { head, reason })
    }

    /// Anchors of an input that all strides divide.
    fn anchors(&self, strides: &[usize]) -> Option<usize> {
        let InputShape { height, width, .. } = self.input;
        let divides = |stride: &usize| height % stride == 0 && width % stride == 0;
        strides.iter().all(divides).then(|| anchors(height, width, strides))
    }

    fn anchor_words(&self, count: &str, strides: &[usize]) -> String {
        let strides: Vec<String> = strides.iter().map(usize::to_string).collect();
        let InputShape { height, width, .. } = self.input;
        format!("{count} = anchors of strides {} at {height}x{width}", strides.join(", "))
    }

    fn name_words(&self, classes: usize) -> String {
        match self.names {
            Some(names) if names == classes => format!(" for the {names} names in the metadata"),
            _ => String::new(),
        }
    }

    /// The only fit; of several, the only one whose classes are as many as the names, or else the only one
    /// of the family that the file's own words tell.
    fn decide(&self, fits: Vec<Recognised>) -> Result<Recognised, InferError> {
        let (mut fits, all) = (fits, self.to_string());
        if fits.len() > 1 {
            let family = self.family();
            let named = |fit: &Recognised| self.names == Some(fit.head.classes());
            let decisive = fits.iter().any(named);
            fits.retain(|fit| if decisive { named(fit) } else { family == Some(fit.head.kind()) });
            if fits.len() != 1 {
                return Err(InferError::HeadAmbiguous { seen: all });
            }
        }
        fits.pop().ok_or(InferError::HeadUnknown { seen: all })
    }

    /// The family that the metadata's author and description, or else the output's name, tell.
    fn family(&self) -> Option<HeadKind> {
        let words: String = ["author", "description", "producer"]
            .into_iter()
            .filter_map(|key| self.description.metadata.get(key))
            .map(|text| text.to_lowercase())
            .collect();
        let output = self.outputs.first().map(|output| output.name.as_str());
        match (words.contains("yolox"), words.contains("ultralytics"), output) {
            (true, false, _) | (false, false, Some("output")) => Some(HeadKind::Yolox),
            (false, true, _) | (false, false, Some("output0")) => Some(HeadKind::Yolov8),
            _ => None,
        }
    }
}

/// What was seen, for messages: "outputs output0 F32 [1, 84, 8400]; input 640x640; 80 names".
impl std::fmt::Display for Seen<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let outputs: Vec<String> = self.outputs.iter().map(TensorInfo::to_string).collect();
        let InputShape { height, width, .. } = self.input;
        write!(f, "outputs {}; input {height}x{width}; ", outputs.join(" and "))?;
        match self.names {
            Some(names) => write!(f, "{names} names"),
            None => f.write_str("no names"),
        }
    }
}

/// A tensor's name and shape.
struct Named<'a>(&'a TensorInfo);

impl std::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape: Vec<String> = self.0.shape.iter().map(Dim::to_string).collect();
        write!(f, "{} [{}]", self.0.name, shape.join(", "))
    }
}

fn class_count(dim: &Dim, others: usize) -> Option<usize> {
    dim.fixed()?.checked_sub(others).filter(|classes| (1..=MAX_CLASSES).contains(classes))
}
