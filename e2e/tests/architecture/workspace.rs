//! The workspace as its Cargo.toml files tell it: packages by short name and whom they depend on.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::tree;

/// One member of the workspace.
pub(crate) struct Package {
    /// Its folder from the root: `crates/infer`, `bins/detections`, `e2e`.
    pub(crate) folder: String,
    pub(crate) manifest: Table,
}

/// A dependency that a package names.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) spec: Value,
    pub(crate) purpose: Purpose,
}

/// Which part of a package a dependency is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Compiled into what others use, or run while it is built.
    Product,
    /// Its tests and benches only.
    Tests,
}

impl Package {
    /// The name in the arrow table: the folder without `crates/`.
    pub(crate) fn short_name(&self) -> &str {
        self.folder.strip_prefix("crates/").unwrap_or(&self.folder)
    }

    /// Every dependency of every section, those of single targets included.
    pub(crate) fn dependencies(&self) -> Vec<Dependency> {
        let targets = self.manifest.get("target").and_then(Value::as_table);
        let targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        std::iter::once(&self.manifest).chain(targets).flat_map(sections).collect()
    }
}

fn sections(table: &Table) -> Vec<Dependency> {
    let section = |key: &str, purpose| {
        let entries = table.get(key).and_then(Value::as_table).into_iter().flatten();
        let dependency = |(name, spec): (&String, &Value)| {
            // A renamed dependency is what it is, not what it is called.
            let real = spec.get("package").and_then(Value::as_str).unwrap_or(name);
            Dependency { name: real.to_owned(), spec: spec.clone(), purpose }
        };
        entries.map(dependency).collect::<Vec<_>>()
    };
    let mut all = section("dependencies", Purpose::Product);
    all.extend(section("build-dependencies", Purpose::Product));
    all.extend(section("dev-dependencies", Purpose::Tests));
    all
}

/// The root's own Cargo.toml.
pub(crate) fn root_manifest() -> Result<Table> {
    tree::read("Cargo.toml")?.parse::<Table>().context("Cargo.toml")
}

/// Every member of the workspace, in order of its folder.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let manifest = root_manifest()?;
    let members = manifest["workspace"]["members"].as_array().context("no members")?;
    let mut folders = BTreeSet::new();
    for member in members.iter().filter_map(Value::as_str) {
        match member.strip_suffix("/*") {
            Some(parent) => folders.extend(subfolders(parent)?),
            None => drop(folders.insert(member.to_owned())),
        }
    }
    folders.into_iter().map(package).collect()
}

fn subfolders(parent: &str) -> Result<Vec<String>> {
    let entries = fs::read_dir(tree::root().join(parent)).context(parent.to_owned())?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            found.push(format!("{parent}/{}", entry.file_name().to_string_lossy()));
        }
    }
    Ok(found)
}

fn package(folder: String) -> Result<Package> {
    let text = tree::read(&format!("{folder}/Cargo.toml"))?;
    let manifest = text.parse::<Table>().with_context(|| folder.clone())?;
    Ok(Package { folder, manifest })
}

/// The short name of one of our own packages, or `None` for everybody else's.
pub(crate) fn own_short_name<'a>(packages: &'a [Package], dependency: &str) -> Option<&'a str> {
    let named = |package: &&Package| {
        package.manifest["package"]["name"].as_str().is_some_and(|name| name == dependency)
    };
    packages.iter().find(named).map(Package::short_name)
}

#[test]
fn every_section_and_every_rename_is_seen() -> Result<()> {
    let manifest = "[dependencies]\na = '1'\nb = { package = 'real' }\n\
        [target.'cfg(unix)'.dependencies]\nc.workspace = true\n[dev-dependencies]\nd = '1'\n"
        .parse()?;
    let package = Package { folder: "crates/x".to_owned(), manifest };
    let seen = package.dependencies();
    let names: Vec<_> = seen.iter().map(|seen| seen.name.as_str()).collect();
    assert_eq!(names, ["a", "real", "d", "c"]);
    assert!(seen[2].purpose == Purpose::Tests && seen[3].purpose == Purpose::Product);
    Ok(())
}
