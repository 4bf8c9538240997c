//! One Rust file: its text, its syntax and which of its lines are tests.

use std::{ops::RangeInclusive, path::Path};

use anyhow::{Context, Result};
use syn::{Attribute, ItemMod, spanned::Spanned, visit::Visit};

use crate::tree;

/// A parsed file.
pub(crate) struct RustSource {
    /// Its path from the root.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
    /// The lines of `#[cfg(test)]` modules, from 1.
    test_lines: Vec<RangeInclusive<usize>>,
}

impl RustSource {
    pub(crate) fn parse(path: &str, text: String) -> Result<Self> {
        let syntax = syn::parse_file(&text).with_context(|| path.to_owned())?;
        let mut tests = TestModules(Vec::new());
        tests.visit_file(&syntax);
        Ok(Self { path: path.to_owned(), text, syntax, test_lines: tests.0 })
    }

    /// Whether the whole file is tests or benches.
    pub(crate) fn is_test_file(&self) -> bool {
        let in_folder = |name| self.path.split('/').any(|part| part == name);
        in_folder("tests") || in_folder("benches") || Path::new(&self.path).ends_with("tests.rs")
    }

    /// Whether this line belongs to a test.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.is_test_file() || self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// How many lines are not tests.
    pub(crate) fn product_lines(&self) -> usize {
        let lines = 1..=self.text.lines().count();
        lines.filter(|line| !self.test_lines.iter().any(|test| test.contains(line))).count()
    }
}

/// Whether an item is compiled into tests only.
fn is_for_tests(attribute: &Attribute) -> bool {
    let is_test = |list: &syn::MetaList| list.tokens.to_string() == "test";
    attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(is_test)
}

struct TestModules(Vec<RangeInclusive<usize>>);

impl<'ast> Visit<'ast> for TestModules {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.attrs.iter().any(is_for_tests) {
            let span = module.span();
            self.0.push(span.start().line..=span.end().line);
        } else {
            syn::visit::visit_item_mod(self, module);
        }
    }
}

/// Every Rust file of the checkout.
pub(crate) fn all() -> Result<Vec<RustSource>> {
    let files = tree::files()?.into_iter().filter(|file| file.ends_with(".rs"));
    files.map(|file| RustSource::parse(&file, tree::read(&file)?)).collect()
}

#[test]
fn test_modules_are_told_from_the_rest() -> Result<()> {
    let text = "//! A.\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
    let source = RustSource::parse("crates/x/src/a.rs", text.to_owned())?;
    assert_eq!(source.product_lines(), 3);
    assert!(source.is_test_line(4) && source.is_test_line(6) && !source.is_test_line(2));
    assert!(RustSource::parse("crates/x/tests/it/a.rs", text.to_owned())?.is_test_file());
    Ok(())
}
