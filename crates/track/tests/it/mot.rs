//! How good a tracker is: CLEAR MOT (Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking
//! Performance", 2008) and the identity measures (Ristani et al., "Performance Measures and a Data Set
//! for Multi-Target, Multi-Camera Tracking", 2016).

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::AddAssign,
};

use crate::{
    matching,
    sequence::{Frame, Labelled},
};

/// The overlap from which a box is right.
const OVERLAP: f32 = 0.5;

/// Counts, which add up over sequences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Boxes of the truth.
    pub(crate) truth: u32,
    /// Boxes of the tracker.
    pub(crate) boxes: u32,
    /// Boxes of the truth that were missed.
    pub(crate) misses: u32,
    /// Boxes of the tracker that are no object.
    pub(crate) false_alarms: u32,
    /// Times an object had another id than when it was found last.
    pub(crate) switches: u32,
    /// Times an object was found again after it was missed while it showed.
    pub(crate) fragmentations: u32,
    /// Right boxes under the best one-to-one map of objects to ids over the whole sequence.
    pub(crate) identified: u32,
}

impl Counts {
    /// 1 − (misses + false alarms + switches) / truth.
    pub(crate) fn mota(&self) -> f64 {
        1.0 - f64::from(self.misses + self.false_alarms + self.switches) / f64::from(self.truth)
    }

    /// Identification precision.
    pub(crate) fn idp(&self) -> f64 {
        f64::from(self.identified) / f64::from(self.boxes)
    }

    /// Identification recall.
    pub(crate) fn idr(&self) -> f64 {
        f64::from(self.identified) / f64::from(self.truth)
    }

    /// The harmonic mean of the two.
    pub(crate) fn idf1(&self) -> f64 {
        2.0 * f64::from(self.identified) / f64::from(self.truth + self.boxes)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.truth += other.truth;
        self.boxes += other.boxes;
        self.misses += other.misses;
        self.false_alarms += other.false_alarms;
        self.switches += other.switches;
        self.fragmentations += other.fragmentations;
        self.identified += other.identified;
    }
}

/// The counts of one sequence; `tracked` has the tracker's boxes of each frame.
pub(crate) fn evaluate(frames: &[Frame], tracked: &[Vec<Labelled>]) -> Counts {
    let tracked: Vec<_> =
        frames.iter().zip(tracked).map(|(frame, boxes)| without_hidden(frame, boxes)).collect();
    let mut counts = Counts { identified: identified(frames, &tracked), ..Counts::default() };
    let mut objects = BTreeMap::new();
    for (frame, boxes) in frames.iter().zip(&tracked) {
        count_frame(frame, boxes, &mut objects, &mut counts);
    }
    counts
}

/// What happened to an object so far: the id under which it was found last, and whether it is now.
#[derive(Default)]
struct History {
    id: Option<u64>,
    missed: bool,
}

fn count_frame(
    frame: &Frame,
    boxes: &[Labelled],
    objects: &mut BTreeMap<u64, History>,
    counts: &mut Counts,
) {
    let found = correspondences(&frame.truth, boxes, objects);
    counts.truth += size(frame.truth.len());
    counts.boxes += size(boxes.len());
    counts.misses += size(frame.truth.len() - found.len());
    counts.false_alarms += size(boxes.len() - found.len());
    for object in &frame.truth {
        let history = objects.entry(object.id).or_default();
        let Some(&id) = found.get(&object.id) else {
            history.missed = history.id.is_some();
            continue;
        };
        counts.switches += u32::from(history.id.is_some_and(|before| before != id));
        counts.fragmentations += u32::from(history.missed);
        *history = History { id: Some(id), missed: false };
    }
}

/// Which object is which id in one frame: what was so before where it still holds, the best of the rest.
fn correspondences(
    truth: &[Labelled],
    boxes: &[Labelled],
    objects: &BTreeMap<u64, History>,
) -> BTreeMap<u64, u64> {
    let mut found = BTreeMap::new();
    for object in truth {
        let history = objects.get(&object.id).filter(|history| !history.missed);
        let before = history.and_then(|history| history.id);
        let same = boxes.iter().find(|other| Some(other.id) == before && is_right(object, other));
        // An object that was hidden for a while may have lost its id to another one since.
        if let Some(same) = same.filter(|same| !found.values().any(|id| *id == same.id)) {
            found.insert(object.id, same.id);
        }
    }
    let taken: BTreeSet<_> = found.values().copied().collect();
    let open: Vec<_> = truth.iter().filter(|object| !found.contains_key(&object.id)).collect();
    let free: Vec<_> = boxes.iter().filter(|other| !taken.contains(&other.id)).collect();
    // As many as possible come first, and the overlap decides between equals.
    let gain = |object: &Labelled, other: &Labelled| match is_right(object, other) {
        true => 1000.0 + f64::from(object.rect.iou(&other.rect)),
        false => 0.0,
    };
    let gains: Vec<Vec<_>> =
        open.iter().map(|object| free.iter().map(|other| gain(object, other)).collect()).collect();
    for (object, column) in open.iter().zip(matching::best(&gains)) {
        if let Some(column) = column {
            found.insert(object.id, free[column].id);
        }
    }
    found
}

/// The right boxes under the map of objects to ids that makes them most: IDTP.
fn identified(frames: &[Frame], tracked: &[Vec<Labelled>]) -> u32 {
    let objects: Vec<_> = ids(frames.iter().flat_map(|frame| &frame.truth));
    let names: Vec<_> = ids(tracked.iter().flatten());
    let place = |all: &[u64], id: u64| all.binary_search(&id).unwrap();
    let mut together = vec![vec![0_u32; names.len()]; objects.len()];
    for (frame, boxes) in frames.iter().zip(tracked) {
        for object in &frame.truth {
            for other in boxes.iter().filter(|other| is_right(object, other)) {
                together[place(&objects, object.id)][place(&names, other.id)] += 1;
            }
        }
    }
    let gains: Vec<Vec<_>> =
        together.iter().map(|row| row.iter().copied().map(f64::from).collect()).collect();
    let matched = matching::best(&gains);
    matched.iter().zip(&together).filter_map(|(column, row)| Some(row[(*column)?])).sum()
}

fn ids<'a>(all: impl Iterator<Item = &'a Labelled>) -> Vec<u64> {
    all.map(|labelled| labelled.id).collect::<BTreeSet<_>>().into_iter().collect()
}

pub(crate) fn is_right(object: &Labelled, other: &Labelled) -> bool {
    object.class == other.class && object.rect.iou(&other.rect) >= OVERLAP
}

/// The tracker's boxes without those on objects of which too little shows, whatever the class: as the
/// ignored regions of the MOT benchmarks.
fn without_hidden(frame: &Frame, boxes: &[Labelled]) -> Vec<Labelled> {
    let of_hidden = |other: &Labelled| {
        let right = frame.truth.iter().any(|object| is_right(object, other));
        !right && frame.hidden.iter().any(|object| covers_half(object, other))
    };
    boxes.iter().filter(|other| !of_hidden(other)).copied().collect()
}

fn covers_half(object: &Labelled, other: &Labelled) -> bool {
    let (a, b) = (object.rect, other.rect);
    let width = (a.x1.min(b.x1) - a.x0.max(b.x0)).max(0.0);
    let height = (a.y1.min(b.y1) - a.y0.max(b.y0)).max(0.0);
    width * height >= 0.5 * b.area()
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap()
}

#[test]
fn a_matching_is_the_best_of_all() {
    let gains = vec![vec![7.0, 5.0, 0.0], vec![6.0, 1.0, 0.0], vec![9.0, 0.0, 0.0]];
    assert_eq!(matching::best(&gains), [Some(1), None, Some(0)]);
    assert_eq!(matching::best(&[]), []);
    assert_eq!(matching::best(&[vec![], vec![]]), [None, None]);
}

#[cfg(test)]
mod known {
    use std::time::Duration;

    use detections_types::{ClassIndex, Rect};

    use super::{Counts, evaluate};
    use crate::sequence::{Frame, Labelled};

    fn at(id: u64, x: f32) -> Labelled {
        Labelled { id, class: ClassIndex(0), rect: Rect::from_corners(x, 0.0, x + 10.0, 10.0) }
    }

    fn frame(truth: &[Labelled], hidden: &[Labelled]) -> Frame {
        let (truth, hidden) = (truth.to_vec(), hidden.to_vec());
        Frame { pts: Duration::ZERO, detections: Vec::new(), truth, hidden }
    }

    fn steady(frames: usize) -> Vec<Frame> {
        (0..frames).map(|_| frame(&[at(1, 0.0)], &[])).collect()
    }

    #[test]
    fn perfect_tracking_scores_one() {
        let counts = evaluate(&steady(4), &vec![vec![at(9, 1.0)]; 4]);
        assert_eq!(counts, Counts { truth: 4, boxes: 4, identified: 4, ..Counts::default() });
        assert!((counts.mota() - 1.0).abs() < 1e-9 && (counts.idf1() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn one_switch_after_six_of_ten_frames() {
        let tracked: Vec<_> = (0..10).map(|i| vec![at(if i < 6 { 5 } else { 6 }, 0.0)]).collect();
        let counts = evaluate(&steady(10), &tracked);
        assert_eq!((counts.switches, counts.identified, counts.misses), (1, 6, 0));
        assert!((counts.mota() - 0.9).abs() < 1e-9 && (counts.idf1() - 0.6).abs() < 1e-9);
    }

    #[test]
    fn a_gap_is_misses_and_one_fragmentation() {
        let tracked: Vec<_> =
            (0..10).map(|i| if (3..5).contains(&i) { vec![] } else { vec![at(5, 0.0)] }).collect();
        let counts = evaluate(&steady(10), &tracked);
        assert_eq!((counts.misses, counts.fragmentations, counts.switches), (2, 1, 0));
        assert!((counts.mota() - 0.8).abs() < 1e-9);
        assert!((counts.idf1() - 16.0 / 18.0).abs() < 1e-9);
    }

    #[test]
    fn a_false_alarm_costs_precision_and_a_wrong_class_is_one() {
        let wrong = Labelled { class: ClassIndex(3), ..at(8, 0.0) };
        let counts = evaluate(&steady(2), &vec![vec![at(5, 0.0), wrong, at(7, 50.0)]; 2]);
        assert_eq!((counts.false_alarms, counts.misses, counts.boxes), (4, 0, 6));
        assert!((counts.mota() + 1.0).abs() < 1e-9 && (counts.idp() - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn two_objects_that_exchange_ids_are_two_switches() {
        let frames: Vec<_> = (0..4).map(|_| frame(&[at(1, 0.0), at(2, 50.0)], &[])).collect();
        let tracked: Vec<_> =
            (0..4)
                .map(|i| {
                    if i < 2 {
                        vec![at(5, 0.0), at(6, 50.0)]
                    } else {
                        vec![at(6, 0.0), at(5, 50.0)]
                    }
                })
                .collect();
        let counts = evaluate(&frames, &tracked);
        assert_eq!((counts.switches, counts.identified, counts.fragmentations), (2, 4, 0));
    }

    #[test]
    fn what_is_hidden_is_neither_missed_nor_a_false_alarm() {
        let frames =
            [frame(&[at(1, 0.0)], &[]), frame(&[], &[at(1, 0.0)]), frame(&[at(1, 0.0)], &[])];
        let counts = evaluate(&frames, &[vec![at(5, 0.0)], vec![at(5, 0.0)], vec![at(5, 0.0)]]);
        assert_eq!(counts, Counts { truth: 2, boxes: 2, identified: 2, ..Counts::default() });
    }

    #[test]
    fn a_correspondence_stays_while_it_holds_though_another_box_fits_better() {
        let tracked = [vec![at(5, 0.0)], vec![at(5, 2.0), at(6, 0.0)]];
        let counts = evaluate(&steady(2), &tracked);
        assert_eq!((counts.switches, counts.false_alarms), (0, 1));
    }
}
