//! `blockscope migrate` from outside: runs and comparisons of format 1, damage, and what
//! is of the present format already.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::path::Path;

use common::scratch::Scratch;

const PAIR: &str = "resnet38-w2-cifar10-64th-s0--resnet38-w2-cifar10-64th-s1-7837825f7014dc8a";

/// A runs folder that holds the fixture of format 1.
fn scratch() -> Scratch {
    let scratch = Scratch::empty();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format1");
    copy(&fixture, &scratch.path("runs"));
    scratch
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

fn bytes(scratch: &Scratch, file: &str) -> Vec<u8> {
    fs::read(scratch.path("runs").join(file)).unwrap()
}

#[test]
fn a_run_says_the_same_before_and_after() {
    let scratch = scratch();
    let export = |mode: &str| {
        let out = scratch.path("out.npy");
        scratch.ok(&["export", "tiny", "--out", out.to_str().unwrap(), "--mode", mode]);
        fs::read(&out).unwrap()
    };
    let modes = ["cka", "se", "pc1-similarity", "without-pc1", "without-dominant", "pruned"];
    let before = modes.map(export);
    let shown = |format: &str| scratch.ok(&["show", "tiny", "--format", format]);
    let said = ["table", "plain", "json", "csv"].map(shown);
    let (old, new) =
        ("analysis/pruned/1.0/cka.npy", "analysis/maps/cka-without-blocks-1.0/values.npy");
    assert!(said[1].contains(old) && !said[1].contains("warning"), "{}", said[1]);

    let text = scratch.ok(&["migrate", "tiny"]);
    assert_eq!(text.trim(), "tiny  is of format 2 now: 5 maps");
    assert!(modes.map(export) == before, "bit-equal");
    // but for the places of maps
    let paths = [
        (old, new),
        ("analysis/cka.npy", "analysis/maps/cka/values.npy"),
        ("analysis/pc_similarity.npy", "analysis/maps/pc1-similarity/values.npy"),
        ("analysis/cka_without_pc1.npy", "analysis/maps/cka-without-pc1/values.npy"),
        ("analysis/cka_without_dominant.npy", "analysis/maps/cka-without-dominant/values.npy"),
    ];
    let words = |text: &String| {
        let moved = paths.iter().fold(text.clone(), |text, (old, new)| text.replace(old, new));
        // columns are as wide as they need to be
        moved.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let now = ["table", "plain", "json", "csv"].map(shown);
    assert_eq!(now.each_ref().map(words), said.each_ref().map(words));
    let text = scratch.ok(&["migrate", "tiny"]);
    assert_eq!(text.trim(), "tiny  is of format 2: there is nothing to do");
    let text = scratch.ok(&["migrate", &format!("comparisons/{PAIR}")]);
    assert!(text.ends_with("is of format 2 now: 2 maps\n"), "{text}");
}

#[test]
fn everything_at_once_and_what_is_damaged_keeps_nothing_else_back() {
    let scratch = scratch();
    copy(&scratch.path("runs/tiny"), &scratch.path("runs/torn"));
    fs::write(scratch.path("runs/torn/analysis/cka.npy"), "x").unwrap();
    scratch.fails(&["migrate", "torn"], 1, &["torn/analysis/cka.npy", "analyze"]);
    assert_eq!(bytes(&scratch, "torn/run.ron"), bytes(&scratch, "tiny/run.ron"));
    scratch.fails(&["migrate", "--all"], 1, &["torn/analysis/cka.npy"]);
    let text = String::from_utf8(bytes(&scratch, "tiny/run.ron")).unwrap();
    assert!(text.contains("format: 2"), "{text}");
    assert!(scratch.path("runs/comparisons").join(PAIR).join("cka/values.npy").is_file());
    // a newer format, what is no run, and no names
    fs::write(scratch.path("runs/torn/run.ron"), "(format: 9, later: 1)").unwrap();
    scratch.fails(&["migrate", "torn"], 1, &["torn/run.ron", "newer blockscope (format 9"]);
    scratch.fails(&["migrate", "nothing"], 1, &["nothing"]);
    scratch.fails(&["migrate", "comparisons/nothing"], 1, &["not a comparison"]);
    scratch.fails(&["migrate", "comparisons/../tiny"], 2, &["cannot be a name"]);
    assert_eq!(scratch.run(&["migrate"]).status.code(), Some(2));
}

#[test]
fn the_runs_inside_the_program_are_of_the_present_format() {
    let scratch = Scratch::empty();
    let text = scratch.ok(&["migrate", "resnet14-shapes-s0"]);
    assert_eq!(text.trim(), "resnet14-shapes-s0  is of format 2: there is nothing to do");
    assert!(scratch.names().is_empty(), "nothing was copied");
}
