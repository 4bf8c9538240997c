//! Suppression against its definition in n², for ordinary and adversarial boxes.

use detections_types::{ClassIndex, Rect, Score};
use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};

use super::{Nms, order};
use crate::{Candidate, NmsMode};

fn candidate(rect: [f32; 4], score: f32, class: u32) -> Candidate {
    let [x0, y0, x1, y1] = rect;
    Candidate {
        rect: Rect::from_corners(x0, y0, x1, y1),
        score: Score::new(score).unwrap(),
        class: ClassIndex(class),
        anchor: 0,
    }
}

fn suppress(candidates: &[Candidate], iou: f32, mode: NmsMode, max: usize) -> Vec<Candidate> {
    let mut found = candidates.to_vec();
    Nms::default().suppress(&mut found, iou, mode, max);
    found
}

/// The definition.
fn plain(candidates: &[Candidate], iou: f32, mode: NmsMode, max: usize) -> Vec<Candidate> {
    let mut sorted = candidates.to_vec();
    sorted.sort_by(order);
    let mut kept: Vec<Candidate> = Vec::new();
    for candidate in sorted {
        let rival = |kept: &Candidate| mode == NmsMode::Agnostic || kept.class == candidate.class;
        if !kept.iter().any(|kept| rival(kept) && kept.rect.iou(&candidate.rect) > iou) {
            kept.push(candidate);
        }
    }
    kept.truncate(max);
    kept
}

#[test]
fn the_better_of_two_stays_and_equality_is_not_too_much() {
    // Two halves of a box of 10x10 overlap by a third.
    let (left, right) = ([0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0]);
    let both = [candidate(left, 0.6, 0), candidate(right, 0.9, 0)];
    let third = both[0].rect.iou(&both[1].rect);
    assert_eq!(suppress(&both, third - 0.01, NmsMode::ClassWise, 9), [both[1]]);
    assert_eq!(suppress(&both, third, NmsMode::ClassWise, 9), [both[1], both[0]]);
}

#[test]
fn classes_compete_only_when_agnostic() {
    let same = [candidate([0.0, 0.0, 9.0, 9.0], 0.6, 0), candidate([0.0, 0.0, 9.0, 9.0], 0.9, 1)];
    assert_eq!(suppress(&same, 0.5, NmsMode::ClassWise, 9).len(), 2);
    assert_eq!(suppress(&same, 0.5, NmsMode::Agnostic, 9), [same[1]]);
}

#[test]
fn the_best_of_all_classes_are_kept() {
    let apart = |n: u8| [f32::from(n) * 20.0, 0.0, f32::from(n) * 20.0 + 9.0, 9.0];
    let all: Vec<_> =
        (0..60_u8).map(|n| candidate(apart(n), f32::from(n) / 100.0, u32::from(n % 3))).collect();
    let found = suppress(&all, 0.5, NmsMode::ClassWise, 2);
    assert_eq!(found, [all[59], all[58]]);
}

/// Sizes and places of very different magnitude, many of them nearly equal.
fn boxes(most: usize) -> impl Strategy<Value = Vec<Candidate>> {
    let center = prop_oneof![0.0_f32..100.0, 0.0_f32..5.0, 99_990.0_f32..100_000.0];
    let size = prop_oneof![9.0_f32..11.0, 0.01_f32..1.0, 1.0_f32..1000.0, Just(10.0_f32)];
    let one = (center.clone(), center, size.clone(), size, 0_u8..20, 0_u32..3).prop_map(
        |(x, y, w, h, score, class)| {
            candidate([x, y, x + w, y + h], f32::from(score) / 20.0, class)
        },
    );
    proptest::collection::vec(one, 0..most)
}

proptest! {
    #[test]
    fn it_keeps_what_the_definition_keeps(
        mut all in boxes(600),
        iou in prop_oneof![0.0_f32..1.0, Just(0.0), Just(1.0), Just(0.45), 0.9_f32..1.0],
        max in prop_oneof![Just(usize::MAX), 1_usize..40],
        agnostic in proptest::bool::ANY,
    ) {
        let mode = if agnostic { NmsMode::Agnostic } else { NmsMode::ClassWise };
        let found = suppress(&all, iou, mode, max);
        prop_assert_eq!(&found, &plain(&all, iou, mode, max));
        all.reverse();
        prop_assert_eq!(found, suppress(&all, iou, mode, max));
    }

    #[test]
    fn a_used_instance_gives_the_same_as_a_new_one(first in boxes(200), second in boxes(200)) {
        let mut nms = Nms::default();
        nms.suppress(&mut first.clone(), 0.3, NmsMode::Agnostic, 300);
        let mut found = second.clone();
        nms.suppress(&mut found, 0.6, NmsMode::ClassWise, 300);
        prop_assert_eq!(found, suppress(&second, 0.6, NmsMode::ClassWise, 300));
    }
}

/// A square of 159 x 159 boxes that touch but do not overlap: all stay.
#[test]
fn twenty_five_thousand_disjoint_boxes_all_stay() {
    let all: Vec<_> = (0..25_200_u16)
        .map(|n| {
            let (x, y) = (f32::from(n % 159) * 4.0, f32::from(n / 159) * 4.0);
            candidate([x, y, x + 4.0, y + 4.0], 0.5, 0)
        })
        .collect();
    assert_eq!(suppress(&all, 0.0, NmsMode::ClassWise, usize::MAX).len(), all.len());
}
