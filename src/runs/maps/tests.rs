//! Maps of a run: what is written comes back, what is damaged is one line about that
//! map alone.

use std::fs;

use ndarray::Array2;

use super::*;
use crate::domain::Bypass;
use crate::domain::record::Sample;
use crate::fixtures::demo::synthetic_run;
use crate::runs::fixtures::{self, pruned as map};
use crate::runs::{LoadedRun, RunId, RunStore};

/// A store with a run of a ResNet-20 that holds two pruned maps.
fn full() -> (tempfile::TempDir, RunStore, RunId, LoadedRun) {
    let mut run = synthetic_run(20);
    run.manifest.weights_hash = Some("ab".repeat(32));
    let (dir, store) = fixtures::store();
    let id = RunId::Disk(store.create("a", &run.manifest, b"w", false).unwrap());
    store.write_map(&id, run.cka().unwrap()).unwrap();
    for deleted in ["2.1,2.2", "3.1"] {
        store.write_map(&id, &map(&run, deleted)).unwrap();
    }
    (dir, store, id, run)
}

fn pruned(store: &RunStore, id: &RunId, deleted: &str) -> Result<Option<Map>, RunError> {
    store.map(id, &MapKey::pruned(deleted.parse().unwrap()))
}

fn record_of(run: &LoadedRun, at: usize) -> &MapRecord {
    run.maps.pruned().nth(at).unwrap().1
}

/// NaN is not equal to itself; the debug form is.
fn same(a: &impl std::fmt::Debug, b: &impl std::fmt::Debug) {
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

#[test]
fn maps_come_back_and_are_listed_fewest_blocks_first() {
    let (_dir, store, id, run) = full();
    let back = store.load(&id).unwrap();
    assert!(back.problems.is_empty(), "{:?}", back.problems);
    let paths: Vec<String> = back.maps.pruned().map(|(key, _)| path(key)).collect();
    let expected = [
        "analysis/maps/cka-without-blocks-3.1/values.npy",
        "analysis/maps/cka-without-blocks-2.1+2.2/values.npy",
    ];
    assert_eq!(paths, expected);
    let RunId::Disk(folder) = &id else { panic!() };
    assert!(paths.iter().all(|path| folder.join(path).is_file()));
    for deleted in ["3.1", "2.2,2.1"] {
        let found = pruned(&store, &id, deleted).unwrap().unwrap();
        same(&found, &map(&run, deleted));
        assert!(back.pruned_fits(&found.record) && found.record.difference > Some(0.1));
        assert_eq!(found.layers(), run.cka().unwrap().layers());
    }
    assert!(pruned(&store, &id, "2.1").unwrap().is_none());
    // a newer one of the same blocks takes the place of the old one
    let mut newer = map(&run, "3.1");
    newer.record.provenance.device = "another".into();
    store.write_map(&id, &newer).unwrap();
    let back = store.load(&id).unwrap();
    assert_eq!(back.maps.pruned().count(), 2);
    assert_eq!(record_of(&back, 0).provenance.device, "another");
}

#[test]
fn a_map_fits_the_weights_and_images_that_it_is_of() {
    let (_dir, store, id, _) = full();
    let back = store.load(&id).unwrap();
    let good = record_of(&back, 0);
    let refused = |change: fn(&mut MapRecord)| {
        let mut record = good.clone();
        change(&mut record);
        assert!(!back.pruned_fits(&record), "{record:?}");
    };
    refused(|r| r.rows.weights_hash = Some("other".into()));
    refused(|r| r.rows.weights_hash = None);
    refused(|r| r.data.fingerprint = "other".into());
    refused(|r| r.plan.examples -= 1);
    refused(|r| r.plan.batch += 1);
    refused(|r| r.plan.passes += 1);
    refused(|r| r.plan.sample = Sample::Random);
    refused(|r| r.estimator.version += 1);
    // images in order do not depend on the seed
    let mut other = good.clone();
    other.plan.seed = 9;
    assert!(back.pruned_fits(&other));
}

#[test]
fn a_damaged_map_is_one_line_about_it_alone() {
    type Damage<'a> = &'a dyn Fn(Vec<u8>) -> Vec<u8>;
    let records: [(Damage<'_>, &str); 6] = [
        (&|_| b"(format: 99)".to_vec(), "newer blockscope"),
        (&|b| b[..60].to_vec(), "map.ron:"),
        (&|b| replace(b, "block: 1", "block: 7"), "deleted: there is no residual block 3.7"),
        (
            &|b| replace(b, "block: 1", "block: 2"),
            "belongs in analysis/maps/cka-without-blocks-3.2",
        ),
        (&|b| replace(b, "difference: Some(", "difference: Some(-"), "difference -"),
        (&|b| replace(b, "cpu (flex", "cpu\u{1b}(flex"), "control character"),
    ];
    for (damage, expected) in records {
        let (_dir, store, id, _) = full();
        let RunId::Disk(folder) = &id else { panic!() };
        let path = folder.join("analysis/maps/cka-without-blocks-3.1/map.ron");
        let bytes = fs::read(&path).unwrap();
        let damaged = damage(bytes.clone());
        assert_ne!(bytes, damaged, "{expected}");
        fs::write(&path, damaged).unwrap();
        let back = store.load(&id).unwrap();
        assert_eq!(
            (back.maps.pruned().count(), back.problems.len()),
            (1, 1),
            "{:?}",
            back.problems
        );
        let text = &back.problems[0];
        assert!(text.contains("3.1/map.ron") && text.contains(expected), "{text}");
        assert!(!text.contains('\n') && back.cka().is_some());
        assert!(pruned(&store, &id, "3.1").is_err());
        assert!(pruned(&store, &id, "2.1,2.2").unwrap().is_some());
    }
    let small = npy::encode(&fixtures::analysis(4).values).unwrap();
    let arrays: [(&str, Option<&[u8]>, &str); 3] = [
        (VALUES, Some(b"nonsense"), "not an .npy file"),
        (VALUES, Some(&small), "4x4 values for 70 layers"),
        (ERRORS, None, "missing"),
    ];
    for (file, bytes, expected) in arrays {
        let (_dir, store, id, run) = full();
        let RunId::Disk(folder) = &id else { panic!() };
        let path = folder.join("analysis/maps/cka-without-blocks-3.1").join(file);
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        assert!(store.load(&id).unwrap().problems.is_empty(), "maps are not read at once");
        let text = pruned(&store, &id, "3.1").unwrap_err().to_string();
        assert!(text.contains(file) && text.contains(expected), "{text}");
        assert!(text.contains("--residual-blocks 3.1 --map") && !text.contains('\n'), "{text}");
        store.write_map(&id, &map(&run, "3.1")).unwrap();
        assert!(pruned(&store, &id, "3.1").unwrap().is_some());
    }
}

fn replace(bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    String::from_utf8(bytes).unwrap().replace(from, to).into_bytes()
}

#[test]
fn what_is_no_map_is_passed_over_and_not_too_many_are_listed() {
    let (_dir, store, id, _) = full();
    let RunId::Disk(folder) = &id else { panic!() };
    let place = folder.join(FOLDER);
    // a file, what a killed program leaves, a hidden folder
    fs::write(place.join("notes.txt"), "x").unwrap();
    let left = place.join("cka-without-blocks-1.1");
    fs::create_dir(&left).unwrap();
    fs::write(left.join(VALUES), "x").unwrap();
    fs::create_dir(place.join(".hidden")).unwrap();
    let back = store.load(&id).unwrap();
    assert_eq!((back.maps.pruned().count(), back.problems.len()), (2, 0), "{:?}", back.problems);
    for i in 0..LISTED {
        fs::create_dir(place.join(format!("cka-without-blocks-9.{i}"))).unwrap();
    }
    let back = store.load(&id).unwrap();
    assert_eq!(back.problems.len(), 1);
    assert!(back.problems[0].contains("256 are listed"), "{:?}", back.problems);
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere() {
    let (dir, store, id, run) = full();
    let RunId::Disk(folder) = &id else { panic!() };
    let (place, outside) = (folder.join(FOLDER), dir.path().join("outside"));
    fs::rename(&place, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &place).unwrap();
    let back = store.load(&id).unwrap();
    assert!(back.cka().is_none());
    let text = back.problems.join(" ");
    assert!(text.contains("links inside a run are not followed"), "{text}");
    let before = fs::read_dir(&outside).unwrap().count();
    // a new map goes to a folder of the run; the link is set aside
    store.write_map(&id, &map(&run, "1.1")).unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), before);
    assert_eq!(store.load(&id).unwrap().maps.pruned().count(), 1);
    // one map that is a link is no concern of the others
    fs::remove_dir_all(&place).unwrap();
    fs::rename(&outside, &place).unwrap();
    let one = place.join("cka-without-blocks-3.1");
    fs::rename(&one, &outside).unwrap();
    std::os::unix::fs::symlink(&outside, &one).unwrap();
    let back = store.load(&id).unwrap();
    assert!(back.cka().is_some() && back.maps.pruned().count() == 1, "{:?}", back.problems);
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let (_dir, store, id, run) = full();
    let refused = |change: fn(&mut Map)| {
        let mut bad = map(&run, "1.1");
        change(&mut bad);
        let text = store.write_map(&id, &bad).unwrap_err().to_string();
        assert!(text.contains("not written"), "{text}");
    };
    refused(|m| m.key = MapKey::pruned(Bypass::none()));
    refused(|m| m.key = MapKey::pruned("2.0".parse().unwrap()));
    refused(|m| m.record.provenance.device = "cpu\n".into());
    refused(|m| m.error = Some(SimilarityMatrix::new(Array2::zeros((2, 2)))));
    assert_eq!(store.load(&id).unwrap().maps.pruned().count(), 2);
}

#[test]
fn a_matrix_of_another_size_names_both_shapes() {
    let (_dir, store) = fixtures::store();
    let folder = store.create("a", &fixtures::manifest("a"), b"w", false).unwrap();
    let id = RunId::Disk(folder.clone());
    store.write_map(&id, &fixtures::analysis(5)).unwrap();
    let file = folder.join("analysis/maps/cka/values.npy");
    fs::write(&file, npy::encode(&fixtures::analysis(4).values).unwrap()).unwrap();
    let text = store.load(&id).unwrap().problems.join(" ");
    assert!(text.contains("4x4 values for 5 layers (expected 5x5)"), "{text}");
    assert!(text.contains("analyze"), "{text}");
    fs::remove_file(&file).unwrap();
    let text = store.load(&id).unwrap().problems.join(" ");
    assert!(text.contains("values.npy: missing"), "{text}");
    // made anew, with what was there set aside
    store.write_map(&id, &fixtures::analysis(5)).unwrap();
    let back = store.load(&id).unwrap();
    assert!(back.cka().is_some() && back.problems.is_empty(), "{:?}", back.problems);
    assert!(folder.join("aside/cka-1/map.ron").is_file());
}

#[test]
fn a_measure_that_is_not_known_is_kept_and_listed() {
    let (_dir, store, id, run) = full();
    let measure = crate::domain::MeasureId::new("later");
    let key = MapKey { measure, ..MapKey::cka() };
    let later = Map { key: key.clone(), error: None, ..run.cka().unwrap().clone() };
    store.write_map(&id, &later).unwrap();
    let back = store.load(&id).unwrap();
    assert!(back.problems.is_empty(), "{:?}", back.problems);
    assert!(back.maps.heads().any(|(found, _)| *found == key));
    same(&store.map(&id, &key).unwrap().unwrap(), &later);
    assert_eq!(key.title(), "later");
    let bad = Map { key: MapKey { measure: crate::domain::MeasureId::new("a/b"), ..key }, ..later };
    assert!(store.write_map(&id, &bad).unwrap_err().to_string().contains("no name of a measure"));
}
