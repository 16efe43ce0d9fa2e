//! Tests of the store as its callers use it.

mod inside;
mod kills;

use std::fs;

use super::embedded::Embedded;
use super::*;
use crate::domain::MapKey;

static TABLE: &[(&str, &[u8])] = &[
    ("inside/run.ron", b"(format: 9)"),
    ("inside/weights.safetensors", b"embedded weights"),
    ("shadowed/run.ron", b"(format: 9)"),
];

#[test]
fn a_run_comes_back_as_it_was_written() {
    let (_dir, store) = fixtures::store();
    let manifest = fixtures::manifest("a");
    let folder = store.create("a", &manifest, b"weights", false).unwrap();
    let id = store.resolve("a").unwrap();
    assert_eq!(id, RunId::Disk(folder.clone()));
    let run = store.load(&id).unwrap();
    assert_eq!((run.manifest, run.maps), (manifest, RunMaps::default()));
    assert_eq!(&*store.weights(&id).unwrap().bytes, b"weights");

    let analysis = fixtures::analysis(20);
    store.write_map(&id, &analysis).unwrap();
    let back = store.load(&id).unwrap();
    assert!(!back.analysis_is_stale());
    let back = back.cka().unwrap();
    assert_eq!(back.record, analysis.record);
    for (i, j) in [(0, 0), (0, 2), (1, 5), (19, 3)] {
        assert_eq!(back.values.get(i, j), analysis.values.get(i, j));
        assert_eq!(back.error_at(i, j), analysis.error_at(i, j));
    }
    // A second analysis replaces the first, also with another number of layers.
    store.write_map(&id, &fixtures::analysis(7)).unwrap();
    assert_eq!(store.map(&id, &MapKey::cka()).unwrap().unwrap().values.rows(), 7);
    let left: Vec<_> = fs::read_dir(folder.join("analysis/maps/cka")).unwrap().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn an_analysis_of_other_weights_is_stale() {
    let (_dir, store) = fixtures::store();
    let mut manifest = fixtures::manifest("a");
    let id = RunId::Disk(store.create("a", &manifest, b"w", false).unwrap());
    store.write_map(&id, &fixtures::analysis(3)).unwrap();
    manifest.weights_hash = Some("00".repeat(32));
    store.write_manifest(&id, &manifest).unwrap();
    assert!(store.load(&id).unwrap().analysis_is_stale());
}

#[test]
fn the_list_has_the_first_run_first_then_the_newest_and_hides_no_damage() {
    let (_dir, store) = fixtures::store();
    assert!(store.clone().with_embedded(Embedded::new(&[])).list().is_empty());
    for (name, created) in [
        ("old", "2024-01-01T00:00:00Z"),
        ("new", "2026-01-01T00:00:00Z"),
        (FIRST_RUN, "2020-01-01T00:00:00Z"),
    ] {
        let mut manifest = fixtures::manifest(name);
        manifest.created = created.into();
        store.create(name, &manifest, b"w", false).unwrap();
    }
    let root = store.root().to_path_buf();
    fs::create_dir_all(root.join("broken/analysis")).unwrap();
    fs::create_dir(root.join("unrelated")).unwrap();
    fs::create_dir(root.join(".new-left-over")).unwrap();
    fs::create_dir_all(root.join("shadowed")).unwrap();
    fs::write(root.join("shadowed/run.ron"), "(format: 1,\n x").unwrap();
    store.write_map(&RunId::Disk(root.join("new")), &fixtures::analysis(28)).unwrap();
    fs::create_dir_all(root.join("old/analysis/maps/cka")).unwrap();
    fs::write(root.join("old/analysis/maps/cka/map.ron"), "(").unwrap();

    let list = store.with_embedded(Embedded::new(TABLE)).list();
    let names: Vec<&str> = list.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names, [FIRST_RUN, "new", "old", "broken", "shadowed", "inside"]);
    assert!(list[1].analysis && !list[0].analysis);
    let preview = list[1].preview.as_ref().unwrap();
    assert_eq!((preview.rows(), preview.cols()), (14, 14));
    assert!(list[2].analysis_error.as_ref().unwrap().contains("map.ron:1:"));
    assert!(list[2].manifest.is_ok() && list[2].preview.is_none());
    assert!(list[3].manifest.as_ref().unwrap_err().contains("missing"));
    assert!(list[4].manifest.as_ref().unwrap_err().contains("run.ron:2:"));
    assert_eq!(list[5].id, RunId::Embedded("inside".into()));
    assert!(list[5].manifest.as_ref().unwrap_err().contains("newer blockscope (format 9"));
}

#[test]
fn a_root_that_is_no_folder_is_listed_with_its_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let list = RunStore::new(file).with_embedded(Embedded::new(TABLE)).list();
    assert_eq!(list.len(), 3);
    assert!(list[0].manifest.as_ref().unwrap_err().contains("cannot read"));
}

#[test]
fn names_paths_and_embedded_runs_resolve() {
    let (dir, store) = fixtures::store();
    let store = store.with_embedded(Embedded::new(TABLE));
    let folder = store.create("here", &fixtures::manifest("here"), b"w", false).unwrap();
    let text = |path: &std::path::Path| path.to_str().unwrap().to_string();
    let id = RunId::Disk(folder.clone());
    assert_eq!(store.resolve("here").unwrap(), id);
    assert_eq!(store.resolve(&text(&folder)).unwrap(), id);
    assert_eq!(store.resolve(&text(&folder.join("run.ron"))).unwrap(), id);
    assert_eq!(store.resolve("inside").unwrap(), RunId::Embedded("inside".into()));
    let error = store.resolve("here2").unwrap_err().to_string();
    assert!(error.contains("did you mean \"here\""), "{error}");
    let error = store.resolve(&text(dir.path())).unwrap_err().to_string();
    assert!(error.contains("not a run"), "{error}");
    assert!(matches!(store.resolve(""), Err(RunError::Unknown { .. })));
    assert!(matches!(store.resolve("\0"), Err(RunError::Unknown { .. })));
    // A folder of the root without a run.ron hides no run inside the program.
    fs::create_dir(store.root().join("inside")).unwrap();
    assert_eq!(store.resolve("inside").unwrap(), RunId::Embedded("inside".into()));
}

#[test]
fn names_are_checked_and_taken_names_refused() {
    let (_dir, store) = fixtures::store();
    let manifest = fixtures::manifest("a");
    for bad in ["", "..", "a/b", ".a", "a\0", "a\\b"] {
        assert!(matches!(store.create(bad, &manifest, b"", false), Err(RunError::Name { .. })));
    }
    assert!(!store.root().exists());
    store.create("a", &manifest, b"one", false).unwrap();
    assert!(matches!(store.create("a", &manifest, b"two", false), Err(RunError::Exists(_))));
    let folder = store.create("a", &manifest, b"two", true).unwrap();
    assert_eq!(fs::read(folder.join("weights.safetensors")).unwrap(), b"two");
    assert_eq!(fs::read_dir(store.root()).unwrap().count(), 1);
}

#[test]
fn an_embedded_run_is_copied_before_it_is_written_to() {
    let (_dir, store) = fixtures::store();
    let text = super::write::to_ron(&fixtures::manifest("inside")).unwrap();
    let table: &'static [(&str, &[u8])] = Box::leak(Box::new([
        ("inside/run.ron", &*text.into_bytes().leak()),
        ("inside/weights.safetensors", b"w"),
        ("inside/metrics.csv", b"epoch\n"),
    ]));
    let store = store.with_embedded(Embedded::new(table));
    let id = store.resolve("inside").unwrap();
    assert_eq!(&*store.weights(&id).unwrap().bytes, b"w");
    assert_eq!(store.load(&id).unwrap().manifest.name, "inside");
    assert!(!store.root().exists());
    store.write_map(&id, &fixtures::analysis(4)).unwrap();
    let copy = store.resolve("inside").unwrap();
    assert_eq!(copy, RunId::Disk(store.root().join("inside")));
    assert_eq!(store.load(&copy).unwrap().cka().unwrap().record, fixtures::analysis(4).record);
    assert_eq!(&*store.weights(&copy).unwrap().bytes, b"w");
    assert_eq!(store.list().len(), 1);
}

#[test]
fn the_program_names_itself_with_its_version() {
    assert!(program().starts_with("blockscope 0."));
}
