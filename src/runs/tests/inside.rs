//! Files of components, probes and deletions: what is written comes back, and
//! what is damaged is named and keeps the run open.

use std::fs;
use std::path::Path;

use crate::domain::deletion::{DeletionRow, Experiment};
use crate::domain::flips::Flips;
use crate::fixtures::demo::{synthetic_run, with_findings};
use crate::runs::LoadedRun;
use crate::runs::embedded::Embedded;
use crate::runs::{RunId, RunStore, fixtures};

/// A store with a run that holds everything, and what it holds.
pub(super) fn full() -> (tempfile::TempDir, RunStore, RunId, LoadedRun) {
    let run = with_findings(synthetic_run(8));
    let (dir, store) = fixtures::store();
    let folder = store.create("a", &run.manifest, b"w", false).unwrap();
    let id = RunId::Disk(folder);
    run.maps.read().iter().for_each(|map| drop(store.write_map(&id, map).unwrap()));
    store.write_components(&id, run.components.as_ref().unwrap()).unwrap();
    store.write_probes(&id, run.probes.as_ref().unwrap()).unwrap();
    let deletion = run.deletion.clone().unwrap();
    store.merge_deletion(&id, deletion.record, deletion.table.rows().to_vec()).unwrap();
    store.write_predictions(&id, &fixtures::predictions()).unwrap();
    (dir, store, id, run)
}

fn folder(id: &RunId) -> &Path {
    match id {
        RunId::Disk(folder) => folder,
        RunId::Embedded(_) => panic!(),
    }
}

/// NaN is not equal to itself; the debug form is.
fn same(a: &impl std::fmt::Debug, b: &impl std::fmt::Debug) {
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

#[test]
fn everything_comes_back() {
    let (_dir, store, id, run) = full();
    let back = store.load(&id).unwrap();
    same(&back.maps, &run.maps);
    same(&back.components, &run.components);
    same(&back.probes, &run.probes);
    same(&back.deletion, &run.deletion);
    assert!(back.problems.is_empty(), "{:?}", back.problems);
}

#[test]
fn results_about_a_run_inside_the_program_go_to_a_copy_that_stands_in_for_it() {
    let (_dir, disk, id, run) = full();
    let read = |file: &str| std::fs::read(folder(&id).join(file)).unwrap().leak() as &[u8];
    let files = ["run.ron", "weights.safetensors"].map(String::from).into_iter();
    let map = ["map.ron", "values.npy", "se.npy"].map(|file| format!("analysis/maps/cka/{file}"));
    let files = files.chain(map);
    let table: Vec<(&str, &[u8])> =
        files.map(|file| (format!("inside/{file}").leak() as &str, read(&file))).collect();
    let table = Embedded::new(table.leak());
    let dir = tempfile::tempdir().unwrap();
    let rows = |correct| {
        let deleted = "1.1".parse().unwrap();
        let experiment = Experiment::Lesion;
        vec![DeletionRow { experiment, deleted, examples: 10_000, correct, loss: 1.0, flips: None }]
    };
    let record = || run.deletion.clone().unwrap().record;
    let inside = RunId::Embedded("inside".into());

    // where nothing can be written, one line, and the run is as it was
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    for root in [file.clone(), file.join("below")] {
        let store = RunStore::new(root).with_embedded(table);
        let error = store.merge_deletion(&inside, record(), rows(5)).unwrap_err().to_string();
        assert!(error.contains("file") && !error.contains('\n'), "{error}");
        assert!(store.load(&inside).unwrap().deletion.is_none());
        assert!(store.copy_of(&inside).is_none());
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left behind");

    let store = RunStore::new(dir.path().join("runs")).with_embedded(table);
    store.merge_deletion(&inside, record(), rows(5)).unwrap();
    let copy = store.copy_of(&inside).unwrap();
    assert_eq!(store.resolve("inside").unwrap(), RunId::Disk(copy.clone()));
    // also by the name that it had, as an explorer does that has it open
    for id in [&inside, &RunId::Disk(copy)] {
        let back = store.load(id).unwrap();
        same(&back.deletion.as_ref().unwrap().table.rows(), &rows(5));
        same(&back.cka(), &run.cka());
        assert_eq!(&*store.weights(id).unwrap().bytes, b"w");
    }
    store.merge_deletion(&inside, record(), rows(7)).unwrap();
    same(&store.load(&inside).unwrap().deletion.unwrap().table.rows(), &rows(7));
    assert_eq!(store.list().len(), 1);
    drop(disk);
}

#[test]
fn a_damaged_file_is_named_and_the_run_opens_without_it() {
    type Damage<'a> = &'a dyn Fn(Vec<u8>) -> Vec<u8>;
    let cases: [(&str, Damage<'_>, &str); 11] = [
        ("pc_scores.npy", &|b| b[..b.len() - 4].to_vec(), "bytes follow it"),
        ("maps/pc1-similarity/values.npy", &|_| b"nonsense".to_vec(), "not an .npy file"),
        ("maps/pc1-similarity/map.ron", &|_| b"(format: 99)".to_vec(), "newer blockscope"),
        (
            "maps/cka-without-pc1/map.ron",
            &|b| String::from_utf8(b).unwrap().replace("FirstComponent", "Dominant").into_bytes(),
            "which belongs in analysis/maps/cka-without-dominant",
        ),
        ("pc_share.csv", &|b| b[..b.len() / 2].to_vec(), "pc_share.csv"),
        ("pc_examples.csv", &|b| [&b[..], b"9,9\n"].concat(), "line"),
        ("components.ron", &|_| b"(format: 99)".to_vec(), "newer blockscope"),
        ("components.ron", &|b| b[..40].to_vec(), "components.ron:"),
        (
            "probes.csv",
            &|b| String::from_utf8(b).unwrap().replace("0.01", "x").into_bytes(),
            "line 2",
        ),
        (
            "deletion.csv",
            &|b| String::from_utf8(b).unwrap().replace("2.1", "2").into_bytes(),
            "blocks",
        ),
        (
            "deletion.csv",
            &|b| String::from_utf8(b).unwrap().replace("4123", "99999").into_bytes(),
            "correct",
        ),
    ];
    for (file, damage, expected) in cases {
        let (_dir, store, id, _) = full();
        let path = folder(&id).join("analysis").join(file);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, damage(bytes)).unwrap();
        let back = store.load(&id).unwrap();
        assert_eq!(back.problems.len(), 1, "{file}: {:?}", back.problems);
        let text = &back.problems[0];
        assert!(text.contains(file) && text.contains(expected), "{file}: {text}");
        assert!(!text.contains('\n') && back.cka().is_some());
    }
    let (_dir, store, id, _) = full();
    fs::remove_file(folder(&id).join("analysis/maps/cka-without-pc1/values.npy")).unwrap();
    let back = store.load(&id).unwrap();
    assert_eq!((back.maps.read().len(), back.problems.len()), (3, 1));
    assert!(back.problems[0].contains("missing; run `blockscope analyze`"), "{:?}", back.problems);
}

#[test]
fn rows_are_merged_unless_they_are_of_other_weights() {
    let (_dir, store, id, run) = full();
    let row = |deleted: &str| DeletionRow {
        experiment: Experiment::Chosen,
        deleted: deleted.parse().unwrap(),
        examples: 100,
        correct: 7,
        loss: 2.5,
        flips: Some(Flips { lost: 9, won: 3 }),
    };
    let record = run.deletion.unwrap().record;
    let before = store.load(&id).unwrap().deletion.unwrap().table.rows().len();
    let merged = store.merge_deletion(&id, record.clone(), vec![row("1.0")]).unwrap();
    assert_eq!(merged.table.rows().len(), before + 1);
    same(&store.load(&id).unwrap().deletion.unwrap(), &merged);
    let mut other = record;
    other.weights_hash = Some("12".repeat(32));
    let merged = store.merge_deletion(&id, other, vec![row("1.0")]).unwrap();
    let alone = DeletionRow { experiment: Experiment::Lesion, ..row("1.0") };
    assert_eq!(merged.table.rows(), [alone]);
}

#[test]
fn what_does_not_fit_together_is_not_written() {
    let (_dir, store, id, run) = full();
    let mut bad = run.components.unwrap();
    bad.components.images.pop();
    let text = store.write_components(&id, &bad).unwrap_err().to_string();
    assert!(text.contains("not written"), "{text}");
    assert!(store.load(&id).unwrap().components.is_some(), "the old one is untouched");
}
