//! The lab as its two users hold it: what stays open between jobs, and that the command
//! line and the explorer leave the same files.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use blockscope::domain::Bypass;
use blockscope::domain::deletion::DeletionRow;
use blockscope::domain::{MapKey, Preset};
use blockscope::engine::CancelToken;
use blockscope::lab::ask::{Analysis, CheckpointFile};
use blockscope::lab::{Event, Given, JobKind, Lab, MapOrigin, Watch};
use blockscope::runs::{RunId, RunStore};
use common::scratch::Scratch;

/// A folder with CIFAR-10 files in it.
fn scratch() -> Scratch {
    let scratch = Scratch::empty();
    scratch.put_cifar10(scratch.folder(), 7919);
    scratch
}

fn data(scratch: &Scratch) -> String {
    format!("cifar10:{}", scratch.folder().display())
}

/// The same with trained runs, which have blocks to delete.
fn with_runs(names: &[&str]) -> Scratch {
    let scratch = scratch();
    let data = data(&scratch);
    for (seed, name) in ["0", "1"].into_iter().zip(names) {
        #[rustfmt::skip]
        scratch.ok(&[
            "train", "--data", &data, "--depth", "14", "--width", "0.25", "--epochs", "1",
            "--batch", "20", "--seed", seed, "--name", name,
        ]);
    }
    scratch
}

fn lab(scratch: &Scratch, data: &str) -> Lab {
    let given = Given { source: Some(data.parse().unwrap()), for_all: false };
    let store = RunStore::new(scratch.path("runs"));
    Lab::new(store, "cpu".parse().unwrap(), given)
}

/// Everything that a job tells.
fn told(lab: &Lab, run: &RunId, kind: &JobKind) -> Result<Vec<Event>, String> {
    let mut told = Vec::new();
    let mut on = |event| told.push(event);
    let mut watch = Watch::new(&mut on, CancelToken::default());
    lab.answer(run, kind, &mut watch).map_err(|error| error.to_string())?;
    Ok(told)
}

/// The rows of a toggle, the last ones of each set.
fn toggle(lab: &Lab, run: &RunId, deleted: &str) -> Vec<DeletionRow> {
    let deleted: Bypass = deleted.parse().unwrap();
    let events = told(lab, run, &JobKind::Evaluate(deleted.clone())).unwrap();
    let rows = events.into_iter().filter_map(|event| match event {
        Event::Rows(rows) => Some(rows),
        _ => None,
    });
    rows.flatten().filter(|row| row.deleted == deleted).collect()
}

#[test]
fn toggling_a_block_reads_neither_weights_nor_images_again() {
    let scratch = with_runs(&["a"]);
    let cifar = scratch.path("mine");
    scratch.put_cifar10(&cifar, 7919);
    let moved = format!("cifar10:{}", cifar.display());
    let lab_of = |data: &str| lab(&scratch, data);
    let lab = lab_of(&data(&scratch));
    let run = lab.store().resolve("a").unwrap();
    let expected = toggle(&lab, &run, "2.1");
    assert_eq!(expected.len(), 1);

    let lab = lab_of(&moved);
    assert_eq!(toggle(&lab, &run, "1.1").len(), 1);
    let subject = lab.subject(&run).unwrap();
    let own = subject.manifest.data.fingerprint.clone();
    let images = lab.images_of(&subject.manifest, &own).unwrap();
    // what is on the disk is worth nothing from here on, and nobody looks at it
    fs::remove_dir_all(&cifar).unwrap();
    let path = scratch.path("runs").join("a").join("weights.safetensors");
    let (good, written) = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap());
    fs::write(&path, vec![0; good.len()]).unwrap();
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(written.modified().unwrap())
        .unwrap();
    assert_eq!(toggle(&lab, &run, "2.1"), expected);
    assert!(Arc::ptr_eq(&lab.subject(&run).unwrap(), &subject));
    let again = lab.images_of(&subject.manifest, &own).unwrap();
    assert!(Arc::ptr_eq(&again.test, &images.test));
    // other weights are noticed: these cannot be read
    fs::write(&path, vec![0; good.len() - 1]).unwrap();
    let kind = JobKind::Evaluate("3.1".parse().unwrap());
    assert!(told(&lab, &run, &kind).unwrap_err().contains("weights.safetensors"));
    fs::write(&path, &good).unwrap();
    assert!(told(&lab, &run, &kind).is_ok());
    assert!(!Arc::ptr_eq(&lab.subject(&run).unwrap().state, &subject.state));
}

#[test]
fn a_form_on_screen_gives_what_the_command_gives() {
    let scratch = with_runs(&["a"]);
    let images = data(&scratch);
    // the session was told nothing: the form says where the images are
    let lab =
        Lab::new(RunStore::new(scratch.path("runs")), "cpu".parse().unwrap(), Given::default());
    let run = lab.store().resolve("a").unwrap();
    let wanted = Analysis { batch: 64, components: false, ..Analysis::default() };
    let error = told(&lab, &run, &JobKind::Analyze(wanted.clone())).unwrap_err();
    assert!(error.contains("--data") || error.contains("images"), "{error}");
    let wrong = Analysis { data: Some("nonsense".into()), ..wanted.clone() };
    assert!(told(&lab, &run, &JobKind::Analyze(wrong)).is_err());
    let wanted = Analysis { data: Some(images.clone()), ..wanted };
    told(&lab, &run, &JobKind::Analyze(wanted)).unwrap();
    let map = || lab.store().map(&run, &MapKey::cka()).unwrap().unwrap();
    let shown = map();
    scratch.ok(&["analyze", "a", "--data", &images, "--batch", "64", "--pc-examples", "0"]);
    let printed = map();
    assert_eq!((&shown.record.plan, &shown.values), (&printed.record.plan, &printed.values));
    assert_ne!(shown.record.provenance.created, "");
    assert_eq!(lab.store().load(&run).unwrap().components, None);
}

#[test]
fn a_form_on_screen_imports_what_the_command_imports() {
    let scratch = with_runs(&["a"]);
    let images = data(&scratch);
    let lab =
        Lab::new(RunStore::new(scratch.path("runs")), "cpu".parse().unwrap(), Given::default());
    let file = scratch.path("runs").join("a/weights.safetensors").display().to_string();
    let wanted = CheckpointFile {
        file: file.clone(),
        name: "by-form".into(),
        preset: Preset::Paper,
        ..CheckpointFile::default()
    };
    let import = |wanted: &CheckpointFile| {
        let run = RunId::Disk(wanted.name.clone().into());
        told(&lab, &run, &JobKind::Import(wanted.clone()))
    };
    assert!(import(&wanted).unwrap_err().contains("images"));
    let wanted = CheckpointFile { data: Some(images.clone()), ..wanted };
    let gone = CheckpointFile { file: "gone.pt".into(), ..wanted.clone() };
    assert!(import(&gone).unwrap_err().contains("gone.pt"));
    let events = import(&wanted).unwrap();
    let unit = |event: &Event| matches!(event, Event::Progress { unit: "images", .. });
    assert!(events.iter().any(unit), "it tells how far it is");
    let says = |event: &Event| matches!(event, Event::Note(text) if text.contains("by-form"));
    assert!(events.iter().any(says));
    assert!(import(&wanted).unwrap_err().contains("by-form"), "the name is taken");
    #[rustfmt::skip]
    scratch.ok(&[
        "import", &file, "--preset", "paper", "--data", &images, "--name", "by-command",
    ]);
    let of = |name: &str| lab.store().manifest(&lab.store().resolve(name).unwrap()).unwrap();
    let (form, command) = (of("by-form"), of("by-command"));
    assert_eq!((form.test, form.model), (command.test, command.model));
    assert_eq!(form.weights_hash, command.weights_hash);
}

#[test]
fn a_pruned_network_is_saved_as_a_run_or_a_file() {
    let scratch = with_runs(&["a"]);
    let lab = lab(&scratch, &data(&scratch));
    let run = lab.store().resolve("a").unwrap();
    let cut = |name: &str| told(&lab, &run, &JobKind::Cut("2.1".parse().unwrap(), name.into()));
    let told = cut("small").unwrap();
    assert!(told.iter().any(|e| matches!(e, Event::Note(line) if line.contains("saved the run"))));
    let small = lab.store().load(&lab.store().resolve("small").unwrap()).unwrap().manifest;
    let whole = lab.store().load(&run).unwrap().manifest;
    assert_eq!(small.pruned_from.unwrap().deleted.to_string(), "2.1");
    assert_eq!(small.test.unwrap().examples, whole.data.test_examples);
    // a name that is taken, and a file
    assert!(cut("small").unwrap_err().contains("small"));
    let file = scratch.path("small.safetensors");
    let name = file.display().to_string();
    cut(&name).unwrap();
    let weights = fs::read(scratch.path("runs").join("small/weights.safetensors")).unwrap();
    assert_eq!(fs::read(&file).unwrap(), weights, "the same network");
    assert!(cut(&name).unwrap_err().contains("exists"));
}

#[test]
fn a_shipped_run_stays_open_when_its_first_result_copies_it() {
    let scratch = Scratch::empty();
    let lab = lab(&scratch, "shapes");
    let run = RunId::Embedded("resnet14-shapes-s0".into());
    let subject = lab.subject(&run).unwrap();
    let kind = JobKind::Evaluate("2.1".parse().unwrap());
    let events = told(&lab, &run, &kind).unwrap();
    assert!(events.iter().any(|e| matches!(e, Event::Note(line) if line.contains("is copied"))));
    assert_eq!(scratch.names(), ["resnet14-shapes-s0"]);
    assert!(Arc::ptr_eq(&lab.subject(&run).unwrap(), &subject));
}

/// The files of maps, with what tells when they were made blotted out.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, Vec<u8>)> = entries
        .flat_map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                let inside = files(&path).into_iter();
                return inside.map(|(file, bytes)| (format!("{name}/{file}"), bytes)).collect();
            }
            let bytes = fs::read(&path).unwrap();
            if !name.ends_with(".ron") {
                return vec![(name, bytes)];
            }
            let text = String::from_utf8(bytes).unwrap();
            let times = ["created:", "forward:", "gram:", "pairs:", "total:"];
            let timed = |line: &&str| times.iter().any(|t| line.trim_start().starts_with(t));
            let kept: Vec<&str> = text.lines().filter(|line| !timed(line)).collect();
            assert_eq!(text.lines().count() - kept.len(), times.len(), "{text}");
            vec![(name, kept.join("\n").into_bytes())]
        })
        .collect();
    files.sort();
    files
}

#[test]
fn explorer_and_command_line_leave_the_same_comparison() {
    let scratch = with_runs(&["a", "b"]);
    let data = data(&scratch);
    let plan = ["--batch", "16", "--examples", "32", "--seed", "5", "--data", &data];
    for run in ["a", "b"] {
        scratch.ok(&[&["analyze", run, "--pc-examples", "0"], &plan[..]].concat());
    }
    scratch.ok(&[&["compare", "a", "b"], &plan[..]].concat());
    let only = || {
        let folder = scratch.path("runs").join("comparisons");
        let mut found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let first = found.next().unwrap();
        assert!(found.next().is_none());
        first
    };
    let by_command = (only(), files(&only()));
    fs::remove_dir_all(only()).unwrap();
    let lab = lab(&scratch, &data);
    let [a, b] = ["a", "b"].map(|name| lab.store().resolve(name).unwrap());
    let events = told(&lab, &a, &JobKind::Cross(b)).unwrap();
    assert!(events.iter().any(|event| matches!(event, Event::Cross(_))));
    assert_eq!((only(), files(&only())), by_command);
    assert!(by_command.1.iter().any(|(name, _)| name == "cka/values.npy"));
}

#[test]
fn explorer_and_command_line_leave_the_same_pruned_map() {
    let scratch = with_runs(&["a"]);
    let data = data(&scratch);
    let plan = ["--batch", "16", "--examples", "32", "--data", &data];
    scratch.ok(&[&["analyze", "a", "--pc-examples", "0"], &plan[..]].concat());
    scratch.ok(&["prune", "a", "--blocks", "2.1", "--map", "--data", &data]);
    let folder = scratch.path("runs").join("a/analysis/maps/cka-without-blocks-2.1");
    let by_command = files(&folder);
    fs::remove_dir_all(&folder).unwrap();
    let lab = lab(&scratch, &data);
    let run = lab.store().resolve("a").unwrap();
    let events = told(&lab, &run, &JobKind::Map("2.1".parse().unwrap())).unwrap();
    let computed = |e: &Event| matches!(e, Event::Map(_, _, MapOrigin::Computed));
    assert!(events.iter().any(computed));
    assert_eq!(files(&folder), by_command);
}
