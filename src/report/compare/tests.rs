//! The three forms and the files of a comparison of two seeds and another depth.

use ndarray::Array2;
use serde_json::Value;

use super::*;
use crate::domain::Preset;
use crate::domain::contrast::contrast;
use crate::domain::predictions::tests::predictions;
use crate::domain::predictions::{Predictions, agreement};
use crate::domain::record::{DataRecord, Provenance, Sample, Seconds};
use crate::domain::{EstimatorId, MapPlan, MapRecord, Side};

fn side(name: &str, depth: usize) -> Side {
    let model = ModelSpec::new(Preset::He, depth, 1.0, 10, [3, 32, 32]).unwrap();
    let layers = model.layers();
    Side {
        run: name.into(),
        weights_hash: Some(name.repeat(8)),
        checkpoint: None,
        model: Some(model),
        layers,
        not_finite: Vec::new(),
    }
}

fn pair(rows: Side, cols: Side, value: impl Fn(usize, usize) -> f64, pc1: bool) -> PairMaps {
    let shape = (rows.layers.len(), cols.layers.len());
    let cka = Array2::from_shape_fn(shape, |(i, j)| value(i, j));
    let errors = SimilarityMatrix::new(cka.mapv(|v| v.abs() / 100.0));
    let without = pc1.then(|| SimilarityMatrix::new(cka.mapv(|v| v / 2.0)));
    let record = MapRecord {
        provenance: Provenance {
            program: "blockscope 0.1.0".into(),
            created: "2026-08-14T10:00:00Z".into(),
            device: "cpu".into(),
        },
        data: DataRecord {
            source: "cifar10".into(),
            classes: Vec::new(),
            train_examples: 0,
            test_examples: 1000,
            fraction: 1.0,
            fingerprint: "cd".repeat(32),
        },
        rows,
        cols: Some(cols),
        plan: MapPlan {
            examples: 1000,
            dropped: 0,
            batch: 256,
            batches: 4,
            passes: 1,
            sample: Sample::First,
            seed: 0,
        },
        weighting: "pairs".into(),
        seconds: Seconds::default(),
        estimator: EstimatorId::from_sentence("unbiased"),
        left_out: None,
        difference: None,
    };
    PairMaps::new(record, SimilarityMatrix::new(cka), errors, without)
}

/// Two ResNet-8 `a` and `b` and a ResNet-14 `c`; A is `a, b`, B is `c`.
fn comparison(pc1: bool) -> Comparison {
    let sides = [side("a", 8), side("b", 8), side("c", 14)];
    let guesses: [Predictions; 3] =
        [predictions(&[0, 1, 2, 3]), predictions(&[0, 1, 0, 0]), predictions(&[0, 0, 0, 3])];
    let mut pairs = Vec::new();
    for i in 0..3 {
        for j in i..3 {
            let value = move |r: usize, c: usize| match (i == j, r == c) {
                (true, true) => 1.0,
                (false, true) if r == 1 => f64::NAN,
                (_, true) => 0.75,
                _ => 0.25,
            };
            let analysis = pair(sides[i].clone(), sides[j].clone(), value, pc1);
            pairs.push(Pair::new((i, j), analysis, i == j));
        }
    }
    let member = |k: usize| Member {
        name: sides[k].run.clone(),
        model: sides[k].model.clone().unwrap(),
        layers: sides[k].layers.len(),
        weights_hash: sides[k].weights_hash.clone().unwrap(),
        accuracy: Some(guesses[k].accuracy()),
    };
    let all: Vec<&Predictions> = guesses.iter().collect();
    let mut found = Comparison {
        members: (0..3).map(member).collect(),
        data: pairs[0].analysis.images(),
        plan: pairs[0].analysis.key(),
        pairs,
        groups: Vec::new(),
        agreement: Some(agreement(&all).unwrap()),
        contrast: Some(contrast(&all[..2], &all[2..]).unwrap()),
        classes: ["frog", "ship"].map(String::from).to_vec(),
        notes: vec!["layers of\u{7} c differ".into()],
    };
    for (name, members) in [("A", vec![0, 1]), ("B", vec![2])] {
        let statistics = found.statistics(&members).map_err(|e| e.to_string());
        found.groups.push(Group { name, members, statistics });
    }
    found
}

#[test]
fn the_table_reads_line_by_line() {
    let text = table(&comparison(false));
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    let short: Vec<&str> = text.lines().filter(|line| !line.starts_with("layer")).collect();
    insta::assert_snapshot!(short.join("\n"));
    let with = table(&comparison(true));
    assert!(with.contains("without PC1") && with.contains("0.3750"), "{with}");
}

#[test]
fn json_holds_every_matrix() {
    let text = json(&comparison(true)).unwrap();
    assert_eq!(text.lines().count(), 1);
    let v: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(v["runs"][2]["title"], "ResNet-14 x1");
    assert_eq!(v["runs"][0]["layers"][3]["name"], "layer1.0.conv1");
    let pair = &v["pairs"][2];
    assert_eq!(
        (&pair["rows"], &pair["cols"], &pair["reused"]),
        (&0.into(), &2.into(), &false.into())
    );
    let (rows, cols) = (
        v["runs"][0]["layers"].as_array().unwrap().len(),
        pair["cka"][0].as_array().unwrap().len(),
    );
    assert_eq!(pair["cka"].as_array().unwrap().len(), rows);
    assert_eq!(cols, v["runs"][2]["layers"].as_array().unwrap().len());
    assert_eq!((&pair["cka"][1][1], &pair["cka"][2][2]), (&Value::Null, &0.75.into()));
    assert_eq!(pair["cka_without_pc1"][2][2], 0.375);
    let group = &v["groups"][0];
    assert_eq!(group["corresponding"][2]["mean"], 0.75);
    assert_eq!(group["corresponding"][1]["mean"], Value::Null);
    assert_eq!(group["variance"][0][0], 0.0);
    assert!(v["groups"][1]["problem"].as_str().unwrap().contains("at least two"));
    assert_eq!(v["agreement"][0][1], 0.5);
    assert_eq!(v["contrast"]["examples"][1]["a"], 1.0);
    assert_eq!(v["contrast"]["classes"].as_array().unwrap().len(), 4);
    assert_eq!(v["contrast"]["null"], Value::Null);
}

#[test]
fn csv_has_a_line_per_pair_of_layers() {
    let found = comparison(true);
    let text = csv(&found).unwrap();
    let cells: usize = found.pairs.iter().map(|p| p.analysis.cka.values.view().len()).sum();
    assert_eq!(text.lines().count(), 1 + cells);
    assert!(text.contains("\na,b,1,1,bn1,bn1,,,\n"), "undefined cells are empty");
    assert!(text.contains("\na,c,2,2,relu1,relu1,0.75,0.0075,0.375\n"));
}

#[test]
fn files_have_names_of_their_own_and_hold_what_was_computed() {
    let mut found = comparison(true);
    found.members[1].name = "a".into();
    found.members[2].name = "../c d".into();
    let files = files(&found).unwrap();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len());
    assert!(names.iter().all(|name| !name.contains(['/', ' ']) && !name.starts_with('.')));
    for name in
        ["a--a+.cka.npy", "group-a.variance.npy", "agreement.csv", "classes.csv", "examples.csv"]
    {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let text = |name: &str| {
        let (_, bytes) = files.iter().find(|(found, _)| found == name).unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    };
    assert_eq!(text("examples.csv").lines().nth(1), Some("0,0,frog,1,1,1,1"));
    assert!(text("group-a.layers.csv").contains("\n2,relu1,0.75,,1,0.375,\n"));
    assert!(text("classes.csv").contains("\n1,ship,1,1,0,1,"));
}
