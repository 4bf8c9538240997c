//! Who depends on whom, and what every crate must carry.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::Result;
use toml::{Table, Value};

use crate::{
    assert_faultless,
    page::{self, Relation},
    tree,
    workspace::{self, Package, Purpose},
};

/// The arrows as the design fixes them. The page for readers and every Cargo.toml must say the
/// same; who adds an arrow writes it in all three places, in a commit that says why.
const ARROWS: [(&str, &[&str]); 18] = [
    ("types", &[]),
    ("media", &["types"]),
    ("frames", &["types"]),
    ("onnx", &["types"]),
    ("infer", &["types"]),
    ("classes", &["types"]),
    ("track", &["types"]),
    ("infer-tract", &["onnx", "infer", "types"]),
    ("infer-candle", &["onnx", "infer", "cuda-driver", "types"]),
    ("cuda-driver", &["types"]),
    ("models", &["media", "types"]),
    ("annotations", &["types"]),
    ("pipeline", &["media", "frames", "infer", "track", "classes", "types"]),
    (
        "bins/detections",
        &[
            "types",
            "media",
            "frames",
            "onnx",
            "infer",
            "infer-tract",
            "infer-candle",
            "track",
            "classes",
            "models",
            "annotations",
            "pipeline",
        ],
    ),
    ("e2e", &[]),
    ("e2e/mocks/kit", &[]),
    ("e2e/mocks/loader", &["e2e/mocks/kit"]),
    ("e2e/mocks/annotations", &["e2e/mocks/kit"]),
];

/// Dependencies whose owner the page must state, or else its table would guard nothing.
const MUST_HAVE_AN_OWNER: [&str; 12] = [
    "sha2",
    "image",
    "gstreamer",
    "tract-onnx",
    "tract-core",
    "candle-core",
    "actix-web",
    "config",
    "clap",
    "rusqlite",
    "tracing-subscriber",
    "ureq",
];

/// The folder of what measures and tests from outside: it ships in nothing, so it may name anything.
const OUTSIDE: &str = "e2e";

fn fixed_arrows() -> Relation {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    ARROWS.iter().map(|&(from, to)| (from.to_owned(), set(to))).collect()
}

fn compare(left: (&str, &Relation), right: (&str, &Relation)) -> Vec<String> {
    let names: BTreeSet<_> = left.1.keys().chain(right.1.keys()).collect();
    let differing = names.into_iter().filter(|&name| left.1.get(name) != right.1.get(name));
    let line = |name: &String| {
        let (a, b) = (left.1.get(name), right.1.get(name));
        format!("{name}: {} says {a:?}, {} says {b:?}", left.0, right.0)
    };
    differing.map(line).collect()
}

/// The arrows that the Cargo.toml files draw; those of tests only where `purpose` says so.
fn drawn_arrows(packages: &[Package], purpose: Purpose) -> Relation {
    let mut relation = Relation::new();
    for package in packages {
        let own = package.dependencies().into_iter().filter(|found| found.purpose == purpose);
        let own = own.filter_map(|found| workspace::own_short_name(packages, &found.name));
        relation.insert(package.short_name().to_owned(), own.map(str::to_owned).collect());
    }
    relation
}

#[test]
fn every_cargo_toml_draws_the_arrows_of_the_table_and_no_other() -> Result<()> {
    let packages = workspace::packages()?;
    let drawn = drawn_arrows(&packages, Purpose::Product);
    let faults = compare(("the design", &fixed_arrows()), ("Cargo.toml", &drawn));
    assert_faultless("arrows between crates", &faults);
    Ok(())
}

#[test]
fn the_page_for_readers_shows_the_same_arrows() -> Result<()> {
    let page = page::arrows(&tree::read("crates/README.md")?)?;
    let faults = compare(("the design", &fixed_arrows()), ("crates/README.md", &page));
    assert_faultless("arrows on the page", &faults);
    Ok(())
}

#[test]
fn tests_use_no_crate_of_ours_that_their_package_may_not_know() -> Result<()> {
    let packages = workspace::packages()?;
    let allowed = fixed_arrows();
    let mut faults = Vec::new();
    for (name, used) in drawn_arrows(&packages, Purpose::Tests) {
        let may = allowed.get(&name).cloned().unwrap_or_default();
        faults.extend(used.difference(&may).map(|extra| format!("{name}'s tests use {extra}")));
    }
    assert_faultless("arrows of tests", &faults);
    Ok(())
}

#[test]
fn a_dependency_is_named_only_by_the_crates_that_may_know_it() -> Result<()> {
    let knows = page::knows(&tree::read("crates/README.md")?)?;
    let mut faults = trespasses(&workspace::packages()?, &knows);
    let owned: BTreeSet<_> = knows.values().flatten().collect();
    let unowned = MUST_HAVE_AN_OWNER.iter().filter(|&&name| !owned.contains(&name.to_owned()));
    faults.extend(unowned.map(|name| format!("{name} has no owner in crates/README.md")));
    assert_faultless("who knows what", &faults);
    Ok(())
}

fn trespasses(packages: &[Package], knows: &Relation) -> Vec<String> {
    let mut owners: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (owner, dependencies) in knows {
        for dependency in dependencies {
            owners.entry(dependency).or_default().insert(owner);
        }
    }
    let mut faults = Vec::new();
    for package in
        packages.iter().filter(|package| !Path::new(&package.folder).starts_with(OUTSIDE))
    {
        let name = package.short_name();
        let named = package.dependencies().into_iter().filter(|d| d.purpose == Purpose::Product);
        for found in named {
            let owners = owners.get(found.name.as_str());
            if owners.is_some_and(|owners| !owners.contains(name)) {
                faults.push(format!("{name} names {}, which is {owners:?}'s", found.name));
            }
        }
    }
    faults
}

#[test]
fn every_crate_has_its_page_its_purpose_and_the_lints() -> Result<()> {
    let mut faults = Vec::new();
    for package in workspace::packages()? {
        faults.extend(missing_parts(&package));
    }
    assert_faultless("every crate", &faults);
    Ok(())
}

/// The crate that may do what the workspace forbids, and therefore writes down its lints itself.
const OWN_LINTS: &str = "crates/cuda-driver";

#[test]
fn the_lints_of_the_one_exception_are_the_workspaces_but_for_one() -> Result<()> {
    let mut expected = workspace::root_manifest()?["workspace"]["lints"].clone();
    let forbidden = concat!("un", "safe_code");
    expected["rust"][forbidden] = Value::from("allow");
    let packages = workspace::packages()?;
    let own = packages.iter().find(|package| package.folder == OWN_LINTS);
    let lints = own.and_then(|package| package.manifest.get("lints"));
    anyhow::ensure!(
        lints == Some(&expected),
        "{OWN_LINTS}/Cargo.toml has {lints:?}, not {expected:?}"
    );
    Ok(())
}

fn missing_parts(package: &Package) -> Vec<String> {
    let folder = &package.folder;
    let mut faults = Vec::new();
    let readme = tree::read(&format!("{folder}/README.md")).unwrap_or_default();
    if readme.lines().count() < 5 {
        faults.push(format!("{folder} has no README.md that says something"));
    }
    let library = tree::read(&format!("{folder}/src/lib.rs")).unwrap_or_default();
    if !library.starts_with("//! ") {
        faults.push(format!("{folder}/src/lib.rs does not start with `//!`"));
    }
    let inherited = package.manifest.get("lints").and_then(|lints| lints.get("workspace"));
    if folder != OWN_LINTS && inherited.and_then(Value::as_bool) != Some(true) {
        faults.push(format!("{folder}/Cargo.toml does not say `[lints] workspace = true`"));
    }
    if folder.starts_with("crates/") && !library.contains("include_str!(\"../README.md\")") {
        faults.push(format!("{folder}: the README's example is not compiled by src/lib.rs"));
    }
    faults
}

#[test]
fn versions_stand_only_in_the_workspace_and_none_is_a_wildcard() -> Result<()> {
    let mut faults = Vec::new();
    for package in workspace::packages()? {
        for found in package.dependencies() {
            if found.spec.get("workspace").and_then(Value::as_bool) != Some(true) {
                faults.push(format!("{}: {} is not the workspace's", package.folder, found.name));
            }
        }
    }
    let manifest = workspace::root_manifest()?;
    let declared = manifest["workspace"]["dependencies"].as_table().cloned().unwrap_or_default();
    faults.extend(bad_versions(&declared));
    assert_faultless("versions", &faults);
    Ok(())
}

fn bad_versions(declared: &Table) -> Vec<String> {
    let bad = declared.iter().filter_map(|(name, spec)| {
        let version = spec.as_str().or_else(|| spec.get("version").and_then(Value::as_str));
        match version {
            Some(version) if version.contains('*') => Some(format!("{name} = {version}")),
            None if spec.get("path").is_none() => Some(format!("{name} has no version")),
            _ => None,
        }
    });
    bad.collect()
}

#[cfg(test)]
mod tests {
    use super::{Package, Relation, bad_versions, compare, missing_parts, trespasses};

    fn package(folder: &str, manifest: &str) -> Package {
        Package { folder: folder.to_owned(), manifest: manifest.parse().unwrap() }
    }

    fn relation(lines: &[(&str, &[&str])]) -> Relation {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        lines.iter().map(|&(from, to)| (from.to_owned(), set(to))).collect()
    }

    #[test]
    fn an_arrow_on_one_side_only_is_found() {
        let left = relation(&[("types", &[]), ("onnx", &["types"])]);
        let right = relation(&[("types", &["onnx"]), ("onnx", &["types"])]);
        let faults = compare(("a", &left), ("b", &right));
        assert_eq!(faults, ["types: a says Some({}), b says Some({\"onnx\"})"]);
    }

    #[test]
    fn naming_somebody_elses_dependency_is_found_except_in_tests() {
        let knows = relation(&[("media", &["sha2"])]);
        let breaks = package("crates/models", "[dependencies]\nsha2 = '1'\n");
        assert_eq!(trespasses(&[breaks], &knows).len(), 1);
        let keeps = [
            package("crates/media", "[dependencies]\nsha2 = '1'\n"),
            package("crates/models", "[dev-dependencies]\nsha2 = '1'\n"),
        ];
        assert_eq!(trespasses(&keeps, &knows), Vec::<String>::new());
    }

    #[test]
    fn a_bare_crate_lacks_everything() {
        let bare = package("crates/nowhere", "[package]\nname = 'x'\n");
        assert_eq!(missing_parts(&bare).len(), 4);
    }

    #[test]
    fn wildcards_and_missing_versions_are_found() {
        let declared = "a = '*'\nb = { version = '1.*' }\nc = { git = 'x' }\nd = '1'\n\
            e = { path = 'crates/e' }\n";
        assert_eq!(bad_versions(&declared.parse().unwrap()).len(), 3);
    }
}
