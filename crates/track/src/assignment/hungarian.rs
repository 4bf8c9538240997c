//! The exact assignment of a small group: shortest augmenting paths with potentials.
//! Kuhn and Munkres' method in the form of Jonker and Volgenant (1987), O(rows² · columns).

use super::Pair;

/// The matching of `group` with the greatest total gain; `rows` and `columns` are its distinct ones.
pub(super) fn best(rows: &[usize], columns: &[usize], group: &[Pair]) -> Vec<Pair> {
    let turned = rows.len() > columns.len();
    let (short, long) = if turned { (columns, rows) } else { (rows, columns) };
    let place = |all: &[usize], value: usize| all.binary_search(&value).unwrap_or(0);
    let mut costs = vec![0.0; short.len() * long.len()];
    let cell = |pair: &Pair| {
        let (s, l) = if turned { (pair.column, pair.row) } else { (pair.row, pair.column) };
        (place(short, s), place(long, l))
    };
    for pair in group {
        let (s, l) = cell(pair);
        // A cell without a pair costs nothing, which is to leave the row without a match.
        costs[s * long.len() + l] = -f64::from(pair.gain);
    }
    let matched = assign(&costs, long.len());
    group.iter().filter(|pair| matched[cell(pair).0] == cell(pair).1).copied().collect()
}

/// For each row of the cost matrix, its column in the cheapest assignment; rows ≤ columns.
fn assign(costs: &[f64], columns: usize) -> Vec<usize> {
    let mut solver = Solver::new(costs, columns);
    let rows = costs.len() / columns;
    (0..rows).for_each(|row| solver.insert(row));
    let mut assigned = vec![0; rows];
    for (column, row) in solver.row_of.iter().enumerate() {
        if let Some(row) = *row {
            assigned[row] = column;
        }
    }
    assigned
}

struct Solver<'a> {
    costs: &'a [f64],
    row_potential: Vec<f64>,
    column_potential: Vec<f64>,
    row_of: Vec<Option<usize>>,
}

/// The tree of cheapest alternating paths from the row that is being inserted.
struct Search {
    distance: Vec<f64>,
    before: Vec<Option<usize>>,
    done: Vec<bool>,
}

impl<'a> Solver<'a> {
    fn new(costs: &'a [f64], columns: usize) -> Self {
        let rows = costs.len() / columns;
        Self {
            costs,
            row_potential: vec![0.0; rows],
            column_potential: vec![0.0; columns],
            row_of: vec![None; columns],
        }
    }

    /// Matches one more row, along the cheapest path to a free column.
    fn insert(&mut self, row: usize) {
        let columns = self.row_of.len();
        let mut search = Search {
            distance: vec![f64::INFINITY; columns],
            before: vec![None; columns],
            done: vec![false; columns],
        };
        let (mut from, mut reached) = ((row, None), 0.0);
        let free = loop {
            self.relax(&mut search, from, reached);
            let Some(column) = search.nearest() else { return };
            reached = search.distance[column];
            search.done[column] = true;
            match self.row_of[column] {
                Some(next) => from = (next, Some(column)),
                None => break column,
            }
        };
        self.shift_potentials(&search, row, reached);
        self.augment(&search, row, free);
    }

    /// Shortens the ways to all columns by those over the row `from.0`, which was reached by `from.1`.
    fn relax(&self, search: &mut Search, from: (usize, Option<usize>), reached: f64) {
        let (row, by) = from;
        let columns = self.row_of.len();
        for column in (0..columns).filter(|&column| !search.done[column]) {
            let reduced = self.costs[row * columns + column]
                - self.row_potential[row]
                - self.column_potential[column];
            if reached + reduced < search.distance[column] {
                search.distance[column] = reached + reduced;
                search.before[column] = by;
            }
        }
    }

    fn shift_potentials(&mut self, search: &Search, start: usize, reached: f64) {
        self.row_potential[start] += reached;
        for column in (0..self.row_of.len()).filter(|&column| search.done[column]) {
            let slack = reached - search.distance[column];
            self.column_potential[column] -= slack;
            if let Some(row) = self.row_of[column] {
                self.row_potential[row] += slack;
            }
        }
    }

    /// Turns the path to `free` round: each row on it takes the column that was reached from it.
    fn augment(&mut self, search: &Search, start: usize, free: usize) {
        let mut column = free;
        while let Some(before) = search.before[column] {
            self.row_of[column] = self.row_of[before];
            column = before;
        }
        self.row_of[column] = Some(start);
    }
}

impl Search {
    fn nearest(&self) -> Option<usize> {
        let open = (0..self.done.len()).filter(|&column| !self.done[column]);
        open.min_by(|&a, &b| self.distance[a].total_cmp(&self.distance[b]))
    }
}
