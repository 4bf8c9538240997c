//! What Rust sources must not do: hide memory tricks, and, in libraries, reach for the process
//! around them.

use anyhow::Result;
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{ItemUse, UseTree, spanned::Spanned, visit::Visit};

use crate::{
    assert_faultless,
    rust_source::{self, RustSource},
};

/// What belongs to the process and therefore to the binary: its environment, its end, its output.
const PROCESS_PATHS: [[&str; 2]; 4] =
    [["std", "env"], ["std", "process"], ["process", "exit"], ["process", "abort"]];
const PRINTING_MACROS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// The one crate that exists to say it.
const MAY_SAY_IT: &str = "crates/cuda-driver/";

#[test]
fn one_crate_alone_says_unsafe() -> Result<()> {
    let sources = rust_source::all()?;
    let others = sources.iter().filter(|source| !source.path.starts_with(MAY_SAY_IT));
    let faults: Vec<_> = others.flat_map(unsafe_words).collect();
    assert_faultless("no unsafe", &faults);
    Ok(())
}

#[test]
fn every_use_of_unsafe_says_why_it_is_sound() -> Result<()> {
    let sources = rust_source::all()?;
    let own = sources.iter().filter(|source| source.path.starts_with(MAY_SAY_IT));
    let faults: Vec<_> = own.flat_map(unexplained_blocks).collect();
    assert_faultless("a comment `// SAFETY: …` within the lines above", &faults);
    Ok(())
}

/// How far above a block its reason may stand; one reason may hold for a few blocks in a row.
const REACH: usize = 14;

/// Blocks that may break something, without a reason above them. Types and declarations break nothing.
fn unexplained_blocks(source: &RustSource) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().collect();
    let block = concat!("un", "safe {");
    let blocks = lines.iter().enumerate().filter(|(_, line)| line.contains(block));
    let explained = |at: usize| {
        lines[at.saturating_sub(REACH)..=at].iter().any(|line| line.contains("// SAFETY: "))
    };
    blocks
        .filter(|&(at, _)| !explained(at))
        .map(|(at, line)| self::at(source, at + 1, line))
        .collect()
}

#[test]
fn libraries_leave_the_process_to_the_binary() -> Result<()> {
    let sources = rust_source::all()?;
    let libraries = sources.iter().filter(|source| source.path.starts_with("crates/"));
    let faults: Vec<_> = libraries.flat_map(process_uses).collect();
    assert_faultless("libraries name no environment, exit or printing", &faults);
    Ok(())
}

#[test]
fn every_file_starts_with_its_purpose() -> Result<()> {
    let sources = rust_source::all()?;
    let silent = sources.iter().filter(|source| !source.text.starts_with("//! "));
    let faults: Vec<_> = silent.map(|source| source.path.clone()).collect();
    assert_faultless("every file starts with `//!`", &faults);
    Ok(())
}

fn unsafe_words(source: &RustSource) -> Vec<String> {
    let Ok(tokens) = source.text.parse::<TokenStream>() else {
        return vec![format!("{}: does not tokenise", source.path)];
    };
    let words = flatten(tokens).into_iter().filter_map(word);
    let words = words.filter(|word| *word == concat!("un", "safe"));
    words.map(|word| at(source, word.span().start().line, &word.to_string())).collect()
}

/// Uses of the process outside tests, in imports, paths and inside macros.
fn process_uses(source: &RustSource) -> Vec<String> {
    let tokens = source.text.parse::<TokenStream>().map(flatten).unwrap_or_default();
    let from_here = (0..tokens.len()).map(|start| &tokens[start..]);
    let mut found: Vec<_> =
        from_here.filter_map(|tokens| printing(tokens).or_else(|| process_path(tokens))).collect();
    let mut imports = Imports(Vec::new());
    imports.visit_file(&source.syntax);
    found.extend(imports.0);
    found.retain(|(line, _)| !source.is_test_line(*line));
    found.sort();
    found.dedup();
    found.iter().map(|(line, what)| at(source, *line, what)).collect()
}

/// A macro that prints, when the tokens start with one.
fn printing(tokens: &[TokenTree]) -> Option<(usize, String)> {
    let [TokenTree::Ident(name), TokenTree::Punct(bang), ..] = tokens else {
        return None;
    };
    let prints = bang.as_char() == '!' && PRINTING_MACROS.iter().any(|printing| name == printing);
    prints.then(|| (name.span().start().line, format!("{name}!")))
}

/// A path into the process, when the tokens start with one.
fn process_path(tokens: &[TokenTree]) -> Option<(usize, String)> {
    let [
        TokenTree::Ident(from),
        TokenTree::Punct(a),
        TokenTree::Punct(b),
        TokenTree::Ident(to),
        ..,
    ] = tokens
    else {
        return None;
    };
    let is_path = a.as_char() == ':' && b.as_char() == ':';
    let forbidden = PROCESS_PATHS.iter().any(|path| from == path[0] && to == path[1]);
    (is_path && forbidden).then(|| (from.span().start().line, format!("{from}::{to}")))
}

fn at(source: &RustSource, line: usize, what: &str) -> String {
    format!("{}:{line}: {what}", source.path)
}

fn word(token: TokenTree) -> Option<Ident> {
    match token {
        TokenTree::Ident(ident) => Some(ident),
        TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    }
}

/// All tokens in order, groups opened.
fn flatten(tokens: TokenStream) -> Vec<TokenTree> {
    let mut flat = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => flat.extend(flatten(group.stream())),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => flat.push(token),
        }
    }
    flat
}

/// Imports of the process, `use std::{env, fs}` included.
struct Imports(Vec<(usize, String)>);

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut paths = Vec::new();
        spell(&item.tree, &mut Vec::new(), &mut paths);
        let line = item.span().start().line;
        for path in paths.iter().filter(|path| path.len() >= 2) {
            if PROCESS_PATHS.iter().any(|forbidden| path[..2] == *forbidden) {
                self.0.push((line, path.join("::")));
            }
        }
    }
}

fn spell(tree: &UseTree, prefix: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    let mut leaf = |name: String| paths.push([prefix.clone(), vec![name]].concat());
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            spell(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| spell(item, prefix, paths)),
        UseTree::Name(name) => leaf(name.ident.to_string()),
        UseTree::Rename(rename) => leaf(rename.ident.to_string()),
        UseTree::Glob(_) => leaf("*".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{RustSource, process_uses, unexplained_blocks, unsafe_words};

    fn source(text: &str) -> RustSource {
        RustSource::parse("crates/x/src/a.rs", text.to_owned()).unwrap()
    }

    #[test]
    fn reaching_for_the_process_is_found_however_it_is_spelled() {
        for text in [
            "fn f() { std::env::var(\"A\"); }",
            "use std::env;",
            "use std::{fs, env::{self, vars}};",
            "use std::process::exit;",
            "fn f() { process::exit(1) }",
            "fn f() { println!(\"a\") }",
            "fn f() { format!(\"{}\", std::env::temp_dir()); }",
        ] {
            assert!(!process_uses(&source(text)).is_empty(), "{text}");
        }
    }

    #[test]
    fn tests_words_and_comments_may_say_it() {
        for text in [
            "#[cfg(test)]\nmod tests {\n    fn f() { std::env::var(\"A\"); println!(); }\n}",
            "// std::env\n/// println!()\nfn f() { let _ = \"println!\"; }",
            "use std::fs;\nfn print() { environment::new() }",
        ] {
            assert_eq!(process_uses(&source(text)), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_block_without_its_reason_is_found() {
        let block = concat!("un", "safe { f() }");
        let bare = format!("fn a() {{\n    {block}\n}}");
        assert_eq!(unexplained_blocks(&source(&bare)).len(), 1);
        let told = format!("fn a() {{\n    // SAFETY: f is sound.\n    {block}\n}}");
        assert_eq!(unexplained_blocks(&source(&told)), Vec::<String>::new());
    }

    #[test]
    fn the_forbidden_word_is_found_inside_macros_too() {
        let word = concat!("un", "safe");
        assert_eq!(unsafe_words(&source(&format!("m!({word} {{}});"))).len(), 1);
        assert_eq!(unsafe_words(&source(&format!("#![forbid({word}_code)] // {word}"))).len(), 0);
    }
}
