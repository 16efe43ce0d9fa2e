//! Every commit of a run, killed at every change of the disk: the run opens, and what the
//! commit is about is the old or the new. And several at once: none loses what another has
//! written.

use std::fs;
use std::path::Path;

use super::inside::full;
use crate::domain::deletion::{DeletionRow, Experiment};
use crate::files::steps::killed_after;
use crate::runs::{LoadedRun, RunError, RunId, RunStore, fixtures};

/// A result of a run in words: of one kind, so that two can be told apart.
type Result = fn(&LoadedRun) -> String;
/// What writes another one.
type Write = fn(&RunStore, &RunId, &LoadedRun);

fn of_map(run: &LoadedRun) -> String {
    format!("{:?}", run.cka())
}

fn of_components(run: &LoadedRun) -> String {
    format!("{:?}", run.components)
}

fn of_probes(run: &LoadedRun) -> String {
    format!("{:?}", run.probes)
}

fn of_predictions(run: &LoadedRun) -> String {
    format!("{:?}", run.predictions)
}

fn of_deletion(run: &LoadedRun) -> String {
    format!("{:?}", run.deletion)
}

fn row(at: usize) -> DeletionRow {
    DeletionRow {
        experiment: Experiment::Chosen,
        deleted: ["1.2", "3.1", "1.0", "2.1,3.1", "1.1,2.1", "1.1,3.1", "1.0,2.1", "1.0,3.1"][at]
            .parse()
            .unwrap(),
        examples: 1000,
        correct: 100 + at,
        loss: 2.0,
        flips: None,
    }
}

const COMMITS: [(&str, Result, Write); 5] = [
    ("map", of_map, |store, id, run| {
        let mut map = run.cka().unwrap().clone();
        map.record.provenance.device = "another".into();
        map.error = None;
        let _ = store.write_map(id, &map);
    }),
    ("components", of_components, |store, id, run| {
        let mut found = run.components.clone().unwrap();
        found.record.device = "another".into();
        found.components.scores.fill(0.5);
        found.components.labels.iter_mut().for_each(|label| *label = 0);
        let _ = store.write_components(id, &found);
    }),
    ("probes", of_probes, |store, id, run| {
        let mut found = run.probes.clone().unwrap();
        found.record.device = "another".into();
        found.probes.iter_mut().for_each(|probe| probe.test_accuracy = 0.5);
        let _ = store.write_probes(id, &found);
    }),
    ("predictions", of_predictions, |store, id, run| {
        let mut found = run.predictions.clone().unwrap();
        found.record.device = "another".into();
        found.predictions.predicted.fill(0);
        let _ = store.write_predictions(id, &found);
    }),
    ("deletion", of_deletion, |store, id, run| {
        let mut record = run.deletion.clone().unwrap().record;
        record.device = "another".into();
        let _ = store.merge_deletion(id, record, vec![row(0)]);
    }),
];

#[test]
fn a_commit_that_is_killed_at_any_step_leaves_the_old_result_or_the_new() {
    for (name, result, write) in COMMITS {
        let (mut steps, mut olds, mut news) = (0, 0, 0);
        loop {
            let (_dir, store, id, _) = full();
            let before = store.load(&id).unwrap();
            assert!(before.problems.is_empty(), "{:?}", before.problems);
            let whole = killed_after(steps, || write(&store, &id, &before));
            let after = store.load(&id).unwrap();
            assert!(after.problems.is_empty(), "{name} at {steps}: {:?}", after.problems);
            match result(&after) == result(&before) {
                true => olds += 1,
                false => {
                    assert!(result(&after).contains("another"), "{name} at {steps}");
                    news += 1;
                }
            }
            // nothing else has changed, and whoever writes next completes it
            for (other, result, _) in COMMITS.iter().filter(|(other, ..)| *other != name) {
                assert_eq!(result(&after), result(&before), "{name} at {steps}: {other}");
            }
            write(&store, &id, &before);
            let next = store.load(&id).unwrap();
            assert!(result(&next).contains("another") && next.problems.is_empty(), "{name}");
            store.sweep(Some(&id));
            let RunId::Disk(folder) = &id else { panic!() };
            assert!(!folder.join("analysis/.commit").exists());
            if whole {
                assert_ne!(result(&after), result(&before), "{name}");
                break;
            }
            steps += 1;
        }
        assert!(olds >= 4 && news >= 4, "{name}: {olds} old, {news} new");
    }
}

#[test]
fn a_run_that_is_replaced_by_a_killed_process_is_the_old_or_the_new() {
    let (mut steps, mut olds) = (0, 0);
    loop {
        let (dir, store) = fixtures::store();
        let manifest = fixtures::manifest("a");
        let id = RunId::Disk(store.create("a", &manifest, b"old", false).unwrap());
        store.write_map(&id, &fixtures::analysis(5)).unwrap();
        let whole = killed_after(steps, || drop(store.create("a", &manifest, b"new", true)));
        let run = store.load(&id).unwrap();
        match &*store.weights(&id).unwrap().bytes {
            b"old" => {
                assert!(run.cka().is_some());
                olds += 1;
            }
            other => assert!(other == b"new" && run.cka().is_none()),
        }
        let shown: Vec<String> = store.list().into_iter().map(|run| run.name).collect();
        assert_eq!(shown.iter().filter(|name| !name.starts_with("resnet")).count(), 1);
        if whole {
            assert_eq!(fs::read_dir(dir.path().join("runs")).unwrap().count(), 1);
            break;
        }
        steps += 1;
    }
    assert!(olds >= 4, "{olds}");
}

#[test]
fn rows_of_eight_at_once_are_all_kept() {
    let (_dir, store, id, run) = full();
    let before = run.deletion.as_ref().unwrap().table.rows().len();
    std::thread::scope(|scope| {
        for at in 0..8 {
            let record = run.deletion.clone().unwrap().record;
            let (store, id) = (&store, &id);
            scope.spawn(move || store.merge_deletion(id, record, vec![row(at)]).unwrap());
        }
    });
    let table = store.load(&id).unwrap().deletion.unwrap().table;
    for at in 0..8 {
        let wanted = row(at);
        assert_eq!(table.of(&wanted.deleted).map(|row| row.correct), Some(100 + at));
    }
    assert!(table.rows().len() > before);
}

#[test]
fn a_run_that_is_worked_on_is_not_replaced_and_its_owner_is_named() {
    let (_dir, store, id, _) = full();
    let RunId::Disk(folder) = &id else { panic!() };
    let held = store.work_on(folder).unwrap();
    let error = store.create("a", &fixtures::manifest("a"), b"new", true).unwrap_err();
    assert!(matches!(&error, RunError::Busy { .. }));
    let owner = format!("in use by process {} on ", std::process::id());
    assert!(error.to_string().contains(&owner), "{error}");
    drop(held);
    store.create("a", &fixtures::manifest("a"), b"new", true).unwrap();
}

#[test]
fn a_finished_run_gives_way_when_the_new_one_is_complete() {
    let (dir, store) = fixtures::store();
    let manifest = fixtures::manifest("a");
    let old = store.create("a", &manifest, b"old", false).unwrap();
    let (_, held) = store.begin("a.new", &manifest, b"new", false).unwrap();
    assert_eq!(fs::read(old.join("weights.safetensors")).unwrap(), b"old");
    store.replace("a.new", "a").unwrap();
    drop(held);
    assert_eq!(fs::read(old.join("weights.safetensors")).unwrap(), b"new");
    assert_eq!(names(&dir.path().join("runs")), ["a"]);
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[cfg(unix)]
#[test]
fn what_a_process_left_that_has_ended_is_swept_and_what_a_living_one_holds_is_not() {
    use crate::files::scratch::{NEW, prefix};
    let (_dir, store, id, _) = full();
    let RunId::Disk(folder) = &id else { panic!() };
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let ours = prefix(NEW);
    let (tag, _) = ours.trim_end_matches('-').rsplit_once('-').unwrap();
    let dead = format!("{tag}-{}-x", child.id());
    let places = [store.root().to_path_buf(), folder.clone(), folder.join("analysis/maps/cka")];
    for place in &places {
        fs::write(place.join(&dead), "x").unwrap();
        fs::write(place.join(format!("{ours}x")), "x").unwrap();
    }
    store.sweep(Some(&id));
    for place in &places {
        assert!(!place.join(&dead).exists() && place.join(format!("{ours}x")).exists());
    }
}
