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
