//! Operators that only move elements.

use proptest::prelude::*;

use super::{agrees, config, ints};
use crate::write::{Graph, Kind, Setting};

fn shape() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..5, 2..5)
}

fn shape_and_order() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    shape().prop_flat_map(|shape| {
        let order: Vec<usize> = (0..shape.len()).collect();
        (Just(shape), Just(order).prop_shuffle())
    })
}

fn shape_and_axis() -> impl Strategy<Value = (Vec<usize>, usize)> {
    shape().prop_flat_map(|shape| {
        let axes = shape.len();
        (Just(shape), 0..axes)
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn turned_axes((shape, order) in shape_and_order()) {
        let (mut graph, x) = Graph::new(&shape);
        let y = graph.node("Transpose", &[&x], &[("perm", Setting::Ints(ints(&order)))]);
        // And back to rows, in which a view has to be copied.
        let flat = graph.integers(&[1], &[-1]);
        let flat = graph.node("Reshape", &[&y, &flat], &[]);
        let relu = graph.node("Relu", &[&y], &[]);
        agrees(&graph, &[(&y, Kind::F32), (&flat, Kind::F32), (&relu, Kind::F32)], 1.0)?;
    }

    #[test]
    fn split_axes_of_turned_ones((shape, order) in shape_and_order(), parts in 1_usize..4) {
        let mut shape = shape;
        shape[0] *= parts;
        let (mut graph, x) = Graph::new(&shape);
        let y = graph.node("Transpose", &[&x], &[("perm", Setting::Ints(ints(&order)))]);
        let split: Vec<usize> = order.iter().flat_map(|&axis| if axis == 0 { vec![parts, 1, shape[0] / parts] } else { vec![shape[axis]] }).collect();
        let wanted = graph.integers(&[split.len()], &ints(&split));
        let y = graph.node("Reshape", &[&y, &wanted], &[]);
        let y = graph.node("Relu", &[&y], &[]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn slices((shape, axis) in shape_and_axis(), start in -4_i64..4, end in -4_i64..5, step in prop::sample::select(vec![1_i64, 2, 3, -1, -2])) {
        let mut shape = shape;
        shape[axis] += 3;
        let length = ints(&shape)[axis];
        let counted = |place: i64| if place < 0 { place + length } else { place };
        prop_assume!(if step > 0 { counted(start) < counted(end).min(length) } else { counted(start) > counted(end) });
        let (mut graph, x) = Graph::new(&shape);
        let at = ints(&[axis])[0];
        let inputs = [start, end, at, step].map(|number| graph.integers(&[1], &[number]));
        let y = graph.node("Slice", &[&x, &inputs[0], &inputs[1], &inputs[2], &inputs[3]], &[]);
        let z = graph.node("Relu", &[&y], &[]);
        agrees(&graph, &[(&y, Kind::F32), (&z, Kind::F32)], 1.0)?;
    }

    #[test]
    fn pieces_put_together((shape, axis) in shape_and_axis(), extra in 1_usize..4, turned in any::<bool>()) {
        let (mut graph, x) = Graph::new(&shape);
        let mut other = shape.clone();
        other[axis] = extra;
        let k = graph.singles(&other, &super::constants(other.iter().product()));
        let mut pieces = vec![x.clone(), k];
        if turned {
            // A piece that does not lie in rows: the axes turned, computed on, and turned back.
            let order: Vec<usize> = (0..shape.len()).rev().collect();
            let order = || [("perm", Setting::Ints(ints(&order)))];
            let y = graph.node("Transpose", &[&x], &order());
            let y = graph.node("Relu", &[&y], &[]);
            pieces.push(graph.node("Transpose", &[&y], &order()));
        }
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let y = graph.node("Concat", &pieces, &[("axis", Setting::Int(ints(&[axis])[0]))]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn parts_of_an_axis((shape, axis) in shape_and_axis(), lengths in prop::collection::vec(1_usize..4, 2..4)) {
        let mut shape = shape;
        shape[axis] = lengths.iter().sum();
        let (mut graph, x) = Graph::new(&shape);
        let split = graph.integers(&[lengths.len()], &ints(&lengths));
        let settings = [("axis", Setting::Int(ints(&[axis])[0]))];
        let parts = graph.nodes_of("Split", &[&x, &split], &settings, lengths.len());
        let parts: Vec<String> = parts.iter().map(|part| graph.node("Sigmoid", &[part], &[])).collect();
        let outputs: Vec<(&str, Kind)> = parts.iter().map(|part| (part.as_str(), Kind::F32)).collect();
        agrees(&graph, &outputs, 1.0)?;
    }

    #[test]
    fn paddings(shape in shape(), seed in 0_usize..1000, mode in prop::sample::select(vec!["constant", "edge", "reflect"]), with in -2.0_f32..2.0) {
        let pads: Vec<usize> = (0..2 * shape.len()).map(|at| {
            let most = if mode == "reflect" { shape[at % shape.len()] - 1 } else { 2 };
            (seed >> at) % (most.min(2) + 1)
        }).collect();
        let (mut graph, x) = Graph::new(&shape);
        let pads = graph.integers(&[pads.len()], &ints(&pads));
        let with = graph.singles(&[], &[with]);
        let inputs: &[&str] = if mode == "constant" { &[&x, &pads, &with] } else { &[&x, &pads] };
        let y = graph.node("Pad", inputs, &[("mode", Setting::Text(mode))]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn repetitions(shape in shape(), seed in 0_usize..1000) {
        let (mut graph, x) = Graph::new(&shape);
        let times: Vec<usize> = (0..shape.len()).map(|axis| 1 + (seed >> axis) % 3).collect();
        let repeats = graph.integers(&[times.len()], &ints(&times));
        let tiled = graph.node("Tile", &[&x, &repeats], &[]);
        let wide: Vec<usize> = shape.iter().zip(&times).map(|(&length, &times)| if length == 1 { times } else { length }).collect();
        let wide = graph.integers(&[wide.len()], &ints(&wide));
        let expanded = graph.node("Expand", &[&x, &wide], &[]);
        let sum = graph.node("Relu", &[&expanded], &[]);
        agrees(&graph, &[(&tiled, Kind::F32), (&expanded, Kind::F32), (&sum, Kind::F32)], 1.0)?;
    }

    #[test]
    fn depth_and_space(channels in 1_usize..3, h in 1_usize..4, w in 1_usize..4, block in 2_usize..4, crd in any::<bool>()) {
        let settings = |mode| [("blocksize", Setting::Int(ints(&[block])[0])), ("mode", Setting::Text(mode))];
        let (mut graph, x) = Graph::new(&[2, channels * block * block, h, w]);
        let y = graph.node("DepthToSpace", &[&x], &settings(if crd { "CRD" } else { "DCR" }));
        let z = graph.node("SpaceToDepth", &[&y], &settings("DCR")[..1]);
        agrees(&graph, &[(&y, Kind::F32), (&z, Kind::F32)], 1.0)?;
    }

    #[test]
    fn triangles(rows in 1_usize..6, columns in 1_usize..6, diagonal in -3_i64..4, upper in any::<bool>()) {
        let (mut graph, x) = Graph::new(&[2, rows, columns]);
        let k = graph.integers(&[], &[diagonal]);
        let y = graph.node("Trilu", &[&x, &k], &[("upper", Setting::Int(upper.into()))]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }
}
