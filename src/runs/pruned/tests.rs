//! Maps of pruned networks: what is written comes back, what is damaged is one line
//! about that map alone.

use std::fs;

use ndarray::Array2;

use super::*;
use crate::fixtures::demo::synthetic_run;
use crate::runs::fixtures::{self, pruned as map};

/// A store with a run of a ResNet-20 that holds two pruned maps.
fn full() -> (tempfile::TempDir, RunStore, RunId, LoadedRun) {
    let mut run = synthetic_run(20);
    run.manifest.weights_hash = Some("ab".repeat(32));
    let (dir, store) = fixtures::store();
    let id = RunId::Disk(store.create("a", &run.manifest, b"w", false).unwrap());
    store.write_analysis(&id, run.analysis.as_ref().unwrap()).unwrap();
    for deleted in ["2.1,2.2", "3.1"] {
        store.write_pruned(&id, &map(&run, deleted)).unwrap();
    }
    (dir, store, id, run)
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
    let paths: Vec<String> = back.pruned.iter().map(PrunedRecord::path).collect();
    assert_eq!(paths, ["analysis/pruned/3.1/cka.npy", "analysis/pruned/2.1+2.2/cka.npy"]);
    let RunId::Disk(folder) = &id else { panic!() };
    assert!(paths.iter().all(|path| folder.join(path).is_file()));
    for deleted in ["3.1", "2.2,2.1"] {
        let found = store.pruned(&id, &deleted.parse().unwrap()).unwrap().unwrap();
        same(&found, &map(&run, deleted));
        assert!(back.pruned_fits(&found.record) && found.record.difference > Some(0.1));
        let analysis = found.analysis(&run.manifest.model.layers());
        assert_eq!(analysis.record.layers, run.analysis.as_ref().unwrap().record.layers);
    }
    assert!(store.pruned(&id, &"2.1".parse().unwrap()).unwrap().is_none());
    // a newer one of the same blocks takes the place of the old one
    let mut newer = map(&run, "3.1");
    newer.record.device = "another".into();
    store.write_pruned(&id, &newer).unwrap();
    let back = store.load(&id).unwrap();
    assert_eq!((back.pruned.len(), back.pruned[0].device.as_str()), (2, "another"));
}

#[test]
fn a_map_fits_the_weights_and_images_that_it_is_of() {
    let (_dir, store, id, _) = full();
    let back = store.load(&id).unwrap();
    let good = &back.pruned[0];
    let refused = |change: fn(&mut PrunedRecord)| {
        let mut record = good.clone();
        change(&mut record);
        assert!(!back.pruned_fits(&record), "{record:?}");
    };
    refused(|r| r.weights_hash = Some("other".into()));
    refused(|r| r.weights_hash = None);
    refused(|r| r.data.fingerprint = "other".into());
    refused(|r| r.examples -= 1);
    refused(|r| r.batch += 1);
    refused(|r| r.passes += 1);
    refused(|r| r.sample = Sample::Random);
    refused(|r| r.estimator = "another".into());
    // images in order do not depend on the seed
    let mut other = good.clone();
    other.seed = 9;
    assert!(back.pruned_fits(&other));
}

#[test]
fn a_damaged_map_is_one_line_about_it_alone() {
    type Damage<'a> = &'a dyn Fn(Vec<u8>) -> Vec<u8>;
    let records: [(Damage<'_>, &str); 6] = [
        (&|_| b"(format: 99)".to_vec(), "newer blockscope"),
        (&|b| b[..60].to_vec(), "pruned.ron:"),
        (&|b| replace(b, "block: 1", "block: 7"), "deleted: there is no residual block 3.7"),
        (&|b| replace(b, "block: 1", "block: 2"), "belong in analysis/pruned/3.2"),
        (&|b| replace(b, "difference: Some(", "difference: Some(-"), "difference -"),
        (&|b| replace(b, "cpu (flex", "cpu\u{1b}(flex"), "control character"),
    ];
    for (damage, expected) in records {
        let (_dir, store, id, _) = full();
        let RunId::Disk(folder) = &id else { panic!() };
        let path = folder.join("analysis/pruned/3.1/pruned.ron");
        let bytes = fs::read(&path).unwrap();
        let damaged = damage(bytes.clone());
        assert_ne!(bytes, damaged, "{expected}");
        fs::write(&path, damaged).unwrap();
        let back = store.load(&id).unwrap();
        assert_eq!((back.pruned.len(), back.problems.len()), (1, 1), "{:?}", back.problems);
        let text = &back.problems[0];
        assert!(text.contains("3.1/pruned.ron") && text.contains(expected), "{text}");
        assert!(!text.contains('\n') && back.analysis.is_some());
        assert!(store.pruned(&id, &"3.1".parse().unwrap()).is_err());
        assert!(store.pruned(&id, &"2.1,2.2".parse().unwrap()).unwrap().is_some());
    }
    let small = npy::encode(&fixtures::analysis(4).cka).unwrap();
    let arrays: [(&str, Option<&[u8]>, &str); 3] = [
        (CKA, Some(b"nonsense"), "not an .npy file"),
        (CKA, Some(&small), "4x4 values for 70 layers"),
        (SE, None, "missing"),
    ];
    for (file, bytes, expected) in arrays {
        let (_dir, store, id, run) = full();
        let RunId::Disk(folder) = &id else { panic!() };
        let path = folder.join("analysis/pruned/3.1").join(file);
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        assert!(store.load(&id).unwrap().problems.is_empty(), "maps are not read at once");
        let text = store.pruned(&id, &"3.1".parse().unwrap()).unwrap_err().to_string();
        assert!(text.contains(file) && text.contains(expected), "{text}");
        assert!(text.contains("--residual-blocks 3.1 --map") && !text.contains('\n'), "{text}");
        store.write_pruned(&id, &map(&run, "3.1")).unwrap();
        assert!(store.pruned(&id, &"3.1".parse().unwrap()).unwrap().is_some());
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
    fs::create_dir(place.join("1.1")).unwrap();
    fs::write(place.join("1.1").join(CKA), "x").unwrap();
    fs::create_dir(place.join(".hidden")).unwrap();
    let back = store.load(&id).unwrap();
    assert_eq!((back.pruned.len(), back.problems.len()), (2, 0), "{:?}", back.problems);
    for i in 0..LISTED {
        fs::create_dir(place.join(format!("9.{i}"))).unwrap();
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
    assert!(back.pruned.is_empty() && back.problems.len() == 1, "{:?}", back.problems);
    assert!(back.problems[0].contains("links inside a run are not followed"));
    let before = fs::read_dir(&outside).unwrap().count();
    assert!(matches!(store.write_pruned(&id, &map(&run, "1.1")), Err(RunError::NotPlain(_))));
    assert_eq!(fs::read_dir(&outside).unwrap().count(), before);
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let (_dir, store, id, run) = full();
    let refused = |change: fn(&mut PrunedMap)| {
        let mut bad = map(&run, "1.1");
        change(&mut bad);
        let text = store.write_pruned(&id, &bad).unwrap_err().to_string();
        assert!(text.contains("not written"), "{text}");
    };
    refused(|m| m.record.deleted = Bypass::none());
    refused(|m| m.record.deleted = "2.0".parse().unwrap());
    refused(|m| m.record.device = "cpu\n".into());
    refused(|m| m.se = SimilarityMatrix::new(Array2::zeros((2, 2))));
    assert_eq!(store.load(&id).unwrap().pruned.len(), 2);
}

#[test]
fn a_long_list_of_blocks_has_a_short_name() {
    let blocks: Vec<String> = (1..36).map(|b| format!("2.{b}")).collect();
    let all: Bypass = blocks.join(",").parse().unwrap();
    let name = folder(&all);
    assert!(name.starts_with("analysis/pruned/35-blocks-") && name.len() < 60, "{name}");
    let mut fewer = all.clone();
    fewer.toggle("2.35".parse().unwrap());
    fewer.toggle("1.1".parse().unwrap());
    assert_ne!(folder(&fewer), name);
    assert_eq!(folder(&"3.1,2.10,2.9".parse().unwrap()), "analysis/pruned/2.9+2.10+3.1");
}
