//! Reads the project's own architecture page, `crates/README.md`: its lines of arrows and its table
//! of who may name which dependency.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

/// From a crate's short name to the names it points to.
pub(crate) type Relation = BTreeMap<String, BTreeSet<String>>;

/// The arrows: the fenced block after `## Arrows`, one `crate → a, b` or `crate → —` a line.
pub(crate) fn arrows(page: &str) -> Result<Relation> {
    let section = section(page, "## Arrows")?;
    let block = section.split("```").nth(1).context("no fenced block after `## Arrows`")?;
    let mut relation = Relation::new();
    for line in block.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let (from, to) = line.split_once('→').with_context(|| format!("no arrow in `{line}`"))?;
        let targets = to.trim().trim_matches('—').split(',').map(str::trim);
        let targets = targets.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let twice = relation.insert(from.trim().to_owned(), targets).is_some();
        ensure!(!twice, "`{}` has two lines of arrows", from.trim());
    }
    Ok(relation)
}

/// Who may name what: the table after `## Who knows what`, its second column in backticks.
pub(crate) fn knows(page: &str) -> Result<Relation> {
    let mut relation = Relation::new();
    let rows = section(page, "## Who knows what")?.lines().filter(|line| line.starts_with('|'));
    for row in rows.skip(2) {
        let [_, name, dependencies, _] = row.split('|').collect::<Vec<_>>()[..] else {
            bail!("`{row}` has not two columns");
        };
        let named = dependencies.split('`').skip(1).step_by(2).map(str::to_owned);
        relation.insert(name.trim().trim_matches('`').to_owned(), named.collect());
    }
    ensure!(!relation.is_empty(), "no table after `## Who knows what`");
    Ok(relation)
}

fn section<'page>(page: &'page str, heading: &str) -> Result<&'page str> {
    let start = page.find(heading).with_context(|| format!("no heading `{heading}`"))?;
    let body = &page[start + heading.len()..];
    Ok(body.find("\n## ").map_or(body, |end| &body[..end]))
}

#[cfg(test)]
mod tests {
    use super::{arrows, knows};

    const PAGE: &str = "# A\n## Arrows\n\nwords\n```\ntypes → —\nonnx → infer, types\n```\n\n\
        ## Who knows what\n\n| crate | may name |\n|---|---|\n| onnx | `tract-onnx`, `prost` |\n\n## B\n";

    #[test]
    fn arrows_and_knowledge_are_read() {
        let arrows = arrows(PAGE).unwrap();
        assert!(arrows["types"].is_empty());
        assert_eq!(arrows["onnx"].iter().collect::<Vec<_>>(), ["infer", "types"]);
        let knows = knows(PAGE).unwrap();
        assert_eq!(knows["onnx"].iter().collect::<Vec<_>>(), ["prost", "tract-onnx"]);
    }

    #[test]
    fn a_page_without_them_is_refused() {
        for page in ["# A\n", "## Arrows\nno block\n## Who knows what\nno table\n"] {
            assert!(arrows(page).is_err(), "{page}");
            assert!(knows(page).is_err(), "{page}");
        }
    }
}
