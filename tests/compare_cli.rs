//! `blockscope compare` from outside: what is computed is kept and used again,
//! groups of seeds are held against each other, and what does not belong
//! together is refused in one line.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::scratch::Scratch;
use ndarray::Array2;
use serde_json::Value;

impl Scratch {
    /// A folder with two CIFAR-10 data sets of 40 noise images per file.
    fn new() -> Scratch {
        let scratch = Scratch::empty();
        for (name, factor) in [("one", 7919), ("two", 104_729)] {
            scratch.put_cifar10(&scratch.path(name), factor);
        }
        scratch
    }

    fn data(&self, name: &str) -> String {
        format!("cifar10:{}", self.path(name).display())
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[args, &["--format", "json"]].concat())).unwrap()
    }

    /// A command that must fail with code 2 and one line that has `parts`.
    fn refused(&self, args: &[&str], parts: &[&str]) {
        self.fails(args, 2, parts);
    }

    fn import(&self, name: &str, file: &str, preset: &str, data: &str) {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let weights = fixtures.join(file);
        let weights = weights.to_str().unwrap();
        self.ok(&["import", weights, "--preset", preset, "--data", data, "--name", name]);
    }

    fn train(&self, name: &str, depth: &str, seed: &str) {
        let data = self.data("one");
        self.ok(&[
            "train", "--data", &data, "--depth", depth, "--width", "0.25", "--epochs", "1",
            "--batch", "20", "--seed", seed, "--name", name,
        ]);
    }
}

fn values(matrix: &Value) -> Vec<Option<f64>> {
    let rows = matrix.as_array().unwrap().iter();
    rows.flat_map(|row| row.as_array().unwrap()).map(Value::as_f64).collect()
}

#[test]
fn maps_are_kept_used_again_and_turned_round() {
    let scratch = Scratch::new();
    let data = scratch.data("one");
    scratch.import("he", "resnet8.pt", "he", &data);
    scratch.import("paper", "resnet8_paper.safetensors", "paper", &data);
    let plan = ["--data", &data, "--batch", "16", "--examples", "32"];
    let args = |runs: &[&'static str]| [&["compare"], runs, &plan[..]].concat();
    let first = scratch.json(&args(&["he", "paper"]));
    let reused = |v: &Value| -> Vec<bool> {
        v["pairs"].as_array().unwrap().iter().map(|p| p["reused"] == true).collect()
    };
    assert_eq!(reused(&first), [false; 3]);
    assert_eq!(first["runs"][1]["layers"].as_array().unwrap().len(), 28);
    let between = &first["pairs"][1];
    assert_eq!(values(&between["cka"]).len(), 26 * 28);
    assert_eq!(between["same_layers"], false);
    assert!(first["notes"].to_string().contains("layer lists differ"), "{}", first["notes"]);
    assert!(first["groups"][0]["problem"].as_str().unwrap().contains("one architecture"));
    // Agreement: predictions came with the import.
    let agreement = values(&first["agreement"]);
    assert!(agreement[0] == Some(1.0) && agreement[1] == agreement[2]);
    assert!(!first["notes"].to_string().contains("predictions of"));

    // The other way round: nothing is computed, not even images are needed.
    let turned = scratch.json(&["compare", "paper", "he", "--batch", "16", "--examples", "32"]);
    assert_eq!(reused(&turned), [true; 3]);
    let (a, b) = (values(&between["cka"]), values(&turned["pairs"][1]["cka"]));
    for i in 0..26 {
        for j in 0..28 {
            assert_eq!(a[i * 28 + j], b[j * 26 + i]);
        }
    }
    // Another plan, or another map, is computed.
    let more = scratch.json(&[&args(&["he", "paper"])[..], &["--without-pc1"]].concat());
    assert_eq!(reused(&more), [false; 3]);
    assert_eq!(values(&more["pairs"][1]["cka_without_pc1"]).len(), 26 * 28);
    let again = scratch.json(&[&args(&["he", "paper"])[..], &["--without-pc1"]].concat());
    assert_eq!(
        (reused(&again), &again["pairs"][1]["cka"]),
        (vec![true; 3], &more["pairs"][1]["cka"])
    );
    let table = scratch.ok(&args(&["he", "paper"]));
    assert!(table.contains("0 computed now and 3 reused"), "{table}");
    // A damaged one is computed anew.
    let kept = fs::read_dir(scratch.path("runs/comparisons")).unwrap();
    let folders: Vec<PathBuf> = kept.map(|e| e.unwrap().path()).collect();
    assert_eq!(folders.len(), 3);
    for folder in &folders {
        fs::write(folder.join("cka/values.npy"), "x").unwrap();
    }
    let healed = scratch.json(&args(&["he", "paper"]));
    assert_eq!(reused(&healed), [false; 3]);
    assert!(healed["notes"].to_string().contains("computed anew"));
    assert_eq!(values(&healed["pairs"][1]["cka"]), a);

    let csv = scratch.ok(&[&args(&["he", "paper"])[..], &["--format", "csv"]].concat());
    assert_eq!(csv.lines().count(), 1 + 26 * 26 + 26 * 28 + 28 * 28);
    // Comparisons are no runs.
    scratch.refused(&["compare", "he"], &["two runs"]);
    let mut names: Vec<String> = fs::read_dir(scratch.path("runs"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["comparisons", "he", "paper"]);
}

#[test]
fn a_run_with_itself_is_its_own_map() {
    let scratch = Scratch::new();
    let data = scratch.data("one");
    scratch.import("he", "resnet8.pt", "he", &data);
    let plan = ["--batch", "10", "--sample", "first", "--data", &data];
    let own = scratch.json(&[&["compare", "he", "he"], &plan[..]].concat());
    scratch.ok(&[&["analyze", "he", "--pc-examples", "0"], &plan[..]].concat());
    let run = scratch.json(&["show", "he"]);
    let (a, b) = (values(&own["pairs"][0]["cka"]), values(&run["analyses"]["cka"]["values"]));
    assert_eq!(a.len(), 26 * 26);
    for (a, b) in a.iter().zip(&b) {
        assert!((a.unwrap() - b.unwrap()).abs() < 1e-6);
    }
    // What analyze made serves as the run's own map.
    fs::remove_dir_all(scratch.path("runs/comparisons")).unwrap();
    let from_run = scratch.json(&[&["compare", "he", "he"], &plan[..]].concat());
    assert_eq!(from_run["pairs"][0]["reused"], true);
    assert_eq!(values(&from_run["pairs"][0]["cka"]), b);
}

#[test]
fn groups_of_seeds_are_held_against_each_other() {
    let scratch = Scratch::new();
    let data = scratch.data("one");
    for seed in ["0", "1", "2"] {
        scratch.train(&format!("a{seed}"), "8", seed);
    }
    for seed in ["0", "1"] {
        scratch.train(&format!("b{seed}"), "14", seed);
    }
    let out = scratch.path("out");
    let v = scratch.json(&[
        "compare",
        "--group-a",
        "a0,a1,a2",
        "--group-b",
        "b0,b1",
        "--data",
        &data,
        "--batch",
        "20",
        "--without-pc1",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(v["pairs"].as_array().unwrap().len(), 15);
    let group = &v["groups"][0];
    assert_eq!((&group["name"], &group["seeds"]), (&"A".into(), &3.into()));
    // The mean of the diagonal over the three pairs, by hand.
    let cell = |pair: &Value, at: usize| pair["cka"][at][at].as_f64().unwrap();
    let pairs: Vec<&Value> = v["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| p["rows"] != p["cols"] && p["cols"].as_u64().unwrap() < 3)
        .collect();
    assert_eq!(pairs.len(), 3);
    let mean = pairs.iter().map(|p| cell(p, 5)).sum::<f64>() / 3.0;
    let point = &group["corresponding"][5];
    assert!((point["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!(group["corresponding_without_pc1"][5]["mean"].is_f64());
    // Accuracies of the runs are those of the groups.
    let accuracy = |k: usize| v["runs"][k]["test_accuracy"].as_f64().unwrap();
    let contrast = &v["contrast"];
    let of_a = (accuracy(0) + accuracy(1) + accuracy(2)) / 3.0;
    assert!((contrast["accuracy"][0].as_f64().unwrap() - of_a).abs() < 1e-12);
    assert_eq!(contrast["examples"].as_array().unwrap().len(), 40);
    assert_eq!(contrast["classes"].as_array().unwrap().len(), 10);
    assert_eq!(contrast["null"]["seeds"], 1);
    let read = |name: &str| -> Array2<f64> { ndarray_npy::read_npy(out.join(name)).unwrap() };
    assert_eq!(read("a0--b1.cka.npy").dim(), (28, 49));
    assert_eq!(read("group-a.variance.npy").dim(), (28, 28));
    assert_eq!(read("agreement.npy")[(0, 4)], v["agreement"][0][4].as_f64().unwrap());
    for name in
        ["comparison.json", "classes.csv", "examples.csv", "pairs.csv", "group-b.layers.csv"]
    {
        assert!(out.join(name).is_file(), "{name}");
    }
    let table = scratch.ok(&["compare", "a0", "a1", "a2", "--data", &data, "--batch", "20"]);
    assert!(table.contains("seeds (#1, #2, #3)") && table.contains("6 reused"), "{table}");

    let plan = ["--data", data.as_str(), "--batch", "20"];
    let refused = |args: &[&str], parts: &[&str]| {
        scratch.refused(&[&["compare"], args, &plan[..]].concat(), parts);
    };
    refused(&["--group-a", "a0,b0"], &["group A", "a0 is a ResNet-8", "b0 a ResNet-14"]);
    refused(&["--group-a", "a0,a1", "--group-b", "a1,a2"], &["a1 is in both groups"]);
    refused(&["a0", "a1", "--examples", "41"], &["only 40 test images"]);
    scratch.refused(&["compare", "a0", "a1", "--batch", "3"], &["--batch 3"]);
    scratch.refused(
        &["compare", "a0", "a1", "--batch", "12", "--data", &scratch.data("two")],
        &["other images"],
    );
    scratch.import("other", "resnet8.pt", "he", &scratch.data("two"));
    let print = |name: &str| {
        let v = scratch.json(&["show", name]);
        v["data"]["fingerprint"].as_str().unwrap().to_string()
    };
    refused(&["a0", "other"], &[&print("a0"), &print("other")]);
}
