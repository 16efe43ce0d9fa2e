//! Runs and comparisons of format 1: they open as they lie, are converted with every
//! value as it was, and a conversion that was killed loses nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::store::comparisons;
use super::super::{COMPARISONS, FORMAT, LoadedRun, RunId, RunStore};
use super::migrate::Migrated;
use super::*;
use crate::domain::SimilarityMatrix;
use crate::files::npy;
use crate::files::steps::killed_after;

const SIDES: [&str; 2] = [
    "97bc4b995160df9728da53a3b6d0c58f3b1cb1e96689b7a0d5523df94944112f",
    "resnet38-w2-cifar10-64th-s0--resnet38-w2-cifar10-64th-s1-7837825f7014dc8a",
];

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format1")
}

/// A store over a copy of the fixture, and its run's folder.
fn copy() -> (tempfile::TempDir, RunStore, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    copy_folder(&fixture(), &dir.path().join("runs"));
    let store = RunStore::new(dir.path().join("runs"));
    let folder = store.root().join("tiny");
    (dir, store, folder)
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_string();
                    found.insert(name, fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}

fn bits(matrix: &SimilarityMatrix) -> Vec<u64> {
    matrix.view().iter().map(|v| v.to_bits()).collect()
}

/// All maps of a run, those without blocks too.
fn every(store: &RunStore, id: &RunId, run: &LoadedRun) -> Vec<Map> {
    let read = |(key, _): (&MapKey, &MapRecord)| store.map(id, key).unwrap().unwrap();
    run.maps.heads().map(read).collect()
}

/// The run opens whole, with these maps.
fn whole(store: &RunStore, maps: &[Map]) -> LoadedRun {
    let id = store.resolve("tiny").unwrap();
    let run = store.load(&id).unwrap();
    let now = every(store, &id, &run);
    assert_eq!(now.len(), maps.len());
    for (now, then) in now.iter().zip(maps) {
        assert_eq!((&now.key, &now.record), (&then.key, &then.record));
        assert_eq!(bits(&now.values), bits(&then.values), "{}", now.key.id());
        assert_eq!(now.error.as_ref().map(bits), then.error.as_ref().map(bits));
    }
    assert_eq!(run.components.as_ref().unwrap().components.examples(), 16);
    assert_eq!(run.deletion.as_ref().unwrap().table.rows().len(), 2);
    assert!(!run.analysis_is_stale());
    run
}

/// The run as it lies, its maps, and that nothing was written.
fn as_it_lies() -> (tempfile::TempDir, RunStore, PathBuf, Vec<Map>) {
    let (dir, store, folder) = copy();
    let id = RunId::Disk(folder.clone());
    let maps = every(&store, &id, &store.load(&id).unwrap());
    (dir, store, folder, maps)
}

#[test]
fn a_run_opens_as_it_lies() {
    let (_dir, store, folder, maps) = as_it_lies();
    let run = whole(&store, &maps);
    assert!(run.problems.is_empty(), "{:?}", run.problems);
    assert_eq!(run.manifest.format, 1);
    let ids: Vec<String> = run.maps.heads().map(|(key, _)| key.id()).collect();
    let expected = [
        "cka",
        "pc1-similarity",
        "cka-without-pc1",
        "cka-without-dominant",
        "cka-without-blocks-1.0",
    ];
    assert_eq!(ids, expected);
    for (at, file) in
        ["cka.npy", SUITE[0], SUITE[1], SUITE[2], "pruned/1.0/cka.npy"].iter().enumerate()
    {
        let path = folder.join("analysis").join(file.trim_start_matches("analysis/"));
        assert_eq!(bits(&maps[at].values), bits(&npy::decode(&fs::read(path).unwrap()).unwrap()));
    }
    let main = run.cka().unwrap();
    assert_eq!(main.record.estimator, crate::domain::measure::CKA_MINIBATCH.id());
    assert_eq!((main.record.plan.batches, main.record.plan.passes), (16, 4));
    assert_eq!(maps[2].record.plan.examples, 16);
    assert_eq!(maps[3].record.left_out, Some(0.01));
    assert_eq!(maps[4].record.difference, Some(0.25));
    assert!(run.pruned_fits(&maps[4].record));
    assert_eq!(files(&folder), files(&fixture().join("tiny")), "reading writes nothing");
    let list = store.list();
    let line = list.iter().find(|run| run.name == "tiny").unwrap();
    assert!(line.analysis && line.preview.is_some());
}

#[test]
fn a_run_is_converted_with_every_value_as_it_was() {
    let (_dir, store, folder, maps) = as_it_lies();
    let before = files(&folder);
    let id = RunId::Disk(folder.clone());
    assert_eq!(store.migrate(&id).unwrap(), Migrated::Converted { maps: 5 });
    let run = whole(&store, &maps);
    assert_eq!((run.manifest.format, run.problems), (FORMAT, vec![]));
    let after = files(&folder);
    for (old, new) in [
        ("analysis/cka.npy", "cka/values.npy"),
        ("analysis/cka_se.npy", "cka/se.npy"),
        ("analysis/pc_similarity.npy", "pc1-similarity/values.npy"),
        ("analysis/cka_without_pc1.npy", "cka-without-pc1/values.npy"),
        ("analysis/cka_without_dominant.npy", "cka-without-dominant/values.npy"),
        ("analysis/pruned/1.0/cka.npy", "cka-without-blocks-1.0/values.npy"),
        ("analysis/pruned/1.0/cka_se.npy", "cka-without-blocks-1.0/se.npy"),
    ] {
        assert_eq!(before[old], after[&format!("analysis/maps/{new}")], "{old}");
        assert!(!after.contains_key(old), "{old}");
    }
    // what is no map stays as it was, to the byte
    for (file, bytes) in before {
        let gone = !after.contains_key(&file);
        assert!(gone || file == "run.ron" || after[&file] == bytes, "{file}");
    }
    assert!(!folder.join("analysis/pruned").exists());
    // and once more there is nothing to do
    let before = files(&folder);
    assert_eq!(store.migrate(&id).unwrap(), Migrated::Nothing);
    assert_eq!(files(&folder), before);
}

#[test]
fn a_conversion_that_was_killed_anywhere_loses_nothing_and_is_completed() {
    let (_old, _, old, maps) = as_it_lies();
    let (_new, done, new, _) = as_it_lies();
    done.migrate(&RunId::Disk(new.clone())).unwrap();
    let (old, new) = (files(&old), files(&new));
    // steps in order: new files appear (the record of each map last), then run.ron is of
    // the new format, then old files go (records first)
    let mut added: Vec<&String> = new.keys().filter(|name| !old.contains_key(*name)).collect();
    added.sort_by_key(|name| {
        (Path::new(name).parent().map(Path::to_path_buf), name.ends_with(".ron"))
    });
    let mut gone: Vec<&String> = old.keys().filter(|name| !new.contains_key(*name)).collect();
    gone.sort_by_key(|name| !name.ends_with(".ron"));
    for step in 0..=added.len() + 1 + gone.len() {
        let (_dir, store, folder) = copy();
        for name in added.iter().take(step) {
            fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
            fs::write(folder.join(name), &new[*name]).unwrap();
        }
        if step > added.len() {
            fs::write(folder.join("run.ron"), &new["run.ron"]).unwrap();
        }
        for name in gone.iter().take(step.saturating_sub(added.len() + 1)) {
            fs::remove_file(folder.join(name)).unwrap();
        }
        let run = whole(&store, &maps);
        let left = step > added.len() && step < added.len() + 1 + gone.len();
        assert_eq!(run.problems.len(), usize::from(left), "{step}: {:?}", run.problems);
        if left {
            assert!(run.problems[0].contains("`blockscope migrate`"), "{:?}", run.problems);
        }
        let id = RunId::Disk(folder.clone());
        store.migrate(&id).unwrap();
        assert!(whole(&store, &maps).problems.is_empty());
        assert_eq!(files(&folder), new, "{step}");
        assert_eq!(store.migrate(&id).unwrap(), Migrated::Nothing);
    }
}

#[test]
fn a_conversion_that_is_killed_before_any_change_of_the_disk_loses_nothing() {
    let (_new, done, new, maps) = as_it_lies();
    done.migrate(&RunId::Disk(new.clone())).unwrap();
    let new = files(&new);
    let mut steps = 0;
    loop {
        let (_dir, store, folder) = copy();
        let id = RunId::Disk(folder.clone());
        let whole_way = killed_after(steps, || drop(store.migrate(&id)));
        whole(&store, &maps);
        store.sweep(Some(&id));
        store.migrate(&id).unwrap();
        assert!(whole(&store, &maps).problems.is_empty());
        // what a process has left that lives stays
        let mut found = files(&folder);
        found.retain(|file, _| !file.split('/').any(|part| part.starts_with(".new-")));
        assert!(found == new, "{steps}: {:?}", found.keys());
        if whole_way {
            break;
        }
        steps += 1;
    }
    assert!(steps > 20, "{steps}");
}

#[test]
fn a_comparisons_conversion_that_is_killed_before_any_change_of_the_disk_loses_nothing() {
    let [_, name] = SIDES;
    let read = |store: &RunStore| {
        let root = store.root().join(COMPARISONS);
        comparisons::read(Source::Folder(&root), name).unwrap().unwrap()
    };
    let (_dir, store, _) = copy();
    let then = read(&store);
    let mut steps = 0;
    loop {
        let (_dir, store, _) = copy();
        let whole_way = killed_after(steps, || drop(store.migrate_comparison(name)));
        assert_eq!(read(&store), then, "{steps}");
        store.sweep(None);
        store.migrate_comparison(name).unwrap();
        assert_eq!(read(&store), then, "{steps}");
        let place = store.root().join(COMPARISONS).join(name);
        let left: Vec<String> = files(&place).into_keys().collect();
        assert!(left.iter().all(|file| file.contains('/')), "{left:?}");
        if whole_way {
            break;
        }
        steps += 1;
    }
    assert!(steps > 8, "{steps}");
}

#[test]
fn damage_is_one_line_and_nothing_is_changed_by_it() {
    type Damage<'a> = &'a dyn Fn(&Path);
    let cut = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let gone = |path: &Path| fs::remove_file(path).unwrap();
    let newer = |path: &Path| fs::write(path, "(format: 99)").unwrap();
    let steer = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, text.replace("cpu (flex", "cpu\\u{1b}[2J (flex")).unwrap();
    };
    let cases: [(&str, Damage<'_>, &str); 11] = [
        ("analysis.ron", &cut, "analysis.ron:"),
        ("analysis.ron", &newer, "newer blockscope"),
        ("analysis.ron", &steer, "control character"),
        ("cka.npy", &cut, "run `blockscope analyze` again"),
        ("cka_se.npy", &gone, "missing; run `blockscope analyze` again"),
        ("components.ron", &cut, "components.ron:"),
        ("pc_similarity.npy", &gone, "missing; run `blockscope analyze`"),
        ("cka_without_pc1.npy", &cut, "run `blockscope analyze`"),
        ("pruned/1.0/pruned.ron", &cut, "pruned.ron:"),
        ("pruned/1.0/pruned.ron", &steer, "control character"),
        ("pruned/1.0/cka.npy", &gone, "--residual-blocks 1.0 --map"),
    ];
    for (file, damage, expected) in cases {
        let (_dir, store, folder) = copy();
        damage(&folder.join("analysis").join(file));
        let before = files(&folder);
        let id = RunId::Disk(folder.clone());
        let told = store.load(&id).unwrap().problems;
        // a map without blocks is not read at once
        let lazy = file == "pruned/1.0/cka.npy";
        assert_eq!(told.len(), usize::from(!lazy), "{file}: {told:?}");
        let refused = store.migrate(&id).unwrap_err().to_string();
        for text in told.iter().chain([&refused]) {
            assert!(text.contains(expected) && text.contains(file), "{file}: {text}");
            assert!(!text.contains('\n'), "{text}");
        }
        assert_eq!(files(&folder), before, "{file}: nothing was changed");
    }
}

#[test]
fn a_new_result_converts_a_run_and_leaves_what_is_damaged_until_it_is_made_anew() {
    let (_dir, store, folder, maps) = as_it_lies();
    let id = RunId::Disk(folder.clone());
    store.write_map(&id, &maps[4]).unwrap();
    let run = whole(&store, &maps);
    assert_eq!((run.manifest.format, run.problems), (FORMAT, vec![]));

    let (_dir, store, folder) = copy();
    let id = RunId::Disk(folder.clone());
    fs::write(folder.join("analysis/cka.npy"), "nonsense").unwrap();
    fs::write(folder.join("analysis/pruned/1.0/pruned.ron"), "(").unwrap();
    store.write_map(&id, &maps[1]).unwrap();
    assert!(
        folder.join("analysis/cka.npy").exists() && folder.join("analysis/analysis.ron").exists()
    );
    let run = store.load(&id).unwrap();
    assert_eq!((run.cka(), run.maps.read().len()), (None, 3));
    assert_eq!(run.problems.len(), 1, "{:?}", run.problems);
    assert!(store.migrate(&id).unwrap_err().to_string().contains("cka.npy"));
    // the remedies of both
    for map in [&maps[0], &maps[4]] {
        store.write_map(&id, map).unwrap();
    }
    store.writable(&id).unwrap();
    assert_eq!(whole(&store, &maps).problems, Vec::<String>::new());
    assert!(!folder.join("analysis/pruned").exists() && !folder.join("analysis/cka.npy").exists());
    assert_eq!(fs::read(folder.join("aside/cka-1/cka.npy")).unwrap(), b"nonsense");
}

#[test]
fn files_without_a_record_are_no_map_and_go() {
    let (_dir, store, folder) = copy();
    for record in ["analysis.ron", "pruned/1.0/pruned.ron"] {
        fs::remove_file(folder.join("analysis").join(record)).unwrap();
    }
    let id = RunId::Disk(folder.clone());
    assert_eq!(store.migrate(&id).unwrap(), Migrated::Converted { maps: 3 });
    let run = store.load(&id).unwrap();
    assert_eq!((run.cka(), run.maps.heads().count()), (None, 3));
    assert!(run.problems.is_empty(), "{:?}", run.problems);
    assert_eq!(store.migrate(&id).unwrap(), Migrated::Nothing);
}

#[test]
fn a_run_inside_the_program_is_copied_and_then_converted() {
    let tiny = files(&fixture().join("tiny"));
    let table: Vec<(&'static str, &'static [u8])> = tiny
        .into_iter()
        .map(|(name, bytes)| (&*format!("tiny/{name}").leak(), &*bytes.leak()))
        .collect();
    let table = super::super::embedded::Embedded::new(table.leak());
    let (_dir, store) = super::super::fixtures::store();
    let store = store.with_embedded(table);
    let id = RunId::Embedded("tiny".into());
    let maps = every(&store, &id, &store.load(&id).unwrap());
    assert_eq!(maps.len(), 5);
    assert!(!store.root().exists());
    assert_eq!(store.migrate(&id).unwrap(), Migrated::Converted { maps: 5 });
    assert_eq!(whole(&store, &maps).manifest.format, FORMAT);
    assert_eq!(store.migrate(&id).unwrap(), Migrated::Nothing);
}

#[test]
fn a_comparison_is_found_as_it_lies_and_converted_with_every_value() {
    let (_dir, store, _) = copy();
    let [rows, name] = SIDES;
    let place = store.root().join(COMPARISONS).join(name);
    let other = "5f6d0b0cbf0b8b2a9a3ad0b3c8a4a6ac7a4b2e8e3c6e4f0b9b7a4f5f1f2f3f4f5";
    assert_eq!(store.find_pair(rows, other).unwrap(), None);
    let read =
        || comparisons::read(Source::Folder(place.parent().unwrap()), name).unwrap().unwrap();
    let then = read();
    assert_eq!(then.rows().weights_hash.as_deref(), Some(rows));
    let cols = then.cols().weights_hash.clone().unwrap();
    let found = store.find_pair(&cols, rows).unwrap().unwrap();
    assert_eq!(found.transposed(), then);
    assert_eq!(then.images().title, "CIFAR-10");
    assert!(then.without_pc1().is_some());
    let old = files(&place);

    assert_eq!(store.migrate_comparison(name).unwrap(), Migrated::Converted { maps: 2 });
    assert_eq!(read(), then);
    let new = files(&place);
    assert_eq!(old["cka.npy"], new["cka/values.npy"]);
    assert_eq!(old["cka_se.npy"], new["cka/se.npy"]);
    assert_eq!(old["cka_without_pc1.npy"], new["cka-without-pc1/values.npy"]);
    assert_eq!(new.len(), 5);
    assert_eq!(store.migrate_comparison(name).unwrap(), Migrated::Nothing);
    // killed anywhere
    let mut added: Vec<&String> = new.keys().collect();
    added.sort_by_key(|name| {
        (Path::new(name).parent().map(Path::to_path_buf), name.ends_with(".ron"))
    });
    let gone = [PAIR, PAIR_ARRAYS[0], PAIR_ARRAYS[1], PAIR_ARRAYS[2]];
    for step in 0..=added.len() + gone.len() {
        let (_dir, store, _) = copy();
        let place = store.root().join(COMPARISONS).join(name);
        for name in added.iter().take(step) {
            fs::create_dir_all(place.join(name).parent().unwrap()).unwrap();
            fs::write(place.join(name), &new[*name]).unwrap();
        }
        for name in gone.iter().take(step.saturating_sub(added.len())) {
            fs::remove_file(place.join(name)).unwrap();
        }
        assert_eq!(store.find_pair(rows, &cols).unwrap().as_ref(), Some(&then), "{step}");
        store.migrate_comparison(name).unwrap();
        assert_eq!(files(&place), new, "{step}");
    }
    for bad in ["../tiny", "nothing"] {
        assert!(store.migrate_comparison(bad).is_err());
    }
}
