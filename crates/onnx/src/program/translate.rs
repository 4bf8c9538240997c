//! From the importer's typed graph to a program: node by node in the order in which they run.

mod contraction;
mod convolution;
mod elementwise;
mod movement;
mod places;
mod reduction;
mod resample;
mod tensor;

use std::collections::HashMap;

use tract_onnx::{
    prelude::{TractError, TypedFact, TypedModel, TypedOp},
    tract_core::{
        model::{OutletId, TypedNode},
        ops::source::TypedSource,
    },
};

use self::tensor::{constant, element_of, settled};
use super::{Program, ValueId, builder::Builder};
use crate::{OnnxError, UnsupportedOperator};

/// Why a node is not translated.
enum Refusal {
    /// It cannot be expressed; what of it.
    Unsupported(String),
    /// The importer itself failed over it.
    Importer(TractError),
}

impl From<TractError> for Refusal {
    fn from(error: TractError) -> Self {
        Self::Importer(error)
    }
}

type Translated<T> = Result<T, Refusal>;

/// What a family of operators makes of a node: its outputs, or nothing where it does not know the operator.
type Family = fn(&Node<'_>, &mut Builder) -> Translated<Option<Vec<ValueId>>>;

const FAMILIES: [Family; 7] = [
    convolution::translate,
    elementwise::translate,
    movement::translate,
    contraction::translate,
    reduction::translate,
    places::translate,
    resample::translate,
];

/// A node with its operands already translated.
struct Node<'a> {
    node: &'a TypedNode,
    operands: Vec<ValueId>,
    facts: Vec<&'a TypedFact>,
    /// The shape of its first output.
    shape: Vec<usize>,
}

impl Node<'_> {
    fn op_as<O: TypedOp>(&self) -> Option<&O> {
        self.node.op_as()
    }

    /// The name of its operator.
    fn operator(&self) -> String {
        self.node.op.name().into_owned()
    }

    /// A refusal that says what of the operator cannot be expressed.
    fn refusal<T>(&self, what: &str) -> Translated<T> {
        Err(Refusal::Unsupported(format!("{} {what}", self.operator())))
    }
}

/// Translates all that the outputs of a decluttered graph need.
pub(crate) fn translate(model: &TypedModel) -> Result<Program, OnnxError> {
    let order = model.eval_order().map_err(refused)?;
    let mut translation = Translation { model, builder: Builder::default(), known: HashMap::new() };
    let mut input = None;
    for id in order {
        let node = model.node(id);
        translation.builder.begin(&node.name);
        let taken = translation.node(node).map_err(|refusal| error(node, refusal))?;
        input = input.or(taken);
    }
    let outputs: Translated<Vec<ValueId>> =
        model.outputs.iter().map(|&outlet| translation.value(outlet)).collect();
    let last = model.outputs.first().map_or(0, |outlet| outlet.node);
    let outputs = outputs.map_err(|refusal| error(model.node(last), refusal))?;
    let Some(input) = input else {
        let missing =
            Refusal::Unsupported("a graph whose outputs do not depend on its input".into());
        return Err(error(model.node(last), missing));
    };
    Ok(translation.builder.finish(input, &outputs))
}

struct Translation<'a> {
    model: &'a TypedModel,
    builder: Builder,
    known: HashMap<OutletId, ValueId>,
}

impl<'a> Translation<'a> {
    /// Translates a node; of the graph's input it tells which value that is.
    fn node(&mut self, node: &'a TypedNode) -> Translated<Option<ValueId>> {
        if node.outputs.iter().all(|output| output.fact.konst.is_some()) {
            return Ok(None);
        }
        let shape = settled(&node.outputs[0].fact)?;
        if node.op_is::<TypedSource>() {
            let input = self.builder.input(&shape);
            self.known.insert(node.id.into(), input);
            return Ok(Some(input));
        }
        let operands: Translated<Vec<ValueId>> =
            node.inputs.iter().map(|&outlet| self.value(outlet)).collect();
        let facts = self.model.node_input_facts(node.id)?.into_iter().collect();
        let node = Node { node, operands: operands?, facts, shape };
        for (slot, value) in operator(&node, &mut self.builder)?.into_iter().enumerate() {
            self.check(&node, slot, value)?;
            self.known.insert(OutletId::new(node.node.id, slot), value);
        }
        Ok(None)
    }

    /// The value of an outlet; what is constant is taken in when it is first needed.
    fn value(&mut self, outlet: OutletId) -> Translated<ValueId> {
        if let Some(&known) = self.known.get(&outlet) {
            return Ok(known);
        }
        let fact = self.model.outlet_fact(outlet)?;
        let Some(tensor) = &fact.konst else {
            return Err(Refusal::Unsupported("an output that nothing gives".into()));
        };
        let value = constant(&mut self.builder, tensor)?;
        self.known.insert(outlet, value);
        Ok(value)
    }

    /// What came out has the shape and the elements that the importer has inferred.
    fn check(&self, node: &Node<'_>, slot: usize, value: ValueId) -> Translated<()> {
        let fact = &node.node.outputs[slot].fact;
        let (shape, element) = (settled(fact)?, element_of(fact.datum_type)?);
        let (found, kind) = (self.builder.shape(value), self.builder.element(value));
        if shape == found && element == kind {
            return Ok(());
        }
        node.refusal(&format!("of {element} {shape:?} came out as {kind} {found:?}"))
    }
}

fn operator(node: &Node<'_>, builder: &mut Builder) -> Translated<Vec<ValueId>> {
    for family in FAMILIES {
        if let Some(values) = family(node, builder)? {
            return Ok(values);
        }
    }
    Err(Refusal::Unsupported(node.operator()))
}

fn error(node: &TypedNode, refusal: Refusal) -> OnnxError {
    match refusal {
        Refusal::Unsupported(operator) => OnnxError::UnsupportedOperators {
            nodes: vec![UnsupportedOperator { node: node.name.clone(), operator }],
        },
        Refusal::Importer(source) => refused(source.context(node.to_string())),
    }
}

fn refused(source: TractError) -> OnnxError {
    OnnxError::Refused { stage: "listing its operators", source: source.into() }
}
