//! The names of the supported output layouts, as settings and reports spell them.

use std::{fmt, str::FromStr};

/// The supported output layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeadKind {
    /// YOLOv5, v6 and v7 with the grid decoded: `[batch, anchors, 5 + classes]`.
    Yolov5,
    /// YOLOv5's raw maps: three of `[batch, 3, rows, columns, 5 + classes]`.
    Yolov5Raw,
    /// YOLOv7's raw maps, the same with other anchors.
    Yolov7Raw,
    /// Ultralytics YOLOv8, YOLOv9, YOLO11, YOLO12, YOLO26: `[batch, 4 + classes, anchors]` or transposed.
    Yolov8,
    /// YOLOv10, YOLO26 end-to-end, finished rows of other exports: `[batch, objects, 6]`.
    EndToEnd,
    /// What an export with NMS inside gives to that: boxes `[batch, anchors, 4]`, scores `[batch, classes, anchors]`.
    NmsInput,
    /// Ultralytics oriented boxes: `[batch, 4 + classes + 1, anchors]`, or end-to-end `[batch, objects, 7]`.
    YoloObb,
    /// Ultralytics segmentation: boxes with mask coefficients behind their classes, and prototypes.
    YoloSeg,
    /// Ultralytics pose: boxes with keypoints behind their classes.
    YoloPose,
    /// Megvii YOLOX, raw grid: `[batch, anchors, 5 + classes]`.
    Yolox,
    /// Megvii YOLOX with the grid decoded in the graph: `[batch, anchors, 5 + classes]`.
    YoloxDecoded,
    /// YOLO-NAS: boxes `[batch, anchors, 4]` and scores `[batch, anchors, classes]`.
    YoloNas,
    /// YOLO-NAS, flat: `[objects, 7]`.
    YoloNasFlat,
    /// Ultralytics RT-DETR: `[batch, queries, 4 + classes]`.
    RtDetrUltralytics,
    /// RT-DETR and D-FINE as their authors export them: labels, boxes, scores.
    RtDetr,
    /// RT-DETR and D-FINE of Transformers: `logits` and `pred_boxes`.
    RtDetrTransformers,
    /// RF-DETR: `dets` and `labels`.
    RfDetr,
    /// SSD: `[1, 1, objects, 7]`.
    Ssd,
    /// TensorFlow's Object Detection API: four tensors.
    SsdTensorflow,
    /// DAMO-YOLO: scores `[batch, anchors, classes]` and boxes `[batch, anchors, 4]`.
    DamoYolo,
    /// NanoDet: `[batch, cells, classes + 32]`, boxes as distributions.
    NanoDet,
    /// PP-YOLOE without NMS: boxes `[batch, anchors, 4]` and scores `[batch, classes, anchors]`.
    PpYoloe,
    /// PicoDet without NMS, the same with a fourth stride, or scores and distributions of each stride apart.
    PicoDet,
}

impl HeadKind {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Yolov5,
        Self::Yolov5Raw,
        Self::Yolov7Raw,
        Self::Yolov8,
        Self::EndToEnd,
        Self::NmsInput,
        Self::YoloObb,
        Self::YoloSeg,
        Self::YoloPose,
        Self::Yolox,
        Self::YoloxDecoded,
        Self::YoloNas,
        Self::YoloNasFlat,
        Self::RtDetrUltralytics,
        Self::RtDetr,
        Self::RtDetrTransformers,
        Self::RfDetr,
        Self::Ssd,
        Self::SsdTensorflow,
        Self::DamoYolo,
        Self::NanoDet,
        Self::PpYoloe,
        Self::PicoDet,
    ];

    /// Its name in settings and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yolov5 => "yolov5",
            Self::Yolov5Raw => "yolov5-raw",
            Self::Yolov7Raw => "yolov7-raw",
            Self::Yolov8 => "yolov8",
            Self::EndToEnd => "end-to-end",
            Self::NmsInput => "nms-input",
            Self::YoloObb => "yolo-obb",
            Self::YoloSeg => "yolo-seg",
            Self::YoloPose => "yolo-pose",
            Self::Yolox => "yolox",
            Self::YoloxDecoded => "yolox-decoded",
            Self::YoloNas => "yolo-nas",
            Self::YoloNasFlat => "yolo-nas-flat",
            Self::RtDetrUltralytics => "rtdetr-ultralytics",
            Self::RtDetr => "rtdetr",
            Self::RtDetrTransformers => "rtdetr-transformers",
            Self::RfDetr => "rfdetr",
            Self::Ssd => "ssd",
            Self::SsdTensorflow => "ssd-tensorflow",
            Self::DamoYolo => "damo-yolo",
            Self::NanoDet => "nanodet",
            Self::PpYoloe => "pp-yoloe",
            Self::PicoDet => "picodet",
        }
    }

    /// The names of all, for messages.
    #[must_use]
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for HeadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HeadKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("not one of {}", Self::names()))
    }
}
