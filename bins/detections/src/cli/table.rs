//! Detections as a table for people: aligned columns whose widths are known before the first row, so that
//! rows can be written as they come.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use detections_pipeline::{FrameReport, MappedDetection, StillReport};

use super::output::visible;

/// Longest path that is shown whole; of longer ones the end is.
const MAX_PATH: usize = 48;

/// Longest class name that is aligned; longer ones push their row to the right.
const MAX_CLASS: usize = 24;

/// Which columns there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// Those of pictures.
    Pictures,
    /// Also the time and the track of a video's objects.
    Videos,
}

/// Columns, and widths of those that depend on the contents.
#[derive(Debug)]
pub(super) struct Table {
    columns: Columns,
    path: usize,
    class: usize,
}

/// What stands in front of a picture's or video's first row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Title<'a> {
    path: &'a str,
    size: &'a str,
}

impl Table {
    /// A table of pictures and videos at `paths` and objects of classes called `names`.
    pub(super) fn new<'a>(
        columns: Columns,
        paths: impl Iterator<Item = &'a PathBuf>,
        names: impl Iterator<Item = &'a str>,
    ) -> Self {
        let path = paths.map(|path| shown(path).chars().count()).max().unwrap_or(0);
        let class = names.map(|name| visible(name).chars().count()).max().unwrap_or(0);
        let (path, class) = (path.max("path".len()), class.clamp("class".len(), MAX_CLASS));
        Self { columns, path, class }
    }

    /// The first line.
    pub(super) fn header(&self) -> String {
        let boxes = ["x1", "y1", "x2", "y2"].map(|edge| format!("{edge:>7}")).join(" ");
        let title = Title { path: "path", size: "size" };
        self.row(title, ["time", "track"], ["class", "confidence"], &boxes)
    }

    /// The lines of one picture, the first of which names it.
    pub(super) fn rows(&self, path: &Path, report: &StillReport) -> String {
        let (path, size) = (shown(path), size(report.width, report.height));
        let title = Title { path: &path, size: &size };
        if report.detections.is_empty() {
            return self.nothing(title);
        }
        let titles = [title].into_iter().chain(std::iter::repeat(Title::default()));
        let rows = titles.zip(&report.detections);
        rows.map(|(title, found)| self.detection(title, ["", ""], found)).collect()
    }

    /// The lines of one frame of a video, the first of which says when it is shown; none where nothing is.
    ///
    /// `named` is the video that is named in the first one, if any.
    pub(super) fn frame_rows(&self, named: Option<&Video>, frame: &FrameReport) -> String {
        let title = named.map(Video::title).unwrap_or_default();
        let time = time(frame.pts);
        let firsts = [(title, time.as_str())].into_iter();
        let rows = firsts.chain(std::iter::repeat((Title::default(), ""))).zip(&frame.detections);
        rows.map(|((title, time), found)| {
            let track = found.track.map(|track| format!("#{track}")).unwrap_or_default();
            self.detection(title, [time, &track], &found.detection)
        })
        .collect()
    }

    /// The line of a picture or a video in which nothing was found.
    pub(super) fn nothing(&self, title: Title<'_>) -> String {
        self.row(title, ["", ""], ["-", "-"], "")
    }

    fn detection(&self, title: Title<'_>, when: [&str; 2], found: &MappedDetection) -> String {
        let rect = found.rect;
        let edges = [rect.x0, rect.y0, rect.x1, rect.y1].map(|edge| format!("{edge:>7.1}"));
        let confidence = format!("{:.3}", found.score.get());
        self.row(title, when, [&visible(&found.class), &confidence], &edges.join(" "))
    }

    fn row(
        &self,
        Title { path, size }: Title<'_>,
        [time, track]: [&str; 2],
        [class, confidence]: [&str; 2],
        edges: &str,
    ) -> String {
        let (path_width, class_width) = (self.path, self.class);
        let when = match self.columns {
            Columns::Pictures => String::new(),
            Columns::Videos => format!("{time:>9}  {track:>5}  "),
        };
        let row = format!(
            "{path:<path_width$}  {size:<11}  {when}{class:<class_width$}  {confidence:>10}  {edges}"
        );
        format!("{}\n", row.trim_end())
    }
}

/// A video as a table names it.
#[derive(Debug)]
pub(super) struct Video {
    path: String,
    size: String,
}

impl Video {
    /// The video at `path` whose frames have these sides in pixels.
    pub(super) fn new(path: &Path, width: u32, height: u32) -> Self {
        Self { path: shown(path), size: size(width, height) }
    }

    /// What stands in front of its first row.
    pub(super) fn title(&self) -> Title<'_> {
        Title { path: &self.path, size: &self.size }
    }
}

fn size(width: u32, height: u32) -> String {
    format!("{width}x{height}")
}

/// Minutes, seconds and milliseconds.
fn time(pts: Duration) -> String {
    let (minutes, seconds) = (pts.as_secs() / 60, pts.as_secs() % 60);
    format!("{minutes}:{seconds:02}.{:03}", pts.subsec_millis())
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
    use std::{path::PathBuf, sync::Arc, time::Duration};

    use detections_classes::default_color;
    use detections_media::hash_bytes;
    use detections_pipeline::{
        FrameReport, MappedDetection, StillReport, StillTiming, TrackedDetection,
    };
    use detections_types::{Image, Rect, Score};

    use super::{Columns, Table, Video, shown};

    fn found(class: &str, score: f32, x0: f32) -> MappedDetection {
        MappedDetection {
            class_id: 0,
            class: Arc::from(class),
            color: default_color(0),
            score: Score::new(score).unwrap(),
            rect: Rect::from_corners(x0, 2.0, 1708.94, 850.0),
            detail: None,
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
        let table =
            Table::new(Columns::Pictures, paths.iter(), ["car", "traffic light"].into_iter());
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
    fn a_video_is_named_once_and_each_frame_with_objects_has_its_time() {
        let paths = [PathBuf::from("clip.mp4"), PathBuf::from("b.jpg")];
        let table = Table::new(Columns::Videos, paths.iter(), ["car"].into_iter());
        let video = Video::new(&paths[0], 768, 432);
        let frame = |pts, scores: &[f32]| FrameReport {
            index: 0,
            pts: Duration::from_millis(pts),
            received_bytes: 0,
            detections: scores
                .iter()
                .map(|score| TrackedDetection { detection: found("car", *score, 1.0), track: None })
                .collect(),
            image: Arc::new(Image::rgb8(1, 1, vec![0; 3]).unwrap()),
        };
        let text = [
            table.header(),
            table.frame_rows(Some(&video), &frame(80, &[0.9, 0.5])),
            table.frame_rows(None, &frame(160, &[])),
            table.frame_rows(None, &frame(3_600_240, &[0.7])),
            table.rows(&paths[1], &report(vec![found("car", 0.5, -3.0)])),
            table.nothing(video.title()),
        ];
        let expected = "\
path      size              time  track  class  confidence       x1      y1      x2      y2
clip.mp4  768x432       0:00.080         car         0.900      1.0     2.0  1708.9   850.0
                                         car         0.500      1.0     2.0  1708.9   850.0
                       60:00.240         car         0.700      1.0     2.0  1708.9   850.0
b.jpg     1920x1080                      car         0.500     -3.0     2.0  1708.9   850.0
clip.mp4  768x432                        -               -
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
