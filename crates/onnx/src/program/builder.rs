//! Appends values to a program, checking nothing that the importer has inferred already, and leaves out what
//! would do nothing.

use std::sync::Arc;

use super::{
    Arithmetic, Comparison, Element, Numbers, Op, Program, Reduction, Slice, Source, Unary, Value,
    ValueId,
};

/// A program in the making.
#[derive(Default)]
pub(crate) struct Builder {
    values: Vec<Value>,
    /// The node whose values are being appended.
    name: String,
}

impl Builder {
    /// What is appended from now on belongs to the node `name`.
    pub(crate) fn begin(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    /// Leaves out what neither the outputs nor the input need.
    pub(crate) fn finish(self, input: ValueId, outputs: &[ValueId]) -> Program {
        let mut needed = vec![false; self.values.len()];
        outputs.iter().chain([&input]).for_each(|id| needed[id.0] = true);
        for place in (0..needed.len()).rev() {
            if let (true, Source::Computed { operands, .. }) =
                (needed[place], &self.values[place].source)
            {
                operands.iter().for_each(|id| needed[id.0] = true);
            }
        }
        let mut places = vec![ValueId(0); needed.len()];
        let mut values = Vec::new();
        for (place, mut value) in
            self.values.into_iter().enumerate().filter(|(place, _)| needed[*place])
        {
            if let Source::Computed { operands, .. } = &mut value.source {
                operands.iter_mut().for_each(|id| *id = places[id.0]);
            }
            places[place] = ValueId(values.len());
            values.push(value);
        }
        let outputs = outputs.iter().map(|id| places[id.0]).collect();
        Program { values, input: places[input.0], outputs }
    }

    pub(crate) fn shape(&self, id: ValueId) -> &[usize] {
        &self.values[id.0].shape
    }

    pub(crate) fn element(&self, id: ValueId) -> Element {
        self.values[id.0].element
    }

    pub(crate) fn source(&self, id: ValueId) -> &Source {
        &self.values[id.0].source
    }

    /// The elements, if they are known.
    pub(crate) fn numbers(&self, id: ValueId) -> Option<&Numbers> {
        match self.source(id) {
            Source::Constant(numbers) => Some(numbers),
            Source::Input | Source::Computed { .. } => None,
        }
    }

    pub(crate) fn input(&mut self, shape: &[usize]) -> ValueId {
        self.push(Element::F32, shape.to_vec(), Source::Input)
    }

    pub(crate) fn constant(
        &mut self,
        element: Element,
        shape: Vec<usize>,
        numbers: Numbers,
    ) -> ValueId {
        self.push(element, shape, Source::Constant(numbers))
    }

    pub(crate) fn singles(&mut self, shape: Vec<usize>, numbers: Vec<f32>) -> ValueId {
        self.constant(Element::F32, shape, Numbers::F32(numbers.into()))
    }

    pub(crate) fn integers(&mut self, shape: Vec<usize>, numbers: Vec<i64>) -> ValueId {
        self.constant(Element::I64, shape, Numbers::I64(numbers.into()))
    }

    pub(crate) fn computed(
        &mut self,
        op: Op,
        operands: &[ValueId],
        element: Element,
        shape: Vec<usize>,
    ) -> ValueId {
        self.push(element, shape, Source::Computed { op, operands: operands.to_vec() })
    }

    /// The same elements under another shape; of a constant, another constant.
    pub(crate) fn reshape(&mut self, id: ValueId, shape: &[usize]) -> ValueId {
        if self.shape(id) == shape {
            return id;
        }
        let element = self.element(id);
        if let Some(numbers) = self.numbers(id).cloned() {
            return self.constant(element, shape.to_vec(), numbers);
        }
        self.computed(Op::Reshape, &[id], element, shape.to_vec())
    }

    /// The axes in another order. If only axes of length 1 move, nothing in memory does.
    pub(crate) fn permute(&mut self, id: ValueId, order: &[usize]) -> ValueId {
        let from = self.shape(id);
        let shape: Vec<usize> = order.iter().map(|&axis| from[axis]).collect();
        let long = order.iter().filter(|&&axis| from[axis] != 1);
        if long.is_sorted() {
            return self.reshape(id, &shape);
        }
        let element = self.element(id);
        self.computed(Op::Permute(order.to_vec()), &[id], element, shape)
    }

    /// Repeats axes of length 1; missing axes in front are such.
    pub(crate) fn broadcast(&mut self, id: ValueId, shape: &[usize]) -> ValueId {
        let missing = shape.len() - self.shape(id).len();
        let from = [vec![1; missing], self.shape(id).to_vec()].concat();
        let id = self.reshape(id, &from);
        if from == shape {
            return id;
        }
        let element = self.element(id);
        self.computed(Op::Broadcast, &[id], element, shape.to_vec())
    }

    pub(crate) fn slice(&mut self, id: ValueId, slice: Slice, len: usize) -> ValueId {
        let mut shape = self.shape(id).to_vec();
        if slice.start == 0 && len == shape[slice.axis] && (slice.step == 1 || len <= 1) {
            return id;
        }
        shape[slice.axis] = len;
        let element = self.element(id);
        self.computed(Op::Slice(slice), &[id], element, shape)
    }

    pub(crate) fn unary(&mut self, unary: Unary, id: ValueId) -> ValueId {
        let (element, shape) = (self.element(id), self.shape(id).to_vec());
        self.computed(Op::Unary(unary), &[id], element, shape)
    }

    pub(crate) fn cast(&mut self, id: ValueId, element: Element) -> ValueId {
        if self.element(id) == element {
            return id;
        }
        let shape = self.shape(id).to_vec();
        self.computed(Op::Cast, &[id], element, shape)
    }

    pub(crate) fn arithmetic(&mut self, op: Arithmetic, a: ValueId, b: ValueId) -> ValueId {
        let shape = common(self.shape(a), self.shape(b));
        let element = self.element(a);
        self.computed(Op::Arithmetic(op), &[a, b], element, shape)
    }

    pub(crate) fn compare(&mut self, op: Comparison, a: ValueId, b: ValueId) -> ValueId {
        let shape = common(self.shape(a), self.shape(b));
        self.computed(Op::Comparison(op), &[a, b], Element::Bool, shape)
    }

    pub(crate) fn select(&mut self, condition: ValueId, yes: ValueId, no: ValueId) -> ValueId {
        let shape = common(&common(self.shape(condition), self.shape(yes)), self.shape(no));
        let element = self.element(yes);
        self.computed(Op::Select, &[condition, yes, no], element, shape)
    }

    /// A value of one element that fits beside `like`.
    pub(crate) fn single_like(&mut self, like: ValueId, number: f32) -> ValueId {
        let axes = self.shape(like).len();
        self.singles(vec![1; axes], vec![number])
    }

    /// The same of whole numbers.
    pub(crate) fn integer_like(&mut self, like: ValueId, number: i64) -> ValueId {
        let axes = self.shape(like).len();
        self.integers(vec![1; axes], vec![number])
    }

    pub(crate) fn reduce(&mut self, op: Reduction, id: ValueId, axes: &[usize]) -> ValueId {
        let mut shape = self.shape(id).to_vec();
        axes.iter().for_each(|&axis| shape[axis] = 1);
        if shape == self.shape(id) {
            return id;
        }
        let element = self.element(id);
        self.computed(Op::Reduce(op, axes.to_vec()), &[id], element, shape)
    }

    /// `[b, m, k] × [b, k, n]`.
    pub(crate) fn matmul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        let shape = vec![self.shape(a)[0], self.shape(a)[1], self.shape(b)[2]];
        self.computed(Op::MatMul, &[a, b], Element::F32, shape)
    }

    /// Whole slices of `id` along an axis at `places`, which has one axis.
    pub(crate) fn gather(&mut self, id: ValueId, places: ValueId, axis: usize) -> ValueId {
        let mut shape = self.shape(id).to_vec();
        shape[axis] = self.shape(places)[0];
        let element = self.element(id);
        self.computed(Op::Gather(axis), &[id, places], element, shape)
    }

    fn push(&mut self, element: Element, shape: Vec<usize>, source: Source) -> ValueId {
        self.values.push(Value { name: self.name.clone(), element, shape, source });
        ValueId(self.values.len() - 1)
    }
}

impl Numbers {
    /// The elements as whole numbers, unless they are fractions.
    pub(crate) fn integers(&self) -> Option<Vec<i64>> {
        match self {
            Self::F32(_) => None,
            Self::I64(numbers) => Some(numbers.to_vec()),
            Self::U8(numbers) => Some(numbers.iter().copied().map(i64::from).collect()),
        }
    }

    /// The one number that all elements are.
    pub(crate) fn uniform_integer(&self) -> Option<i64> {
        let numbers = self.integers()?;
        let first = *numbers.first()?;
        numbers.iter().all(|number| *number == first).then_some(first)
    }
}

impl From<Vec<u8>> for Numbers {
    fn from(bytes: Vec<u8>) -> Self {
        Self::U8(Arc::from(bytes))
    }
}

/// The shape of two operands of which axes of length 1 are repeated.
fn common(a: &[usize], b: &[usize]) -> Vec<usize> {
    a.iter().zip(b).map(|(&a, &b)| if a == 1 { b } else { a }).collect()
}
