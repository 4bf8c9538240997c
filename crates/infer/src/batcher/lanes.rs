//! Lanes of waiting work and the turns they take: no lane waits for more than one piece of each other lane.

use std::collections::VecDeque;

/// Whose turn it is when work waits: each video has a lane of its own, all still pictures share the default one.
///
/// A lane in which nothing waits costs nothing and need not be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Lane(u64);

/// What waits, in the order of each lane; the lanes take turns.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    /// Only lanes with work, the one whose turn it is first.
    rotation: VecDeque<(Lane, VecDeque<T>)>,
    len: usize,
    opened: u64,
}

impl<T> Lanes<T> {
    pub(super) const fn new() -> Self {
        Self { rotation: VecDeque::new(), len: 0, opened: 0 }
    }

    /// A lane that nobody else has.
    pub(super) const fn open(&mut self) -> Lane {
        self.opened += 1;
        Lane(self.opened)
    }

    /// Appends `work` to its lane; a lane in which nothing waited has its turn after all others.
    pub(super) fn push(&mut self, lane: Lane, work: T) {
        self.len += 1;
        match self.rotation.iter_mut().find(|(other, _)| *other == lane) {
            Some((_, waiting)) => waiting.push_back(work),
            None => self.rotation.push_back((lane, VecDeque::from([work]))),
        }
    }

    /// The first of the lane whose turn it is; the lane's next turn is after all others.
    pub(super) fn pop(&mut self) -> Option<T> {
        let (lane, mut waiting) = self.rotation.pop_front()?;
        let work = waiting.pop_front();
        self.len -= usize::from(work.is_some());
        if !waiting.is_empty() {
            self.rotation.push_back((lane, waiting));
        }
        work
    }

    /// Drops what is not `wanted`, in all lanes.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&T) -> bool) {
        self.rotation.retain_mut(|(_, waiting)| {
            waiting.retain(&mut wanted);
            !waiting.is_empty()
        });
        self.len = self.rotation.iter().map(|(_, waiting)| waiting.len()).sum();
    }

    /// How much waits in all lanes.
    pub(super) const fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, any, prop_assert_eq, prop_oneof, proptest};
    use proptest::strategy::Strategy;

    use super::{Lane, Lanes};

    fn drain(lanes: &mut Lanes<u32>) -> Vec<u32> {
        std::iter::from_fn(|| lanes.pop()).collect()
    }

    #[test]
    fn lanes_take_turns_and_keep_their_order() {
        let mut lanes = Lanes::new();
        let (film, clip) = (lanes.open(), lanes.open());
        for (lane, work) in [(film, 10), (film, 11), (film, 12), (clip, 20), (Lane::default(), 0)] {
            lanes.push(lane, work);
        }
        assert_eq!(drain(&mut lanes), [10, 20, 0, 11, 12]);
        assert!(lanes.rotation.is_empty(), "empty lanes leave the rotation");
    }

    #[test]
    fn what_joins_late_waits_for_one_of_each_other_lane() {
        let mut lanes = Lanes::new();
        let (film, clip) = (lanes.open(), lanes.open());
        for frame in 0..50 {
            lanes.push(film, frame);
            lanes.push(clip, 100 + frame);
        }
        assert_eq!(lanes.pop(), Some(0));
        lanes.push(Lane::default(), 999);
        let order = drain(&mut lanes);
        assert_eq!(order.iter().position(|work| *work == 999), Some(2));
    }

    proptest! {
        #[test]
        fn the_length_is_what_waits_and_lanes_stay_in_order(
            steps in proptest::collection::vec(
                prop_oneof![(0..4_u64).prop_map(Some), Just(None)], 0..60),
            dropped in any::<u32>(),
        ) {
            let mut lanes = Lanes::new();
            let mut waiting = 0;
            let mut taken: Vec<(u64, usize)> = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Some(lane) => { lanes.push(Lane(lane), (lane, number)); waiting += 1; }
                    None => if let Some(work) = lanes.pop() { taken.push(work); waiting -= 1; },
                }
                prop_assert_eq!(lanes.len(), waiting);
            }
            lanes.retain(|(_, number)| dropped & (1 << (number % 32)) == 0);
            let left = lanes.len();
            let before = taken.len();
            taken.extend(std::iter::from_fn(|| lanes.pop()));
            prop_assert_eq!(taken.len() - before, left);
            for lane in 0..4 {
                let numbers = taken.iter().filter(|(of, _)| *of == lane).map(|(_, number)| number);
                prop_assert_eq!(numbers.clone().is_sorted(), true);
            }
        }
    }
}
