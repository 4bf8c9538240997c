//! Operators on single elements and on pairs of them.

use proptest::prelude::*;

use super::{agrees, agrees_within, config, constants};
use crate::write::{Graph, Kind, Setting};

/// Functions of one number, with the range of the numbers that they get.
const FUNCTIONS: [(&str, f32); 24] = [
    ("Abs", 3.0),
    ("Ceil", 3.0),
    ("Cos", 3.0),
    ("Elu", 3.0),
    ("Erf", 3.0),
    ("Exp", 3.0),
    ("Floor", 3.0),
    ("HardSigmoid", 4.0),
    ("HardSwish", 5.0),
    ("LeakyRelu", 3.0),
    ("Neg", 3.0),
    ("Reciprocal", 3.0),
    ("Relu", 3.0),
    ("Round", 5.0),
    ("Sigmoid", 9.0),
    ("Sign", 3.0),
    ("Sin", 3.0),
    ("Softplus", 3.0),
    ("Softsign", 3.0),
    ("Tan", 1.0),
    ("Tanh", 3.0),
    ("Sqrt", 3.0),
    ("Log", 3.0),
    ("Identity", 3.0),
];

#[test]
fn functions_of_one_number() {
    for (function, range) in FUNCTIONS {
        let (mut graph, x) = Graph::new(&[2, 3, 50]);
        let x = match function {
            // Of what is above 0.
            "Sqrt" | "Log" => graph.node("Abs", &[&x], &[]),
            // Halves, also those between, and whole numbers.
            "Round" => {
                let two = graph.singles(&[1], &[2.0]);
                let doubled = graph.node("Mul", &[&x, &two], &[]);
                let whole = graph.node("Floor", &[&doubled], &[]);
                graph.node("Div", &[&whole, &two], &[])
            }
            _ => x,
        };
        let y = graph.node(function, &[&x], &[]);
        // tract approximates exponentials and what is made of them.
        let agreed = agrees_within(&graph, &[(&y, Kind::F32)], range, 1e-4);
        assert!(agreed.is_ok(), "{function}: {agreed:?}");
    }
}

#[test]
fn activations_that_are_several_nodes() {
    let (mut graph, x) = Graph::new(&[2, 3, 50]);
    let sigmoid = graph.node("Sigmoid", &[&x], &[]);
    let silu = graph.node("Mul", &[&x, &sigmoid], &[]);
    let scale = graph.singles(&[], &[std::f32::consts::FRAC_1_SQRT_2]);
    let (one, half) = (graph.singles(&[], &[1.0]), graph.singles(&[], &[0.5]));
    let scaled = graph.node("Mul", &[&x, &scale], &[]);
    let erf = graph.node("Erf", &[&scaled], &[]);
    let raised = graph.node("Add", &[&erf, &one], &[]);
    let product = graph.node("Mul", &[&x, &raised], &[]);
    let gelu = graph.node("Mul", &[&product, &half], &[]);
    let softplus = graph.node("Softplus", &[&x], &[]);
    let tanh = graph.node("Tanh", &[&softplus], &[]);
    let mish = graph.node("Mul", &[&x, &tanh], &[]);
    let outputs = [(silu.as_str(), Kind::F32), (&gelu, Kind::F32), (&mish, Kind::F32)];
    agrees_within(&graph, &outputs, 4.0, 1e-4).unwrap();
}

/// A shape and which of its axes the second operand repeats.
fn repeated() -> impl Strategy<Value = (Vec<usize>, Vec<usize>, bool)> {
    let axes = prop::collection::vec((1_usize..5, any::<bool>()), 1..5);
    (axes, any::<bool>()).prop_map(|(axes, swapped)| {
        let shape: Vec<usize> = axes.iter().map(|(length, _)| *length).collect();
        let other = axes.iter().map(|(length, kept)| if *kept { *length } else { 1 }).collect();
        (shape, other, swapped)
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn pairs_of_numbers(
        (shape, other, swapped) in repeated(),
        operator in prop::sample::select(vec!["Add", "Sub", "Mul", "Div", "Min", "Max", "PRelu"]),
    ) {
        let (mut graph, x) = Graph::new(&shape);
        let mut numbers = constants(other.iter().product());
        if operator == "Div" {
            numbers.iter_mut().for_each(|number| *number += if *number < 0.0 { -0.5 } else { 0.5 });
        }
        let k = graph.singles(&other, &numbers);
        let swapped = swapped && operator != "Div" && operator != "PRelu";
        let inputs: [&str; 2] = if swapped { [&k, &x] } else { [&x, &k] };
        let y = graph.node(operator, &inputs, &[]);
        agrees(&graph, &[(&y, Kind::F32)], 2.0)?;
    }

    #[test]
    fn pairs_of_computed_numbers((shape, other, swapped) in repeated()) {
        let (mut graph, x) = Graph::new(&shape);
        let axes: Vec<i64> = (0_i64..).zip(shape.iter().zip(&other)).filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
        prop_assume!(!axes.is_empty());
        let means = graph.node("ReduceMean", &[&x], &[("axes", Setting::Ints(axes))]);
        let inputs: [&str; 2] = if swapped { [&means, &x] } else { [&x, &means] };
        let sum = graph.node("Add", &inputs, &[]);
        let difference = graph.node("Sub", &inputs, &[]);
        let product = graph.node("Mul", &inputs, &[]);
        let most = graph.node("Max", &inputs, &[]);
        let outputs = [&sum, &difference, &product, &most].map(|name| (name.as_str(), Kind::F32));
        agrees(&graph, &outputs, 2.0)?;
    }

    #[test]
    fn whole_numbers((shape, other, _) in repeated(), divisor in 1_i64..5, minus in any::<bool>()) {
        let (mut graph, x) = Graph::new(&shape);
        let x = graph.node("Cast", &[&x], &[("to", Setting::Int(Kind::I64 as i64))]);
        let elements = other.iter().product();
        let divisors: Vec<i64> = (0_i64..).map(|at| (divisor + at % 3) * if minus { -1 } else { 1 }).take(elements).collect();
        let k = graph.integers(&other, &divisors);
        let mut outputs = Vec::new();
        for operator in ["Add", "Sub", "Mul", "Div", "Mod", "Min", "Max"] {
            outputs.push(graph.node(operator, &[&x, &k], &[]));
        }
        outputs.push(graph.node("Mod", &[&x, &k], &[("fmod", Setting::Int(1))]));
        let eight = graph.integers(&[], &[8]);
        outputs.push(graph.node("Mul", &[&x, &eight], &[]));
        for function in ["Abs", "Neg", "Sign"] {
            outputs.push(graph.node(function, &[&x], &[]));
        }
        let outputs: Vec<(&str, Kind)> = outputs.iter().map(|name| (name.as_str(), Kind::I64)).collect();
        agrees(&graph, &outputs, 9.0)?;
    }

    #[test]
    fn comparisons_and_choices((shape, other, _) in repeated()) {
        let (mut graph, x) = Graph::new(&shape);
        let whole = graph.node("Round", &[&x], &[]);
        let k = graph.singles(&other, &constants(other.iter().product()));
        let k = graph.node("Round", &[&k], &[]);
        let mut truths = Vec::new();
        for operator in ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"] {
            truths.push(graph.node(operator, &[&whole, &k], &[]));
        }
        for operator in ["And", "Or", "Xor"] {
            truths.push(graph.node(operator, &[&truths[0], &truths[1]], &[]));
        }
        truths.push(graph.node("Not", &[&truths[0]], &[]));
        let chosen = graph.node("Where", &[&truths[0], &x, &k], &[]);
        let mut outputs: Vec<(&str, Kind)> = truths.iter().map(|name| (name.as_str(), Kind::Bool)).collect();
        outputs.push((&chosen, Kind::F32));
        agrees(&graph, &outputs, 2.0)?;
    }

    #[test]
    fn clips_and_powers(low in -2.0_f32..0.0, high in 0.0_f32..2.0, power in prop::sample::select(vec![2.0_f32, 3.0, 0.5, 1.5, -1.0])) {
        let (mut graph, x) = Graph::new(&[3, 20]);
        let (low, high) = (graph.singles(&[], &[low]), graph.singles(&[], &[high]));
        let clipped = graph.node("Clip", &[&x, &low, &high], &[]);
        let above = graph.node("Abs", &[&x], &[]);
        let power = graph.singles(&[], &[power]);
        let raised = graph.node("Pow", &[&above, &power], &[]);
        agrees_within(&graph, &[(&clipped, Kind::F32), (&raised, Kind::F32)], 3.0, 1e-4)?;
    }

    #[test]
    fn casts(range in 1.0_f32..300.0) {
        let (mut graph, x) = Graph::new(&[3, 20]);
        let to = |kind: Kind| [("to", Setting::Int(kind as i64))];
        let above = graph.node("Abs", &[&x], &[]);
        let whole = graph.node("Cast", &[&x], &to(Kind::I64));
        let byte = graph.node("Cast", &[&above], &to(Kind::U8));
        let truth = graph.node("Cast", &[&whole], &to(Kind::Bool));
        let back = graph.node("Cast", &[&truth], &to(Kind::F32));
        let outputs = [(whole.as_str(), Kind::I64), (&byte, Kind::U8), (&truth, Kind::Bool), (&back, Kind::F32)];
        agrees(&graph, &outputs, range.min(255.0))?;
    }
}
