//! The set of pairs with the greatest total gain in which no row and no column occurs twice.
//! Pairs are few where boxes are many, so that each group of connected pairs is solved on its own.

mod groups;
mod hungarian;

use std::collections::HashSet;

/// A row and a column that may be matched, and what that gains: a finite number above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pair {
    pub(crate) row: usize,
    pub(crate) column: usize,
    pub(crate) gain: f32,
}

/// The most rows, or columns, of a group that is solved exactly; its cost grows with their cube.
const LARGEST_EXACT: usize = 128;

/// The pairs of the best matching, in no particular order.
///
/// A group of more than 128 rows and as many columns, which takes that many boxes heaped upon each
/// other, is matched greedily, best pair first.
pub(crate) fn best(pairs: Vec<Pair>) -> Vec<Pair> {
    groups::connected(pairs).into_iter().flat_map(best_of_group).collect()
}

fn best_of_group(group: Vec<Pair>) -> Vec<Pair> {
    if group.len() == 1 {
        return group;
    }
    let (rows, columns) = (distinct(&group, |pair| pair.row), distinct(&group, |pair| pair.column));
    if rows.len().min(columns.len()) > LARGEST_EXACT {
        return greedy(group);
    }
    hungarian::best(&rows, &columns, &group)
}

/// The different values of `key`, ascending.
fn distinct(pairs: &[Pair], key: impl Fn(&Pair) -> usize) -> Vec<usize> {
    let mut all: Vec<_> = pairs.iter().map(key).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn greedy(mut pairs: Vec<Pair>) -> Vec<Pair> {
    pairs.sort_by(|a, b| {
        let order = b.gain.total_cmp(&a.gain);
        order.then_with(|| (a.row, a.column).cmp(&(b.row, b.column)))
    });
    let (mut rows, mut columns) = (HashSet::new(), HashSet::new());
    pairs.retain(|pair| {
        let free = !rows.contains(&pair.row) && !columns.contains(&pair.column);
        free && rows.insert(pair.row) && columns.insert(pair.column)
    });
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::{
        collection::vec,
        prelude::{Strategy, prop_assert, proptest},
    };

    use super::{LARGEST_EXACT, Pair, best};

    fn total(pairs: &[Pair]) -> f64 {
        pairs.iter().map(|pair| f64::from(pair.gain)).sum()
    }

    /// The greatest total gain, by trying every choice for every row.
    fn by_trying(gains: &[Vec<f32>], row: usize, taken: u32) -> f64 {
        let Some(choices) = gains.get(row) else { return 0.0 };
        let open =
            choices.iter().enumerate().filter(|(c, gain)| taken & (1 << c) == 0 && **gain > 0.0);
        let tried =
            open.map(|(c, gain)| f64::from(*gain) + by_trying(gains, row + 1, taken | 1 << c));
        tried.fold(by_trying(gains, row + 1, taken), f64::max)
    }

    fn pairs_of(gains: &[Vec<f32>]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (row, choices) in gains.iter().enumerate() {
            for (column, &gain) in choices.iter().enumerate().filter(|(_, gain)| **gain > 0.0) {
                pairs.push(Pair { row, column, gain });
            }
        }
        pairs
    }

    fn is_matching(pairs: &[Pair]) -> bool {
        let unlike = |a: &Pair, b: &Pair| a.row != b.row && a.column != b.column;
        pairs.iter().enumerate().all(|(i, a)| pairs[..i].iter().all(|b| unlike(a, b)))
    }

    proptest! {
        #[test]
        fn nothing_gains_more(gains in matrices()) {
            let chosen = best(pairs_of(&gains));
            prop_assert!(is_matching(&chosen));
            prop_assert!((total(&chosen) - by_trying(&gains, 0, 0)).abs() < 1e-4, "{chosen:?}");
        }

        #[test]
        fn more_rows_than_columns_is_the_same_turned(seed in 0_u16..500) {
            let value = |i: usize| f32::from(seed.wrapping_mul(31 + 17 * u16::try_from(i).unwrap()) % 97);
            let wide: Vec<Vec<_>> = (0..4).map(|r| (0..7).map(|c| value(r * 7 + c)).collect()).collect();
            let tall: Vec<Vec<_>> = (0..7).map(|c| (0..4).map(|r| wide[r][c]).collect()).collect();
            let (a, b) = (best(pairs_of(&wide)), best(pairs_of(&tall)));
            prop_assert!((total(&a) - total(&b)).abs() < 1e-6);
        }
    }

    /// Matrices of up to 6 by 6, half of whose cells have no gain.
    fn matrices() -> impl Strategy<Value = Vec<Vec<f32>>> {
        let cell = || (-1.0_f32..1.0).prop_map(|gain| gain.max(0.0));
        let row = move |columns: usize| vec(cell(), columns);
        (1_usize..7).prop_flat_map(move |columns| vec(row(columns), 1..7))
    }

    #[test]
    fn a_heap_too_large_to_solve_is_still_matched_without_doubles() {
        let side = LARGEST_EXACT + 40;
        let gain = |row: usize, column: usize| if row == column { 0.9 } else { 0.1 };
        let all = (0..side).flat_map(|row| (0..side).map(move |column| (row, column)));
        let pairs =
            all.map(|(row, column)| Pair { row, column, gain: gain(row, column) }).collect();
        let chosen = best(pairs);
        assert_eq!(chosen.len(), side);
        assert!(is_matching(&chosen) && chosen.iter().all(|pair| pair.row == pair.column));
    }
}
