//! Operators that read and write at places which are themselves elements.

use proptest::prelude::*;

use super::{agrees, agrees_within, config, constants, ints};
use crate::write::{Graph, Kind, Setting};

/// Places in an axis of a length, some counted from its end.
fn places(count: usize, length: usize, seed: i64) -> Vec<i64> {
    let length = i64::try_from(length).unwrap();
    let place = |at: i64| (at * 7 + seed * 13).rem_euclid(2 * length) - length;
    (0..i64::try_from(count).unwrap()).map(place).collect()
}

/// The same, none twice.
fn distinct(length: usize, seed: usize) -> Vec<i64> {
    (0..length).map(|at| ints(&[(at + seed) % length])[0]).collect()
}

/// Places that the graph computes.
fn computed(graph: &mut Graph, shape: &[usize], numbers: &[i64], x: &str) -> String {
    // Nothing of the picture is left in them, but that is known only when it runs.
    let flat = graph.integers(&[1], &[-1]);
    let flat = graph.node("Reshape", &[x, &flat], &[]);
    let least = graph.node("ReduceMin", &[&flat], &[("keepdims", Setting::Int(0))]);
    let nothing = graph.node("Sub", &[&least, &least], &[]);
    let nothing = graph.node("Cast", &[&nothing], &[("to", Setting::Int(Kind::I64 as i64))]);
    let known = graph.integers(shape, numbers);
    graph.node("Add", &[&known, &nothing], &[])
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn gathers(shape in prop::collection::vec(1_usize..5, 1..4), axis in 0_usize..3, wanted in prop::collection::vec(1_usize..4, 0..3), seed in 0_i64..50, known in any::<bool>()) {
        let axis = axis % shape.len();
        let (mut graph, x) = Graph::new(&shape);
        let numbers = places(wanted.iter().product(), shape[axis], seed);
        let at = if known { graph.integers(&wanted, &numbers) } else { computed(&mut graph, &wanted, &numbers, &x) };
        let y = graph.node("Gather", &[&x, &at], &[("axis", Setting::Int(ints(&[axis])[0]))]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn gathers_of_elements(shape in prop::collection::vec(1_usize..5, 1..4), axis in 0_usize..3, count in 1_usize..6, seed in 0_i64..50, known in any::<bool>()) {
        let axis = axis % shape.len();
        let (mut graph, x) = Graph::new(&shape);
        let mut wanted = shape.clone();
        wanted[axis] = count;
        let numbers = places(wanted.iter().product(), shape[axis], seed);
        let at = if known { graph.integers(&wanted, &numbers) } else { computed(&mut graph, &wanted, &numbers, &x) };
        let y = graph.node("GatherElements", &[&x, &at], &[("axis", Setting::Int(ints(&[axis])[0]))]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn gathers_in_many_axes(shape in prop::collection::vec(1_usize..5, 2..5), depth in 1_usize..4, batch in 0_usize..2, rows in 1_usize..5, seed in 0_i64..50, known in any::<bool>()) {
        let depth = depth.min(shape.len() - batch);
        let (mut graph, x) = Graph::new(&shape);
        let mut wanted = shape[..batch].to_vec();
        wanted.extend([rows, depth]);
        let picked = &shape[batch..batch + depth];
        let total: usize = wanted.iter().product();
        let numbers: Vec<i64> = (0..total).map(|at| (seed + ints(&[at])[0] * 5).rem_euclid(ints(picked)[at % depth])).collect();
        let at = if known { graph.integers(&wanted, &numbers) } else { computed(&mut graph, &wanted, &numbers, &x) };
        let y = graph.node("GatherND", &[&x, &at], &[("batch_dims", Setting::Int(ints(&[batch])[0]))]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn scatters_of_elements(shape in prop::collection::vec(1_usize..5, 1..4), axis in 0_usize..3, seed in 0_usize..50, add in any::<bool>(), known in any::<bool>()) {
        let axis = axis % shape.len();
        let (mut graph, x) = Graph::new(&shape);
        let inner: usize = shape[axis + 1..].iter().product();
        let order = distinct(shape[axis], seed);
        let total: usize = shape.iter().product();
        let numbers: Vec<i64> = (0..total).map(|at| order[at / inner % shape[axis]]).collect();
        let at = if known { graph.integers(&shape, &numbers) } else { computed(&mut graph, &shape, &numbers, &x) };
        let updates = graph.singles(&shape, &constants(total));
        let settings = [("axis", Setting::Int(ints(&[axis])[0])), ("reduction", Setting::Text(if add { "add" } else { "none" }))];
        let y = graph.node("ScatterElements", &[&x, &at, &updates], &settings);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn scatters_in_many_axes(shape in prop::collection::vec(2_usize..5, 2..4), depth in 1_usize..3, seed in 0_usize..50, known in any::<bool>()) {
        let (mut graph, x) = Graph::new(&shape);
        let rows = shape[0];
        let firsts = distinct(rows, seed);
        let numbers: Vec<i64> = firsts.iter().flat_map(|&first| {
            [first].into_iter().chain((1..depth).map(|axis| ints(&[seed % shape[axis]])[0]))
        }).collect();
        let wanted = [rows, depth];
        let at = if known { graph.integers(&wanted, &numbers) } else { computed(&mut graph, &wanted, &numbers, &x) };
        let into = [vec![rows], shape[depth..].to_vec()].concat();
        let updates = graph.singles(&into, &constants(into.iter().product()));
        let y = graph.node("ScatterND", &[&x, &at, &updates], &[]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn the_best_of_an_axis(shape in prop::collection::vec(2_usize..9, 1..4), axis in 0_usize..3, count in 1_usize..9, largest in any::<bool>(), ties in any::<bool>()) {
        let axis = axis % shape.len();
        let (mut graph, x) = Graph::new(&shape);
        let x = if ties { graph.node("Round", &[&x], &[]) } else { x };
        let k = graph.integers(&[1], &ints(&[count.min(shape[axis])]));
        let settings = [("axis", Setting::Int(ints(&[axis])[0])), ("largest", Setting::Int(largest.into()))];
        let best = graph.nodes_of("TopK", &[&x, &k], &settings, 2);
        agrees(&graph, &[(&best[0], Kind::F32), (&best[1], Kind::I64)], 2.0)?;
    }

    #[test]
    fn one_of_many(count in 1_usize..6, depth in 1_usize..6, axis in -1_i64..2, seed in 0_i64..50) {
        let (mut graph, x) = Graph::new(&[count]);
        let numbers = places(count, depth, seed);
        let at = computed(&mut graph, &[count], &numbers, &x);
        let (depth, values) = (graph.integers(&[], &ints(&[depth])), graph.singles(&[2], &[-0.5, 2.0]));
        let y = graph.node("OneHot", &[&at, &depth, &values], &[("axis", Setting::Int(axis))]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn samples_at_places(
        n in 1_usize..3, c in 1_usize..4, size in [1_usize..6, 1_usize..6], grid in [1_usize..5, 1_usize..5],
        mode in prop::sample::select(vec!["bilinear", "nearest"]),
        padding in prop::sample::select(vec!["zeros", "border", "reflection"]), corners in any::<bool>(), reach in 0.5_f32..2.5,
    ) {
        let elements = [n * c * size[0] * size[1], n * grid[0] * grid[1] * 2];
        let (mut graph, all) = Graph::new(&[elements[0] + elements[1]]);
        let split = graph.integers(&[2], &ints(&elements));
        let parts = graph.nodes_of("Split", &[&all, &split], &[("axis", Setting::Int(0))], 2);
        let shapes = [[n, c, size[0], size[1]], [n, grid[0], grid[1], 2]];
        let operands: Vec<String> = parts.iter().zip(&shapes).map(|(part, shape)| {
            let shape = graph.integers(&[4], &ints(shape));
            graph.node("Reshape", &[part, &shape], &[])
        }).collect();
        let settings = [
            ("mode", Setting::Text(mode)),
            ("padding_mode", Setting::Text(padding)),
            ("align_corners", Setting::Int(corners.into())),
        ];
        let y = graph.node("GridSample", &[&operands[0], &operands[1]], &settings);
        agrees_within(&graph, &[(&y, Kind::F32)], reach, 1e-4)?;
    }
}
