//! The program from outside: import, analyze, show, train and doctor on small
//! data, and bad input, which gets one line, the right exit code, and leaves
//! nothing half-written.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use blockscope::domain::{ModelSpec, Preset};
use blockscope::model::init::initial_state;
use blockscope::model::weights::{Precision, write_safetensors};
use common::scratch::Scratch;

impl Scratch {
    /// A folder with CIFAR-10 files in it.
    fn new() -> Scratch {
        let scratch = Scratch::empty();
        scratch.put_cifar10(scratch.folder(), 7919);
        scratch
    }

    fn data(&self) -> String {
        format!("cifar10:{}", self.folder().display())
    }

    fn import(&self, name: &str) -> String {
        let data = self.data();
        let weights = fixture("resnet8_legacy.pth");
        self.ok(&["import", &weights, "--preset", "he", "--data", &data, "--name", name])
    }
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    path.to_str().unwrap().to_string()
}

#[test]
fn a_checkpoint_becomes_a_run_with_a_map() {
    let scratch = Scratch::new();
    let text = scratch.import("tiny");
    assert!(text.contains("ResNet-8 x0.25") && text.contains("of 40 images"), "{text}");
    let data = scratch.data();
    scratch.ok(&["analyze", "tiny", "--data", &data, "--batch", "10", "--sample", "first"]);
    let json = scratch.ok(&["show", "tiny", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["name"], "tiny");
    assert_eq!(json["model"]["depth"], 8);
    assert!(json["test_accuracy"].as_f64().unwrap() <= 1.0);
    assert!(json["device"].as_str().unwrap().starts_with("cpu"));
    assert_eq!(json["layers"].as_array().unwrap().len(), 26);
    let cka = &json["analyses"]["cka"];
    assert_eq!(cka["batches"], 4);
    let values = cka["values"].as_array().unwrap();
    assert_eq!(values.len(), 26);
    for (i, row) in values.iter().enumerate() {
        assert!((row[i].as_f64().unwrap() - 1.0).abs() < 1e-9);
    }
    let table = scratch.ok(&["show", "tiny"]);
    assert!(table.contains("layer2.0.conv1"), "{table}");
    let csv = scratch.ok(&["show", "tiny", "--format", "csv"]);
    assert_eq!(csv.lines().count(), 1 + 26 * 26, "{}", &csv[..200.min(csv.len())]);
    assert_eq!(scratch.names(), ["tiny"]);
}

#[test]
fn a_training_leaves_a_complete_run() {
    let scratch = Scratch::new();
    let data = scratch.data();
    let args = [
        "train",
        "--data",
        &data,
        "--depth",
        "8",
        "--width",
        "0.25",
        "--epochs",
        "2",
        "--batch",
        "32",
        "--checkpoint-every",
        "1",
        "--name",
        "trained",
        "--f16",
    ];
    let text = scratch.ok(&args);
    assert!(text.contains("test accuracy"), "{text}");
    let folder = scratch.path("runs").join("trained");
    let metrics = fs::read_to_string(folder.join("metrics.csv")).unwrap();
    assert_eq!(metrics.lines().count(), 3, "{metrics}");
    assert!(folder.join("checkpoints/epoch-0002.safetensors").is_file());
    let manifest = fs::read_to_string(folder.join("run.ron")).unwrap();
    assert!(manifest.contains("Complete"), "{manifest}");
    scratch.ok(&["analyze", "trained", "--data", &data, "--batch", "20"]);
    // The same seed gives the same weights, another seed does not.
    let weights =
        |name: &str| fs::read(scratch.path("runs").join(name).join("weights.safetensors"));
    let again = |name: &'static str, seed: &'static str| {
        let mut args = args.to_vec();
        args[14] = name;
        args.extend(["--seed", seed]);
        scratch.ok(&args);
        weights(name).unwrap()
    };
    assert!(again("same", "0") == weights("trained").unwrap());
    assert!(again("other", "1") != weights("trained").unwrap());
}

#[test]
fn bad_data_is_named() {
    let scratch = Scratch::new();
    scratch.import("tiny");
    let analyze = |data: &str, code, parts: &[&str]| {
        scratch.fails(&["analyze", "tiny", "--data", data], code, parts);
    };
    let data = scratch.data();
    let test = scratch.path("cifar-10-batches-bin/test_batch.bin");
    let good = fs::read(&test).unwrap();
    fs::write(&test, &good[..good.len() - 100]).unwrap();
    analyze(&data, 1, &["test_batch.bin", "record"]);
    let mut bad = good.clone();
    bad[3073 * 5] = 77;
    fs::write(&test, &bad).unwrap();
    analyze(&data, 1, &["test_batch.bin", "77"]);
    fs::write(&test, &good).unwrap();
    analyze("cifar10:nowhere", 1, &["nowhere"]);
    for class in ["train/cat", "train/dog", "test/cat", "test/dog"] {
        fs::create_dir_all(scratch.path("pictures").join(class)).unwrap();
    }
    analyze("folder:pictures", 1, &["cat"]);
    let analysis: Vec<_> = fs::read_dir(scratch.path("runs/tiny/analysis"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(analysis.iter().all(|file| file.starts_with("predictions.")), "{analysis:?}");
}

#[test]
fn bad_checkpoints_are_explained() {
    let scratch = Scratch::new();
    let data = scratch.data();
    let import = |weights: &str, parts: &[&str]| {
        let args = ["import", weights, "--data", &data, "--name", "bad"];
        scratch.fails(&args, 1, parts);
    };
    import("absent.pth", &["absent.pth"]);
    let whole = fs::read(fixture("resnet8.pt")).unwrap();
    fs::write(scratch.path("cut.pt"), &whole[..whole.len() / 2]).unwrap();
    import("cut.pt", &["cut.pt"]);
    // Another architecture: a tensor list that is no CIFAR ResNet's.
    use safetensors::tensor::{Dtype, TensorView};
    let bytes = [0u8; 16];
    let write = |name: &str, tensors: &[&str]| {
        let views =
            tensors.iter().map(|t| (*t, TensorView::new(Dtype::F32, vec![2, 2], &bytes).unwrap()));
        fs::write(scratch.path(name), safetensors::serialize(views, None).unwrap()).unwrap();
    };
    write("vit.safetensors", &["blocks.0.attn.qkv.weight", "head.weight"]);
    import("vit.safetensors", &["not a CIFAR ResNet", "conv1.weight"]);
    assert!(scratch.names().is_empty());
}

#[test]
fn one_network_of_a_file_is_taken_and_it_has_to_fit_the_images() {
    let scratch = Scratch::new();
    let data = scratch.data();
    let accuracy = |text: &str| text.lines().nth(1).unwrap().to_string();
    let plain = accuracy(&scratch.import("plain"));
    let two = fixture("pickles/training_two.pt");
    let import = |name: &'static str, more: &[&'static str]| {
        [&["import", &two, "--data", &data, "--name", name][..], more].concat()
    };
    scratch.fails(&import("two", &[]), 1, &["training_two.pt", "(ema, net)", "--key NAME"]);
    scratch.fails(&import("two", &["--key", "nett"]), 1, &["\"nett\"", "ema, net"]);
    assert_eq!(accuracy(&scratch.ok(&import("net", &["--key", "net"]))), plain);
    let prepared = fixture("pickles/training_prepared.pt");
    let text = scratch.ok(&["import", &prepared, "--data", &data, "--name", "prepared"]);
    assert!(text.contains("mean [0.5, 0.25, 0.125], deviation [0.25, 0.5, 0.75]"), "{text}");
    let spec = ModelSpec::new(Preset::He, 8, 0.25, 7, [3, 32, 32]).unwrap();
    let state = initial_state(&spec.network(), 0);
    let bytes = write_safetensors(&state, &spec, Precision::F32).unwrap();
    fs::write(scratch.path("seven.safetensors"), bytes).unwrap();
    let seven = ["import", "seven.safetensors", "--data", &data, "--name", "seven"];
    scratch.fails(&seven, 2, &["seven.safetensors", "7 classes", "10"]);
    assert_eq!(scratch.names(), ["net", "plain", "prepared"]);
}

#[test]
fn bad_runs_are_explained() {
    let scratch = Scratch::new();
    scratch.import("tiny");
    let data = scratch.data();
    scratch.ok(&["analyze", "tiny", "--data", &data, "--batch", "20"]);
    let folder = scratch.path("runs/tiny");
    let manifest = fs::read_to_string(folder.join("run.ron")).unwrap();
    let show = |parts: &[&str]| scratch.fails(&["show", "tiny"], 1, parts);
    fs::write(folder.join("run.ron"), manifest.replace("format: 2", "format: 9")).unwrap();
    show(&["run.ron", "newer"]);
    fs::write(folder.join("run.ron"), manifest.replace("depth: 8", "depth: eight")).unwrap();
    show(&["run.ron:", ":"]);
    fs::write(folder.join("run.ron"), &manifest).unwrap();
    let cka = ndarray::Array2::<f64>::zeros((3, 3));
    ndarray_npy::write_npy(folder.join("analysis/maps/cka/values.npy"), &cka).unwrap();
    // what is damaged beside it is told, whatever the format
    for format in ["table", "plain", "json", "csv"] {
        let output = scratch.run(&["show", "tiny", "--format", format]);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        // a list of what is not there has nothing to say
        assert_eq!(output.status.success(), format != "csv", "{format}: {text}");
        for part in ["warning", "cka/values.npy", "3x3", "26"] {
            assert!(text.contains(part), "{format}: {text}");
        }
    }
    scratch.fails(&["export", "tiny", "--out", "x.csv"], 1, &["cka/values.npy"]);
    scratch.fails(&["show", "tyni"], 1, &["tyni", "tiny"]);
    scratch.fails(&["show", ".."], 1, &[".."]);
}

#[test]
fn senseless_requests_are_refused_before_work() {
    let scratch = Scratch::new();
    scratch.import("tiny");
    let data = scratch.data();
    let train = |extra: &[&str], parts: &[&str]| {
        let mut args = vec!["train", "--data", &data, "--name", "t", "--epochs", "1"];
        args.extend(extra);
        let output = scratch.run(&args);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{text}");
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    };
    train(&["--depth", "21"], &["depth 21", "nearest: 20"]);
    train(&["--width", "0"], &["width 0"]);
    train(&["--fraction", "2"], &["2"]);
    train(&["--lr", "-1"], &["--lr"]);
    train(&["--batch", "4000"], &["4000"]);
    scratch.fails(&["analyze", "tiny", "--data", &data, "--batch", "3"], 2, &["--batch 3"]);
    scratch.fails(&["analyze", "tiny", "--data", &data, "--examples", "41"], 2, &["41", "40"]);
    scratch.fails(&["import", "x", "--data", &data, "--name", "../up"], 2, &["../up"]);
    scratch.fails(&["import", "x", "--data", &data, "--name", "tiny"], 1, &["tiny"]);
    let usage = scratch.run(&["analyze", "tiny", "--data", "mnist"]);
    assert_eq!(usage.status.code(), Some(2));
    assert_eq!(scratch.names(), ["tiny"]);
}

#[test]
fn without_a_terminal_the_explorer_says_so() {
    let scratch = Scratch::new();
    scratch.fails(&[], 2, &["terminal"]);
}

#[test]
fn doctor_names_version_device_and_paths() {
    let scratch = Scratch::new();
    let text = scratch.ok(&["doctor"]);
    for part in [env!("CARGO_PKG_VERSION"), "chosen device", "cpu (flex", "colours", "runs folder"]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn settings_hold_until_a_flag_or_a_fault() {
    let scratch = Scratch::new();
    let config = scratch.path("config");
    fs::create_dir(&config).unwrap();
    let put = |name: &str, text: &str| fs::write(config.join(name), text).unwrap();
    put("config.ron", "(threads: 1, color: \"256\", log_level: \"off\")");
    put("keys.ron", "{ \"zoom-in\": [\"z i\"], \"veiw\": [], \"mode\": [\"b\"] }");
    fs::create_dir(config.join("themes")).unwrap();
    put("themes/mine.ron", "(name: \"mine\", parent: \"dark\")");
    put("themes/bad.ron", "(name: \"bad\",\n parent: dark)");
    let text = scratch.ok(&["doctor"]);
    for part in [
        "threads        1",
        "256 (--color)",
        "config.ron (in order)",
        "keys.ron (2 faults, see below)",
        "themes (1 fault, see below)",
        "log            off",
        "keys.ron:1:23: no command `veiw`; did you mean `view`?",
        "keys.ron:1:44: `mode`: `b` already means `structures`",
        "bad.ron:2:",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(scratch.ok(&["doctor", "--color", "16"]).contains("16 (--color)"), "a flag wins");
    let keys = scratch.ok(&["keys"]);
    // what got no key keeps its own
    assert!(keys.contains("\nzi ") && keys.contains("\nm "), "{keys}");
    assert_eq!(scratch.run(&["keys", "--check"]).status.code(), Some(1));
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/theme-sample.ron");
    assert!(scratch.ok(&["themes", "--check", sample]).contains("20 of 20 roles"));
    let bad = config.join("themes/bad.ron");
    scratch.fails(&["themes", "--check", bad.to_str().unwrap()], 1, &["bad.ron:2:"]);
    assert!(scratch.ok(&["themes", "--dump", "mine"]).contains("\"mine\""));
    assert_eq!(scratch.run(&["themes"]).status.code(), Some(1));
    scratch.fails(&["--theme", "drak"], 2, &["did you mean \"dark\"?"]);
    scratch.fails(&["doctor", "--log-level", "wran"], 2, &["did you mean \"warn\"?"]);
    // a faulty file stops what would compute or read elsewhere, and nothing else
    put("config.ron", "(thread: 1)");
    scratch.fails(&["show", "x"], 2, &["config.ron:1:", "did you mean `threads`?"]);
    scratch.fails(&[], 2, &["terminal"]);
    assert!(scratch.ok(&["doctor"]).contains("config.ron (1 fault, see below)"));
    scratch.ok(&["keys", "--format", "md"]);
    let pages = scratch.path("pages");
    scratch.ok(&["man", "--dir", pages.to_str().unwrap()]);
    assert!(pages.join("blockscope.1").exists() && pages.join("blockscope-show.1").exists());
    assert!(scratch.ok(&["man"]).contains("EXIT STATUS"));
    assert!(scratch.ok(&["completions", "fish"]).contains("themes"));
}

#[test]
fn one_layer_and_one_table_are_shown() {
    let scratch = Scratch::new();
    let run = "resnet38-w2-cifar10-64th-s0";
    let text = scratch.ok(&["show", run, "--layer", "layer3.2.relu2"]);
    assert!(
        text.contains("place: residual block 3.2, after its connection")
            && text.contains("most similar: "),
        "{text}"
    );
    assert!(text.contains("block structure: layer3.2.relu1 to layer3.5.relu2"), "{text}");
    scratch.fails(&["show", run, "--layer", "layer3.2.relu9"], 1, &["did you mean"]);
    scratch.fails(&["show", run, "--layer", "conv1", "--format", "json"], 2, &["--format plain"]);
    let text = scratch.ok(&["show", run, "--table", "structures"]);
    assert!(text.starts_with("first,last,layers,mean"), "{text}");
    assert_eq!(text, scratch.ok(&["show", run, "--table", "blocks"]), "its former name");
    let text = scratch.ok(&["show", run, "--format", "plain"]);
    assert!(text.contains("block structure 1: from ") && !text.contains("  "), "{text}");
}

#[test]
fn blocks_are_deleted_and_a_pruned_run_is_written() {
    let scratch = Scratch::new();
    let data = scratch.data();
    scratch.ok(&[
        "train", "--data", &data, "--depth", "14", "--width", "0.25", "--epochs", "1", "--batch",
        "20", "--name", "a",
    ]);
    let shown = scratch.ok(&["prune", "a", "--data", &data, "--lesions", "--sweep"]);
    assert!(shown.contains("baseline") && shown.contains("1.0,1.1"), "{shown}");
    scratch.ok(&["prune", "a", "--data", &data, "--blocks", "1.0,2.1", "--out", "cut"]);
    let json: serde_json::Value =
        serde_json::from_str(&scratch.ok(&["show", "cut", "--format", "json"])).unwrap();
    assert_eq!(json["model"]["blocks"], serde_json::json!([1, 1, 2]));
    // the pruned run is a run like any other
    let shown = scratch.ok(&["analyze", "cut", "--data", &data, "--batch", "20"]);
    assert!(shown.contains("first components  40 examples"), "{shown}");
    let table = scratch.ok(&["show", "cut"]);
    assert!(
        table.contains("from a without residual blocks 1.0,2.1") && table.contains("PC1"),
        "{table}"
    );
    // refusals: one line, and nothing new in the runs folder
    let refused = |args: &[&str], code: i32, part: &str| scratch.fails(args, code, &[part]);
    refused(&["prune", "a", "--data", &data, "--residual-blocks", "2.0"], 2, "changes the shape");
    refused(&["prune", "a", "--lesions"], 2, "--data cifar10:PATH");
    refused(&["prune", "a", "--data", "shapes", "--lesions"], 2, "other images");
    refused(
        &["prune", "a", "--data", &data, "--residual-blocks", "1.1", "--out", "a", "--force"],
        2,
        "choose another name",
    );
    refused(&["analyze", "a", "--data", &data, "--pc-examples", "41"], 2, "only 40 test images");
    refused(&["prune", "resnet14-shapes-s0", "--data", &data, "--lesions"], 2, "other images");
    assert_eq!(scratch.names(), ["a", "cut"]);
}

#[cfg(unix)]
#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let scratch = Scratch::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_blockscope"))
        .args(["doctor", "--device", "cpu", "--runs"])
        .arg(scratch.path("runs"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !error.contains("panicked"), "{error}");
}
