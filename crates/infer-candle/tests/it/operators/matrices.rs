//! Products of matrices, sums, normalisations.

use proptest::prelude::*;

use super::{agrees, agrees_within, config, constants, ints};
use crate::write::{Graph, Kind, Setting};

/// Sums of products: equations of which both operands are computed.
const EQUATIONS: [(&str, &str, &str); 10] = [
    ("bmk,bkn->bmn", "bmk", "bkn"),
    ("bmk,bnk->bmn", "bmk", "bnk"),
    ("bmk,bkn->bnm", "bmk", "bkn"),
    ("bhqd,bhkd->bhqk", "bhqd", "bhkd"),
    ("bqhd,bkhd->bhqk", "bqhd", "bkhd"),
    ("bhqk,bkhd->bqhd", "bhqk", "bkhd"),
    ("bchw,oc->bohw", "bchw", "oc"),
    ("bchw,bnc->bnhw", "bchw", "bnc"),
    ("abc,abd->cd", "abc", "abd"),
    ("ab,cd->acbd", "ab", "cd"),
];

fn shape_of(labels: &str, lengths: &[usize]) -> Vec<usize> {
    labels.bytes().map(|label| lengths[usize::from(label) % lengths.len()]).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn products_of_matrices(
        batch in prop::collection::vec(1_usize..4, 0..3), m in 1_usize..6, k in 1_usize..6, n in 1_usize..6,
        repeated in any::<bool>(), flat in any::<bool>(), turned in any::<bool>(),
    ) {
        let (mut graph, x) = Graph::new(&[batch.clone(), vec![m, k]].concat());
        let other = if flat { Vec::new() } else { batch.iter().map(|&length| if repeated { 1 } else { length }).collect() };
        let shape = [other, if turned { vec![n, k] } else { vec![k, n] }].concat();
        let w = graph.singles(&shape, &constants(shape.iter().product()));
        let w = if turned {
            let mut order: Vec<usize> = (0..shape.len()).collect();
            order.swap(shape.len() - 2, shape.len() - 1);
            graph.node("Transpose", &[&w], &[("perm", Setting::Ints(ints(&order)))])
        } else {
            w
        };
        let y = graph.node("MatMul", &[&x, &w], &[]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn products_of_computed_matrices(b in 1_usize..3, m in 1_usize..6, k in 1_usize..6) {
        let (mut graph, x) = Graph::new(&[b, m, k]);
        let turned = graph.node("Transpose", &[&x], &[("perm", Setting::Ints(vec![0, 2, 1]))]);
        let outer = graph.node("MatMul", &[&x, &turned], &[]);
        let inner = graph.node("MatMul", &[&turned, &x], &[]);
        agrees(&graph, &[(&outer, Kind::F32), (&inner, Kind::F32)], 1.0)?;
    }

    #[test]
    fn gemm(m in 1_usize..6, k in 1_usize..6, n in 1_usize..6, turned in [any::<bool>(), any::<bool>()], alpha in 0.1_f32..2.0) {
        let (mut graph, x) = Graph::new(&if turned[0] { [k, m] } else { [m, k] });
        let w = graph.singles(&if turned[1] { [n, k] } else { [k, n] }, &constants(k * n));
        let bias = graph.singles(&[n], &constants(n));
        let settings = [
            ("transA", Setting::Int(turned[0].into())),
            ("transB", Setting::Int(turned[1].into())),
            ("alpha", Setting::Float(alpha)),
        ];
        let y = graph.node("Gemm", &[&x, &w, &bias], &settings);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn sums_of_products(lengths in prop::collection::vec(1_usize..5, 23), (equation, a, b) in prop::sample::select(EQUATIONS.to_vec())) {
        let shapes = [shape_of(a, &lengths), shape_of(b, &lengths)];
        let elements = shapes.each_ref().map(|shape| shape.iter().product::<usize>());
        let (mut graph, all) = Graph::new(&[elements[0] + elements[1]]);
        let split = graph.integers(&[2], &ints(&elements));
        let parts = graph.nodes_of("Split", &[&all, &split], &[("axis", Setting::Int(0))], 2);
        let operands: Vec<String> = parts.iter().zip(&shapes).map(|(part, shape)| {
            let shape = graph.integers(&[shape.len()], &ints(shape));
            graph.node("Reshape", &[part, &shape], &[])
        }).collect();
        let y = graph.node("Einsum", &[&operands[0], &operands[1]], &[("equation", Setting::Text(equation))]);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }

    #[test]
    fn reductions(shape in prop::collection::vec(1_usize..5, 2..5), seed in 0_usize..32, kept in any::<bool>()) {
        let axes: Vec<usize> = (0..shape.len()).filter(|axis| seed >> axis & 1 == 1).collect();
        prop_assume!(!axes.is_empty());
        let (mut graph, x) = Graph::new(&shape);
        let settings = |axes| [("axes", Setting::Ints(axes)), ("keepdims", Setting::Int(kept.into()))];
        let mut outputs = Vec::new();
        for operator in ["ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"] {
            outputs.push(graph.node(operator, &[&x], &settings(ints(&axes))));
        }
        let along = graph.integers(&[axes.len()], &ints(&axes));
        outputs.push(graph.node("ReduceSum", &[&x, &along], &settings(vec![])[1..]));
        let outputs: Vec<(&str, Kind)> = outputs.iter().map(|name| (name.as_str(), Kind::F32)).collect();
        agrees_within(&graph, &outputs, 2.0, 1e-4)?;
    }

    #[test]
    fn places_of_extremes(shape in prop::collection::vec(1_usize..5, 2..5), axis in 0_usize..4, kept in any::<bool>(), ties in any::<bool>()) {
        let axis = ints(&[axis % shape.len()])[0];
        let (mut graph, x) = Graph::new(&shape);
        let x = if ties { graph.node("Round", &[&x], &[]) } else { x };
        let settings = || [("axis", Setting::Int(axis)), ("keepdims", Setting::Int(kept.into()))];
        let most = graph.node("ArgMax", &[&x], &settings());
        let least = graph.node("ArgMin", &[&x], &settings());
        agrees(&graph, &[(&most, Kind::I64), (&least, Kind::I64)], 2.0)?;
    }

    #[test]
    fn shares(shape in prop::collection::vec(1_usize..6, 2..5), axis in 0_usize..4) {
        let axis = ints(&[axis % shape.len()])[0];
        let (mut graph, x) = Graph::new(&shape);
        let soft = graph.node("Softmax", &[&x], &[("axis", Setting::Int(axis))]);
        let logs = graph.node("LogSoftmax", &[&x], &[("axis", Setting::Int(axis))]);
        agrees_within(&graph, &[(&soft, Kind::F32), (&logs, Kind::F32)], 3.0, 1e-4)?;
    }

    #[test]
    fn normalisations(shape in prop::collection::vec(1_usize..5, 3..5), axis in 1_usize..3) {
        let (mut graph, x) = Graph::new(&shape);
        let tail = &shape[axis..];
        let elements = tail.iter().product();
        let scale = graph.singles(tail, &constants(elements));
        let bias = graph.singles(tail, &constants(elements));
        let settings = [("axis", Setting::Int(ints(&[axis])[0])), ("epsilon", Setting::Float(1e-5))];
        let layer = graph.node("LayerNormalization", &[&x, &scale, &bias], &settings);
        let channels = shape[1];
        let (scale, bias) = (graph.singles(&[channels], &constants(channels)), graph.singles(&[channels], &constants(channels)));
        let instance = graph.node("InstanceNormalization", &[&x, &scale, &bias], &[]);
        let means = graph.singles(&[channels], &constants(channels));
        let variances: Vec<f32> = constants(channels).iter().map(|number| number.abs() + 0.1).collect();
        let variances = graph.singles(&[channels], &variances);
        let batch = graph.node("BatchNormalization", &[&x, &scale, &bias, &means, &variances], &[]);
        let outputs = [&layer, &instance, &batch].map(|name| (name.as_str(), Kind::F32));
        agrees_within(&graph, &outputs, 2.0, 5e-4)?;
    }

    #[test]
    fn running_sums(shape in prop::collection::vec(1_usize..6, 1..4), axis in 0_usize..3, exclusive in any::<bool>(), reverse in any::<bool>()) {
        let axis = ints(&[axis % shape.len()])[0];
        let (mut graph, x) = Graph::new(&shape);
        let axis = graph.integers(&[], &[axis]);
        let settings = [("exclusive", Setting::Int(exclusive.into())), ("reverse", Setting::Int(reverse.into()))];
        let y = graph.node("CumSum", &[&x, &axis], &settings);
        agrees(&graph, &[(&y, Kind::F32)], 1.0)?;
    }
}
