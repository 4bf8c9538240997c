//! The best matching for the scores, written on its own so that the tracker is not its own judge.

/// For each row of `gains`, the column that it is matched with so that the total gain is greatest.
///
/// Kuhn and Munkres' method; each row may stay alone, in a column of its own that gains nothing.
pub(crate) fn best(gains: &[Vec<f64>]) -> Vec<Option<usize>> {
    let real = gains.first().map_or(0, Vec::len);
    let columns = real + gains.len();
    let cost = |row: usize, column: usize| if column < real { -gains[row][column] } else { 0.0 };
    // Rows and columns count from 1; column 0 is where the row that is being inserted stands.
    let (mut u, mut v) = (vec![0.0; gains.len() + 1], vec![0.0; columns + 1]);
    let mut row_of = vec![0; columns + 1];
    for row in 1..=gains.len() {
        row_of[0] = row;
        let (mut least, mut way) = (vec![f64::INFINITY; columns + 1], vec![0; columns + 1]);
        let (mut used, mut at) = (vec![false; columns + 1], 0);
        while row_of[at] != 0 {
            used[at] = true;
            let from = row_of[at];
            let mut next = 0;
            let mut delta = f64::INFINITY;
            for column in (1..=columns).filter(|&column| !used[column]) {
                let reduced = cost(from - 1, column - 1) - u[from] - v[column];
                if reduced < least[column] {
                    (least[column], way[column]) = (reduced, at);
                }
                if least[column] < delta {
                    (delta, next) = (least[column], column);
                }
            }
            for column in 0..=columns {
                if used[column] {
                    u[row_of[column]] += delta;
                    v[column] -= delta;
                } else {
                    least[column] -= delta;
                }
            }
            at = next;
        }
        while at != 0 {
            row_of[at] = row_of[way[at]];
            at = way[at];
        }
    }
    let mut matched = vec![None; gains.len()];
    for column in 1..=real {
        if let Some(row) = row_of[column].checked_sub(1).filter(|&row| gains[row][column - 1] > 0.0)
        {
            matched[row] = Some(column - 1);
        }
    }
    matched
}
