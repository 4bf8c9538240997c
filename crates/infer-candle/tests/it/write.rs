//! Small ONNX files, byte by byte: the format is that of protocol buffers, the numbers of the fields are those of
//! `onnx.proto`.

/// A graph that takes pictures `[1, 3, 1, w]` and gives one output.
pub(crate) struct Graph {
    nodes: Vec<Vec<u8>>,
    constants: Vec<Vec<u8>>,
    width: usize,
    names: usize,
}

/// What an attribute holds.
pub(crate) enum Setting {
    Int(i64),
    Float(f32),
    Text(&'static str),
    Ints(Vec<i64>),
}

/// The format's numbers of the kinds of elements.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    F32 = 1,
    U8 = 2,
    I64 = 7,
    Bool = 9,
}

impl Graph {
    /// A graph that begins with a tensor of this shape, whose elements are the picture's.
    pub(crate) fn new(shape: &[usize]) -> (Self, String) {
        let elements: usize = shape.iter().product();
        let width = elements.div_ceil(3).max(1);
        let mut graph = Self { nodes: Vec::new(), constants: Vec::new(), width, names: 0 };
        let all = graph.integers(&[1], &[-1]);
        let flat = graph.node("Reshape", &["images", &all], &[]);
        let (start, end) = (graph.integers(&[1], &[0]), graph.integers(&[1], &[signed(elements)]));
        let part = graph.node("Slice", &[&flat, &start, &end], &[]);
        let wanted: Vec<i64> = shape.iter().copied().map(signed).collect();
        let wanted = graph.integers(&[wanted.len()], &wanted);
        let value = graph.node("Reshape", &[&part, &wanted], &[]);
        (graph, value)
    }

    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    /// Appends a node of one output and gives its name.
    pub(crate) fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        settings: &[(&str, Setting)],
    ) -> String {
        self.nodes_of(operator, inputs, settings, 1).remove(0)
    }

    /// Appends a node and gives the names of its outputs.
    pub(crate) fn nodes_of(
        &mut self,
        operator: &str,
        inputs: &[&str],
        settings: &[(&str, Setting)],
        outputs: usize,
    ) -> Vec<String> {
        let outputs: Vec<String> = (0..outputs).map(|_| self.name()).collect();
        let mut node = Vec::new();
        inputs.iter().for_each(|input| text(&mut node, 1, input));
        outputs.iter().for_each(|output| text(&mut node, 2, output));
        text(&mut node, 3, &format!("/{operator}/{}", outputs[0]));
        text(&mut node, 4, operator);
        settings.iter().for_each(|(name, setting)| bytes(&mut node, 5, &attribute(name, setting)));
        self.nodes.push(node);
        outputs
    }

    pub(crate) fn singles(&mut self, shape: &[usize], numbers: &[f32]) -> String {
        let data = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.constant(shape, Kind::F32, data)
    }

    pub(crate) fn integers(&mut self, shape: &[usize], numbers: &[i64]) -> String {
        let data = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.constant(shape, Kind::I64, data)
    }

    fn constant(&mut self, shape: &[usize], kind: Kind, data: Vec<u8>) -> String {
        let name = self.name();
        let mut tensor = Vec::new();
        shape.iter().for_each(|&length| number(&mut tensor, 1, length as u64));
        number(&mut tensor, 2, kind as u64);
        text(&mut tensor, 8, &name);
        bytes(&mut tensor, 9, &data);
        self.constants.push(tensor);
        name
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// The file of a graph that gives these.
    pub(crate) fn file(&self, outputs: &[(&str, Kind)]) -> Vec<u8> {
        let mut graph = Vec::new();
        self.nodes.iter().for_each(|node| bytes(&mut graph, 1, node));
        text(&mut graph, 2, "graph");
        self.constants.iter().for_each(|constant| bytes(&mut graph, 5, constant));
        bytes(&mut graph, 11, &value("images", Kind::F32, Some(&[1, 3, 1, self.width])));
        outputs.iter().for_each(|(name, kind)| bytes(&mut graph, 12, &value(name, *kind, None)));
        let mut operators = Vec::new();
        text(&mut operators, 1, "");
        number(&mut operators, 2, 17);
        let mut model = Vec::new();
        number(&mut model, 1, 8);
        bytes(&mut model, 7, &graph);
        bytes(&mut model, 8, &operators);
        model
    }
}

fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}

fn attribute(name: &str, setting: &Setting) -> Vec<u8> {
    let mut attribute = Vec::new();
    text(&mut attribute, 1, name);
    let kind = match setting {
        Setting::Float(value) => {
            varint(&mut attribute, (2 << 3) | 5);
            attribute.extend(value.to_le_bytes());
            1
        }
        Setting::Int(value) => {
            number(&mut attribute, 3, value.cast_unsigned());
            2
        }
        Setting::Text(value) => {
            text(&mut attribute, 4, value);
            3
        }
        Setting::Ints(values) => {
            values.iter().for_each(|value| number(&mut attribute, 8, value.cast_unsigned()));
            7
        }
    };
    number(&mut attribute, 20, kind);
    attribute
}

fn value(name: &str, kind: Kind, shape: Option<&[usize]>) -> Vec<u8> {
    let mut tensor = Vec::new();
    number(&mut tensor, 1, kind as u64);
    if let Some(shape) = shape {
        let mut axes = Vec::new();
        for &length in shape {
            let mut axis = Vec::new();
            number(&mut axis, 1, length as u64);
            bytes(&mut axes, 1, &axis);
        }
        bytes(&mut tensor, 2, &axes);
    }
    let (mut kind, mut value) = (Vec::new(), Vec::new());
    bytes(&mut kind, 1, &tensor);
    text(&mut value, 1, name);
    bytes(&mut value, 2, &kind);
    value
}

fn number(out: &mut Vec<u8>, field: u64, number: u64) {
    varint(out, field << 3);
    varint(out, number);
}

fn text(out: &mut Vec<u8>, field: u64, text: &str) {
    bytes(out, field, text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, (field << 3) | 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
}
