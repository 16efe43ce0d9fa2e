//! Maps of pruned networks from outside: `prune --map` on a shipped run computes and
//! keeps one, `show` lists it, `export` writes it, and damage is one line.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;

use common::scratch::Scratch;

#[test]
fn the_map_of_a_pruned_network_is_kept_shown_and_exported() {
    let scratch = Scratch::empty();
    let run = "resnet14-shapes-s0";
    let small = ["--examples", "32", "--batch", "16"];
    // none yet: refused with the remedy, and nothing is written
    let export = ["export", run, "--out", "x.npy", "--mode", "pruned"];
    scratch.fails(&export, 1, &["has none yet", "--residual-blocks"]);
    let named = [&export[..], &["--residual-blocks", "2.1"]].concat();
    scratch.fails(&named, 1, &[&format!("`blockscope prune {run} --residual-blocks 2.1 --map`")]);
    assert_eq!(scratch.run(&["prune", run, "--lesions", "--map"]).status.code(), Some(2));
    assert!(scratch.names().is_empty());
    let map = ["analyze", run, "--pc-examples", "0", "--skip-predictions", "--sample", "first"];
    scratch.ok(&[&map[..], &small].concat());

    let prune = ["prune", run, "--residual-blocks", "3.1,2.1", "--examples", "32", "--map"];
    let text = scratch.ok(&prune);
    for part in
        ["without 2.1,3.1  32 examples in 2 batches", "difference", "without-blocks-2.1+3.1"]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let folder = scratch.path("runs").join(run).join("analysis/maps/cka-without-blocks-2.1+3.1");
    let read = |file: &str| fs::read(folder.join(file)).unwrap();
    let (cka, record) = (read("values.npy"), read("map.ron"));
    let text = scratch.ok(&prune);
    assert!(text.contains("without 2.1,3.1  from the run folder"), "{text}");
    assert!(read("map.ron") == record, "not computed twice");

    let json: serde_json::Value =
        serde_json::from_str(&scratch.ok(&["show", run, "--format", "json"])).unwrap();
    let found = json["analyses"]["pruned"].as_array().unwrap();
    assert_eq!(found.len(), 1);
    let (found, layers) = (&found[0], json["layers"].as_array().unwrap());
    assert_eq!(found["blocks"], serde_json::json!(["2.1", "3.1"]));
    assert_eq!(found["path"], "analysis/maps/cka-without-blocks-2.1+3.1/values.npy");
    assert_eq!((&found["examples"], &found["stale"]), (&32.into(), &false.into()));
    assert!(found["accuracy"].as_f64().unwrap() <= 1.0);
    // the difference is that of the two files, over pairs that both define
    let exported = |args: &[&str]| -> ndarray::Array2<f64> {
        let out = scratch.path("out.npy");
        scratch.ok(&[&["export", run, "--out", out.to_str().unwrap()], args].concat());
        ndarray_npy::read_npy(&out).unwrap()
    };
    let (whole, pruned) = (exported(&[]), exported(&["--mode", "pruned"]));
    let n = layers.len();
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    let apart = pairs.map(|at| (whole[at] - pruned[at]).abs()).filter(|v| !v.is_nan());
    let apart: Vec<f64> = apart.collect();
    let mean = apart.iter().sum::<f64>() / apart.len() as f64;
    let told = found["mean_difference"].as_f64().unwrap();
    assert!((told - mean).abs() < 1e-12 && mean > 1e-4, "{told} {mean}");
    for (i, layer) in layers.iter().enumerate() {
        let gone = layer["block"] == 1 && (layer["stage"] == 2 || layer["stage"] == 3);
        assert_eq!(pruned[(i, i)].is_nan(), gone || whole[(i, i)].is_nan(), "{layer}");
    }
    let table = scratch.ok(&["show", run]);
    let line = table.lines().find(|l| l.starts_with("2.1,3.1 ")).unwrap();
    assert!(line.contains(&format!("{mean:.4}")) && line.ends_with("current"), "{line}");
    let plain = scratch.ok(&["show", run, "--format", "plain"]);
    assert!(
        plain.contains("map without 2.1,3.1: analysis/maps/cka-without-blocks-2.1+3.1/values.npy"),
        "{plain}"
    );

    // every format, its standard errors, and what is not known of it
    // the flag's former name
    let npy = exported(&["--blocks", "3.1,2.1"]);
    assert!(npy.iter().zip(&pruned).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan()));
    let se = exported(&["--residual-blocks", "2.1,3.1", "--mode", "se"]);
    assert!(se[(0, 1)] > 0.0 && se[(0, 1)] != npy[(0, 1)]);
    for out in ["map.png", "map.svg", "map.csv"] {
        scratch.ok(&["export", run, "--out", out, "--mode", "pruned", "--view", "convs"]);
    }
    let svg = fs::read_to_string(scratch.path("map.svg")).unwrap();
    assert!(svg.contains("CKA without 2.1,3.1"), "{}", &svg[..500]);
    let csv = fs::read_to_string(scratch.path("map.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 15 * 15);
    let without =
        ["export", run, "--out", "x.npy", "--residual-blocks", "2.1,3.1", "--mode", "without-pc1"];
    scratch.fails(&without, 2, &["whole network only"]);
    let grid = ["export", "--grid", "depth,seed", "--out", "x.png", "--mode", "pruned"];
    scratch.fails(&grid, 2, &["one run"]);
    let other = ["export", run, "--out", "x.npy", "--residual-blocks", "3.1"];
    scratch.fails(&other, 1, &["there are those without 2.1,3.1", "--residual-blocks 3.1 --map"]);

    // damage is one line about this map, and the run opens
    fs::write(folder.join("values.npy"), &cka[..cka.len() - 8]).unwrap();
    scratch.fails(
        &["export", run, "--out", "x.npy", "--mode", "pruned"],
        1,
        &["values.npy", "--map"],
    );
    scratch.ok(&["show", run]);
    assert!(scratch.ok(&prune).contains("32 examples in 2 batches"), "it is made anew");
    assert!(read("values.npy") == cka, "the same again");
    fs::write(folder.join("map.ron"), "(format: 1,").unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&scratch.ok(&["show", run, "--format", "json"])).unwrap();
    let problem = json["analyses"]["problems"][0].as_str().unwrap();
    assert!(problem.contains("2.1+3.1/map.ron:1:"), "{problem}");
}
