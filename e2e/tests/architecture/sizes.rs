//! How long a file or a function may get before it must say why.

use std::ops::RangeInclusive;

use anyhow::Result;
use syn::{Attribute, Block, ImplItemFn, ItemFn, TraitItemFn, spanned::Spanned, visit::Visit};

use crate::{
    assert_faultless,
    rust_source::{self, RustSource},
};

/// Lines that a file or function may have without a written reason.
struct Limits {
    file: usize,
    function: usize,
}

const PRODUCT: Limits = Limits { file: 400, function: 60 };
/// Tests are read one at a time, so they may be longer.
const TESTS: Limits = Limits { file: 800, function: 100 };

/// A comment that starts so, directly above a function or among a file's first lines, is a reason.
const REASON: &str = "// long: ";
const FIRST_LINES: usize = 12;

#[test]
fn nothing_is_long_without_a_reason() -> Result<()> {
    let faults: Vec<_> = rust_source::all()?.iter().flat_map(too_long).collect();
    assert_faultless("length (a comment `// long: …` above it gives the reason)", &faults);
    Ok(())
}

fn too_long(source: &RustSource) -> Vec<String> {
    let (limits, lines) = match source.is_test_file() {
        true => (TESTS, source.text.lines().count()),
        false => (PRODUCT, source.product_lines()),
    };
    let mut functions = Functions { source, faults: Vec::new() };
    functions.visit_file(&source.syntax);
    let mut faults = functions.faults;
    if lines > limits.file && !has_reason(source, 1..=FIRST_LINES) {
        faults.push(format!("{}: {lines} lines, limit {}", source.path, limits.file));
    }
    faults
}

fn has_reason(source: &RustSource, lines: RangeInclusive<usize>) -> bool {
    let first = lines.start().saturating_sub(1);
    let lines = source.text.lines().take(*lines.end()).skip(first);
    lines.filter_map(|line| line.trim_start().strip_prefix(REASON)).any(|why| why.len() > 10)
}

struct Functions<'a> {
    source: &'a RustSource,
    faults: Vec<String>,
}

impl Functions<'_> {
    fn check(&mut self, attributes: &[Attribute], signature: &syn::Signature, block: &Block) {
        let first = signature.span().start().line;
        let lines = block.span().end().line + 1 - first;
        let limit = match self.source.is_test_line(first) {
            true => TESTS.function,
            false => PRODUCT.function,
        };
        let top = attributes.first().map_or(first, |attribute| attribute.span().start().line);
        if lines > limit && !has_reason(self.source, top.saturating_sub(1)..=first) {
            let (path, name) = (&self.source.path, &signature.ident);
            self.faults.push(format!("{path}:{first}: fn {name} has {lines} lines, limit {limit}"));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.check(&function.attrs, &function.sig, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.check(&function.attrs, &function.sig, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.check(&function.attrs, &function.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::{RustSource, too_long};

    fn faults(path: &str, text: String) -> usize {
        too_long(&RustSource::parse(path, text).unwrap()).len()
    }

    fn function(above: &str, lines: usize) -> String {
        format!("//! A.\n\n{above}\nfn f() {{\n{}}}\n", "    a();\n".repeat(lines - 2))
    }

    #[test]
    fn a_long_function_needs_a_reason_directly_above_it() {
        assert_eq!(faults("crates/x/src/a.rs", function("", 60)), 0);
        assert_eq!(faults("crates/x/src/a.rs", function("", 61)), 1);
        let reason = "// long: one table that is read from top to bottom";
        assert_eq!(faults("crates/x/src/a.rs", function(reason, 61)), 0);
        assert_eq!(faults("crates/x/src/a.rs", function(&format!("{reason}\n/// D."), 61)), 0);
        assert_eq!(faults("crates/x/src/a.rs", function(&format!("{reason}\n\n"), 61)), 1);
        assert_eq!(faults("crates/x/tests/it/a.rs", function("", 61)), 0);
    }

    #[test]
    fn a_long_method_is_found_in_impls_and_traits() {
        let body = "    a();\n".repeat(60);
        for frame in ["impl A", "trait A"] {
            let text = format!("//! A.\n{frame} {{\nfn f() {{\n{body}}}\n}}\n");
            assert_eq!(faults("crates/x/src/a.rs", text), 1, "{frame}");
        }
    }

    #[test]
    fn a_long_file_needs_a_reason_at_its_top_and_its_tests_do_not_count() {
        let long = |head: &str| format!("//! A.\n{head}\n{}", "const A: u8 = 1;\n".repeat(400));
        assert_eq!(faults("crates/x/src/a.rs", long("")), 1);
        assert_eq!(faults("crates/x/src/a.rs", long("// long: one table of numbers")), 0);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "const A: u8 = 1;\n".repeat(400));
        assert_eq!(faults("crates/x/src/a.rs", format!("//! A.\n{tests}")), 0);
    }
}
