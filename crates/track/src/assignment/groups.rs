//! Pairs split into groups that share no row and no column.
//! A union-find over rows and columns, linear in the pairs for all that matters.

use std::collections::BTreeMap;

use super::Pair;

/// The connected groups of pairs, each in the order in which its pairs came.
pub(super) fn connected(pairs: Vec<Pair>) -> Vec<Vec<Pair>> {
    let rows = pairs.iter().map(|pair| pair.row + 1).max().unwrap_or(0);
    let columns = pairs.iter().map(|pair| pair.column + 1).max().unwrap_or(0);
    let mut forest = Forest { parents: (0..rows + columns).collect() };
    for pair in &pairs {
        forest.join(pair.row, rows + pair.column);
    }
    let mut groups = BTreeMap::<usize, Vec<Pair>>::new();
    for pair in pairs {
        groups.entry(forest.root(pair.row)).or_default().push(pair);
    }
    groups.into_values().collect()
}

struct Forest {
    parents: Vec<usize>,
}

impl Forest {
    fn root(&mut self, mut node: usize) -> usize {
        while self.parents[node] != node {
            // Halving the path keeps it short.
            self.parents[node] = self.parents[self.parents[node]];
            node = self.parents[node];
        }
        node
    }

    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        let (low, high) = (left.min(right), left.max(right));
        self.parents[high] = low;
    }
}
