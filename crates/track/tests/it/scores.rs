//! What the tracker reaches on the rendered sequences, beside plain overlap from frame to frame.

use std::{fmt::Write as _, io::Write as _};

use anyhow::Result;
use detections_track::{Tracker, TrackerOptions};
use detections_types::{Detection, Score};

use crate::{
    baseline::PlainOverlap,
    mot::{Counts, evaluate, is_right},
    sequence::{self, Frame, Labelled, Sequence},
};

/// The confidence from which boxes are reported, for every way of tracking.
const CONFIDENCE: f32 = 0.25;

fn confidence() -> Score {
    Score::new(CONFIDENCE).unwrap()
}

fn labelled(detection: &Detection, id: u64) -> Labelled {
    Labelled { id, class: detection.class, rect: detection.rect }
}

/// What a caller of the tracker reports: detections from the confidence up that have an id.
fn by_tracker(frames: &[Frame], options: &TrackerOptions) -> Vec<Vec<Labelled>> {
    let mut tracker = Tracker::new(options.clone());
    let report = |frame: &Frame| {
        let ids = tracker.update(frame.pts, &frame.detections);
        let sure = frame.detections.iter().zip(ids).filter(|(d, _)| d.score >= confidence());
        sure.filter_map(|(detection, id)| Some(labelled(detection, id?.get()))).collect()
    };
    frames.iter().map(report).collect()
}

fn by_overlap(frames: &[Frame]) -> Vec<Vec<Labelled>> {
    let mut plain = PlainOverlap::default();
    let report = |frame: &Frame| {
        let sure = frame.detections.iter().filter(|detection| detection.score >= confidence());
        let sure: Vec<_> = sure.copied().collect();
        let ids = plain.update(&sure);
        sure.iter().zip(ids).map(|(detection, id)| labelled(detection, id)).collect()
    };
    frames.iter().map(report).collect()
}

/// The truth's own ids on all boxes that are reported: no id is wrong, and no false alarm is dropped.
fn by_truth(frames: &[Frame]) -> Vec<Vec<Labelled>> {
    let mut wrong = u64::MAX;
    let report = |frame: &Frame| {
        let sure = frame.detections.iter().filter(|detection| detection.score >= confidence());
        let mut boxes: Vec<Labelled> = sure.map(|detection| labelled(detection, 0)).collect();
        for object in &frame.truth {
            let open = boxes.iter_mut().filter(|other| other.id == 0 && is_right(object, other));
            let overlap = |other: &Labelled| object.rect.iou(&other.rect);
            let best = open.max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
            best.into_iter().for_each(|best| best.id = object.id + 1);
        }
        for other in boxes.iter_mut().filter(|other| other.id == 0) {
            other.id = wrong;
            wrong -= 1;
        }
        boxes
    };
    frames.iter().map(report).collect()
}

/// The counts of each sequence and, last, of all together.
fn counts(sequences: &[Sequence], track: impl Fn(&[Frame]) -> Vec<Vec<Labelled>>) -> Vec<Counts> {
    let mut all: Vec<_> =
        sequences.iter().map(|one| evaluate(&one.frames, &track(&one.frames))).collect();
    let mut total = Counts::default();
    all.iter().for_each(|one| total += *one);
    all.push(total);
    all
}

fn table(sequences: &[Sequence], columns: &[(&str, &[Counts])]) -> String {
    let mut text = String::from(
        "| sequence | objects' boxes | by | IDF1 | IDP | IDR | MOTA | id switches | fragmentations |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let names = sequences.iter().map(|one| one.name.as_str()).chain(["all"]);
    for (row, name) in names.enumerate() {
        for (by, counts) in columns {
            let one = counts[row];
            let scores = [one.idf1(), one.idp(), one.idr(), one.mota()].map(|v| format!("{v:.3}"));
            let (truth, switches, gaps) = (one.truth, one.switches, one.fragmentations);
            let scores = scores.join(" | ");
            writeln!(text, "| {name} | {truth} | {by} | {scores} | {switches} | {gaps} |").ok();
        }
    }
    text
}

#[test]
fn scores() -> Result<()> {
    let sequences = sequence::all()?;
    assert!(sequences.len() >= 6, "only {} sequences", sequences.len());
    let options = TrackerOptions::for_confidence(confidence());
    let ours = counts(&sequences, |frames| by_tracker(frames, &options));
    let plain = counts(&sequences, by_overlap);
    let ideal = counts(&sequences, by_truth);
    let columns = [("this crate", &*ours), ("plain overlap", &*plain), ("true ids", &*ideal)];
    write!(std::io::stdout(), "{}", table(&sequences, &columns)).ok();
    // No sequence may hide behind the others.
    for (sequence, (ours, ideal)) in ours.iter().zip(&ideal).enumerate() {
        let (ours, ideal) = (ours.idf1(), ideal.idf1());
        assert!(ours >= 0.85 && ours >= 0.9 * ideal, "sequence {sequence}: {ours} of {ideal}");
    }
    let [ours, plain, ideal] = [&ours, &plain, &ideal].map(|counts| counts[sequences.len()]);
    // The detector's own misses and false alarms weigh on all three alike.
    assert!(ours.idf1() >= 0.9, "IDF1 {}, {} by true ids", ours.idf1(), ideal.idf1());
    assert!(ours.idf1() >= plain.idf1() + 0.05, "{ours:?} {plain:?}");
    assert!(2 * ours.switches < plain.switches, "{ours:?} {plain:?}");
    Ok(())
}
