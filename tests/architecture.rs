//! The arrows between the folders of `src`, read from what its files name.
//!
//! Fails when an arrow points up, when a folder names what it must not know (burn,
//! ratatui, crossterm, files), and when modules of one folder know each other in a
//! circle. It reads text (`architecture/source.rs`), so a path that a macro puts
//! together escapes it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "architecture/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use source::{Source, read};

/// Helpers that know nothing of what they are used for.
const HELPERS: &[&str] = &["text", "quiet", "exit", "alloc"];

/// What a folder (or a file of `src`) may name beside itself and [`HELPERS`]. What is
/// not listed here may not be there.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("quiet", &[]),
    ("exit", &[]),
    ("alloc", &[]),
    ("domain", &[]),
    ("files", &["domain"]),
    ("theme", &["domain", "files"]),
    ("data", &["domain", "files"]),
    ("kernels", &["domain"]),
    ("model", &["domain", "kernels"]),
    ("engine", &["domain", "data", "kernels", "model"]),
    ("runs", &["domain", "files"]),
    ("lab", &["domain", "files", "data", "kernels", "model", "engine", "runs"]),
    ("export", &["domain", "files", "theme", "runs", "lab"]),
    ("report", &["domain", "files", "theme", "runs", "lab", "export"]),
    ("app", &["domain", "theme", "runs", "lab", "export", "report"]),
    ("ui", &["domain", "theme", "runs", "lab", "app"]),
    ("terminal", &["domain", "theme", "runs", "lab", "app", "ui"]),
    // the user's keys are commands of the app, the settings name devices and data
    ("config", &["domain", "files", "theme", "data", "engine", "app"]),
    ("log", &["config"]),
    (
        "cli",
        &[
            "domain", "files", "theme", "data", "kernels", "model", "engine", "runs", "lab",
            "export", "report", "app", "ui", "terminal", "config", "log",
        ],
    ),
    ("main", &["cli"]),
    ("fixtures", &["domain", "runs", "app"]),
];

/// What tests may name beyond that: made-up runs and screens show what an arrow
/// upwards is needed for, and the program never sees them.
const TESTS_MAY_NAME: &[&str] = &["fixtures"];

/// Other crates, and who alone may name them.
const CRATES: &[(&str, &[&str])] = &[
    ("burn", &["kernels", "model", "engine"]),
    ("burn_wgpu", &["engine"]),
    ("ratatui", &["ui", "terminal"]),
    ("crossterm", &["terminal"]),
];

/// Who may not touch files: a folder, or a file of one. Tests read their material.
const NO_FILES: &[&str] = &[
    "domain",
    "kernels",
    "app",
    "ui",
    "report",
    "text",
    "theme/role.rs",
    "theme/colour.rs",
    "theme/colormap.rs",
    "theme/palette.rs",
    "theme/error.rs",
    "fixtures",
];

/// Folders whose modules may not know each other in a circle.
const NO_CIRCLES: &[&str] = &["domain", "runs", "report", "app"];

/// Circles that are allowed: the folder, and modules that none of them leaves. There are
/// none, and the wish is that it stays so.
const CIRCLES: &[(&str, &[&str])] = &[];

/// The folder of `src`, or its file's stem.
fn folder(source: &Source) -> &str {
    match source.file.split_once('/') {
        Some((folder, _)) => folder,
        None => source.file.trim_end_matches(".rs"),
    }
}

fn place(source: &Source, line: usize) -> String {
    format!("src/{}:{line}", source.file)
}

/// Every arrow that points where it must not.
fn wrong_arrows(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|s| s.file != "lib.rs") {
        let from = folder(source);
        let Some((_, may)) = MAY_NAME.iter().find(|(name, _)| *name == from) else {
            faults.push(format!("src/{}: {from} has no place in the table", source.file));
            continue;
        };
        for named in source.named.iter().filter(|n| n.path[0] == "crate") {
            let Some(to) = named.path.get(1).map(String::as_str) else { continue };
            let known = MAY_NAME.iter().any(|(name, _)| *name == to);
            let allowed = [*may, HELPERS, if named.test { TESTS_MAY_NAME } else { &[] }].concat();
            if known && to != from && !allowed.contains(&to) {
                faults.push(format!("{}: {from} names {to}", place(source, named.line)));
            }
        }
    }
    faults
}

/// Every crate that is named where it must not be, and every touch of a file.
fn wrong_names(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        let from = folder(source);
        let no_files = NO_FILES.iter().any(|n| *n == from || *n == source.file);
        for named in &source.named {
            let (first, second) = (named.path[0].as_str(), named.path.get(1).map(String::as_str));
            let owner = CRATES.iter().find(|(name, _)| *name == first);
            let foreign = owner.is_some_and(|(_, owners)| !owners.contains(&from));
            let file = first == "tempfile" || first == "std" && second == Some("fs");
            if foreign || file && no_files && !named.test {
                let what = named.path.join("::");
                faults.push(format!("{}: {from} names {what}", place(source, named.line)));
            }
        }
    }
    faults
}

/// Who names whom among the modules of a folder. A name that the folder hands on
/// counts for the module that it comes from.
fn graph(sources: &[Source], of: &str) -> BTreeMap<String, BTreeSet<String>> {
    let inside = |s: &&Source| s.module.get(1).is_some_and(|m| m == of);
    let modules: BTreeSet<String> =
        sources.iter().filter(inside).filter_map(|s| s.module.get(2).cloned()).collect();
    let root = sources.iter().filter(inside).find(|s| s.module.len() == 2);
    let from: BTreeMap<&str, &str> = root
        .iter()
        .flat_map(|s| &s.named)
        .filter(|n| n.handed_on && n.path.len() > 3)
        .filter_map(|n| Some((n.path.last()?.as_str(), n.path[2].as_str())))
        .collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources.iter().filter(inside) {
        let at = source.module.get(2).map_or("mod", String::as_str);
        for named in source.named.iter().filter(|n| !n.test && !n.handed_on) {
            let [start, folder, name, ..] = &named.path[..] else { continue };
            if start != "crate" || folder != of {
                continue;
            }
            let to = match modules.contains(name) {
                true => name.as_str(),
                false => from.get(name.as_str()).copied().unwrap_or("mod"),
            };
            if to != at {
                graph.entry(at.to_string()).or_default().insert(to.to_string());
            }
        }
    }
    graph
}

/// Modules that reach each other, in groups.
fn circles(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reach = |from: &String| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(next) = todo.pop() {
            for to in graph.get(&next).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    todo.push(to.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        graph.keys().map(|module| (module, reach(module))).collect();
    let groups: BTreeSet<BTreeSet<String>> = reached
        .iter()
        .filter(|(module, there)| there.contains(**module))
        .map(|(module, there)| {
            let back = |to: &&String| reached.get(to).is_some_and(|r| r.contains(*module));
            there.iter().filter(back).cloned().collect()
        })
        .collect();
    groups.into_iter().collect()
}

/// Circles that are not among those of today, and those of today that are gone.
fn wrong_circles(sources: &[Source], today: &[(&str, &[&str])]) -> Vec<String> {
    let mut faults = Vec::new();
    for folder in NO_CIRCLES {
        let graph = graph(sources, folder);
        let found = circles(&graph);
        let known: Vec<BTreeSet<String>> = today
            .iter()
            .filter(|(of, _)| of == folder)
            .map(|(_, modules)| modules.iter().map(|m| m.to_string()).collect())
            .collect();
        let is_known = |circle: &&BTreeSet<String>| known.iter().any(|k| circle.is_subset(k));
        for circle in found.iter().filter(|circle| !is_known(circle)) {
            let arrows: Vec<String> = circle
                .iter()
                .filter_map(|m| {
                    let to: Vec<&str> = graph
                        .get(m)?
                        .iter()
                        .filter(|to| circle.contains(*to))
                        .map(String::as_str)
                        .collect();
                    Some(format!("{m} -> {}", to.join(", ")))
                })
                .collect();
            faults.push(format!("{folder} has a circle: {}", arrows.join("; ")));
        }
        for circle in known.iter().filter(|k| !found.iter().any(|circle| circle.is_subset(k))) {
            faults.push(format!(
                "{folder} has no circle {circle:?} any more: take it out of CIRCLES"
            ));
        }
    }
    faults
}

fn files(folder: &Path, below: &str, found: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap()).collect();
    entries.sort_by_key(|e| e.file_name());
    for entry in entries {
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &format!("{name}/"), found);
        } else if name.ends_with(".rs") {
            found.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

fn house() -> Vec<Source> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    assert!(found.len() > 100, "{} files", found.len());
    read(&found)
}

#[test]
fn arrows_point_down() {
    let faults = wrong_arrows(&house());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn burn_terminals_and_files_are_named_where_they_belong() {
    let faults = wrong_names(&house());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn modules_of_a_folder_make_no_circles() {
    let faults = wrong_circles(&house(), CIRCLES);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// A made-up crate.
fn tree(files: &[(&str, &str)]) -> Vec<Source> {
    read(&files.iter().map(|(f, t)| (f.to_string(), t.to_string())).collect::<Vec<_>>())
}

const GOOD: &[(&str, &str)] = &[
    ("lib.rs", "pub mod app; pub mod domain; pub mod engine; #[cfg(test)] mod fixtures;"),
    ("domain/mod.rs", "pub mod a; mod b; pub use b::{B, C as D};"),
    (
        "domain/a.rs",
        "//! crate::app\n/* use burn::x; /* */ */ const T: &str = \"crate::app::x\"; const C: char = '\"';\n\
         use super::B; fn f<'a>(x: &'a str) { let r = r#\"std::fs::read\"#; }\n\
         #[cfg(test)]\nmod tests { use super::*; use std::fs; use crate::fixtures::x; }",
    ),
    ("domain/b.rs", "pub struct B; pub struct C;\n#[cfg(test)]\nmod tests;"),
    ("domain/b/tests.rs", "use std::fs; use super::super::a::X; use crate::fixtures::y;"),
    ("engine/mod.rs", "use burn::tensor::{Tensor, backend::Backend}; use crate::domain::B;"),
    ("app/mod.rs", "use crate::{domain::{a, D}, text::one_line};"),
    ("fixtures/mod.rs", "use crate::app::App;"),
];

#[test]
fn a_good_tree_has_no_faults() {
    let good = tree(GOOD);
    assert_eq!(wrong_arrows(&good), [""; 0]);
    assert_eq!(wrong_names(&good), [""; 0]);
    assert_eq!(wrong_circles(&good, &[]), [""; 0]);
}

#[test]
fn every_kind_of_fault_is_found_with_its_place() {
    let with = |file: &str, text: &str| {
        let mut files = GOOD.to_vec();
        files.retain(|(f, _)| *f != file);
        files.push((file, text));
        tree(&files)
    };
    for (file, text, fault) in [
        ("domain/c.rs", "\nuse crate::{text, app::{App}};", "src/domain/c.rs:2: domain names app"),
        ("domain/c.rs", "use super::super::engine::X;", "src/domain/c.rs:1: domain names engine"),
        ("domain/c.rs", "fn f() {\n crate::app::f() }", "src/domain/c.rs:2: domain names app"),
        ("domain/c.rs", "use crate::fixtures::x;", "src/domain/c.rs:1: domain names fixtures"),
        (
            "domain/c.rs",
            "#[cfg(test)] mod t { fn f() {} } use crate::fixtures::x;",
            "src/domain/c.rs:1: domain names fixtures",
        ),
        (
            "domain/c.rs",
            "#[cfg(test)]\nmod tests { use crate::app::App; }",
            "src/domain/c.rs:2: domain names app",
        ),
        ("new/mod.rs", "", "src/new/mod.rs: new has no place in the table"),
        ("runs/mod.rs", "use crate::engine::Job;", "src/runs/mod.rs:1: runs names engine"),
    ] {
        assert_eq!(wrong_arrows(&with(file, text)), [fault], "{text}");
    }
    for (file, text, fault) in [
        ("app/x.rs", "use burn::tensor::Tensor;", "src/app/x.rs:1: app names burn::tensor::Tensor"),
        ("app/x.rs", "fn f(x: &ratatui::Frame) {}", "src/app/x.rs:1: app names ratatui::Frame"),
        ("ui/x.rs", "use crossterm::event;", "src/ui/x.rs:1: ui names crossterm::event"),
        (
            "domain/c.rs",
            "use std::{fs::{self, File}, io};",
            "src/domain/c.rs:1: domain names std::fs",
        ),
        (
            "domain/c.rs",
            "fn f() { std::fs::read(\"x\") }",
            "src/domain/c.rs:1: domain names std::fs::read",
        ),
    ] {
        let found = wrong_names(&with(file, text));
        assert_eq!(found.first().map(String::as_str), Some(fault), "{text}");
    }
}

#[test]
fn circles_are_found_through_names_that_are_handed_on() {
    let round = |tests: &str| {
        tree(&[
            ("app/mod.rs", "mod a; mod b; mod c; pub use b::B; pub fn helper() {}"),
            ("app/a.rs", "use super::B;"),
            ("app/b.rs", &format!("{tests} use super::a::A;")),
            ("app/c.rs", "fn f() { super::helper() }"),
        ])
    };
    let faults = wrong_circles(&round(""), &[]);
    assert_eq!(faults, ["app has a circle: a -> b; b -> a"]);
    assert_eq!(wrong_circles(&round(""), &[("app", &["a", "b"])]), [""; 0]);
    let gone = wrong_circles(&round("#[cfg(test)]"), &[("app", &["a", "b"])]);
    assert!(gone.len() == 1 && gone[0].contains("any more"), "{gone:?}");
    let wider = tree(&[
        ("app/mod.rs", "mod a; mod b; fn f() { b::f() } pub fn helper() {}"),
        ("app/a.rs", ""),
        ("app/b.rs", "use super::helper;"),
    ]);
    assert_eq!(wrong_circles(&wider, &[]), ["app has a circle: b -> mod; mod -> b"]);
}
