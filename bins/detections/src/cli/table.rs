//! Detections as a table for people: aligned columns whose widths are known before the first row, so that
//! rows can be written as they come.

use std::path::{Path, PathBuf};

use detections_pipeline::{MappedDetection, StillReport};

use super::output::visible;

/// Longest path that is shown whole; of longer ones the end is.
const MAX_PATH: usize = 48;

/// Longest class name that is aligned; longer ones push their row to the right.
const MAX_CLASS: usize = 24;

/// Widths of the columns that depend on the contents.
#[derive(Debug)]
pub(super) struct Table {
    path: usize,
    class: usize,
}

impl Table {
    /// A table of pictures at `paths` and objects of classes called `names`.
    pub(super) fn new<'a>(
        paths: impl Iterator<Item = &'a PathBuf>,
        names: impl Iterator<Item = &'a str>,
    ) -> Self {
        let path = paths.map(|path| shown(path).chars().count()).max().unwrap_or(0);
        let class = names.map(|name| visible(name).chars().count()).max().unwrap_or(0);
        Self { path: path.max("path".len()), class: class.clamp("class".len(), MAX_CLASS) }
    }

    /// The first line.
    pub(super) fn header(&self) -> String {
        let boxes = ["x1", "y1", "x2", "y2"].map(|edge| format!("{edge:>7}")).join(" ");
        self.row(["path", "size", "class", "confidence"], &boxes)
    }

    /// The lines of one picture, the first of which names it.
    pub(super) fn rows(&self, path: &Path, report: &StillReport) -> String {
        let path = shown(path);
        let size = format!("{}x{}", report.width, report.height);
        if report.detections.is_empty() {
            return self.row([&path, &size, "-", "-"], "");
        }
        let first = [(path.as_str(), size.as_str())];
        let cells = first.into_iter().chain(std::iter::repeat(("", "")));
        let rows = cells.zip(&report.detections);
        rows.map(|((path, size), found)| self.detection(path, size, found)).collect()
    }

    fn detection(&self, path: &str, size: &str, found: &MappedDetection) -> String {
        let rect = found.rect;
        let edges = [rect.x0, rect.y0, rect.x1, rect.y1].map(|edge| format!("{edge:>7.1}"));
        let confidence = format!("{:.3}", found.score.get());
        self.row([path, size, &visible(&found.class), &confidence], &edges.join(" "))
    }

    fn row(&self, [path, size, class, confidence]: [&str; 4], edges: &str) -> String {
        let (path_width, class_width) = (self.path, self.class);
        let row = format!(
            "{path:<path_width$}  {size:<11}  {class:<class_width$}  {confidence:>10}  {edges}"
        );
        format!("{}\n", row.trim_end())
    }
}

fn shown(path: &Path) -> String {
    let text = visible(&path.to_string_lossy());
    match text.chars().count().checked_sub(MAX_PATH) {
        None | Some(0) => text,
        Some(over) => ['…'].into_iter().chain(text.chars().skip(over + 1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use detections_classes::default_color;
    use detections_media::hash_bytes;
    use detections_pipeline::{MappedDetection, StillReport, StillTiming};
    use detections_types::{Rect, Score};

    use super::{Table, shown};

    fn found(class: &str, score: f32, x0: f32) -> MappedDetection {
        MappedDetection {
            class_id: 0,
            class: Arc::from(class),
            color: default_color(0),
            score: Score::new(score).unwrap(),
            rect: Rect::from_corners(x0, 2.0, 1708.94, 850.0),
        }
    }

    fn report(detections: Vec<MappedDetection>) -> StillReport {
        StillReport {
            width: 1920,
            height: 1080,
            orientation: 1,
            sha256: hash_bytes(b"").sha256,
            detections,
            timing: StillTiming::default(),
        }
    }

    #[test]
    fn columns_are_aligned_and_a_picture_is_named_once() {
        let paths = [PathBuf::from("a.jpg"), PathBuf::from("folder/b.jpg")];
        let table = Table::new(paths.iter(), ["car", "traffic light"].into_iter());
        let both = report(vec![found("traffic light", 0.9062, 98.8), found("car", 0.5, -3.0)]);
        let text =
            [table.header(), table.rows(&paths[0], &both), table.rows(&paths[1], &report(vec![]))];
        let expected = "\
path          size         class          confidence       x1      y1      x2      y2
a.jpg         1920x1080    traffic light       0.906     98.8     2.0  1708.9   850.0
                           car                 0.500     -3.0     2.0  1708.9   850.0
folder/b.jpg  1920x1080    -                       -
";
        assert_eq!(text.concat(), expected);
    }

    #[test]
    fn of_a_long_path_the_end_is_shown() {
        let path = PathBuf::from(format!("{}/the-picture.jpg", "folder/".repeat(20)));
        let text = shown(&path);
        assert_eq!(text.chars().count(), 48);
        assert!(text.starts_with('…') && text.ends_with("/the-picture.jpg"), "{text}");
    }
}
