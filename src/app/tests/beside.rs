//! The pruned network's map beside the original: opened with one key, which
//! computes the map first where it is not there yet.

use crate::app::compare::{Compare, Pane, ThirdMap};
use crate::app::home::Home;
use crate::app::jobs::{JobKind, JobUpdate, MapOrigin};
use crate::app::key::parse_sequence;
use crate::app::{
    App, ColourDepth, Effect, Explorer, Input, Look, MapMode, Scope, Screen, demo, demo_pruned,
    update,
};
use crate::domain::View;
use crate::domain::deletion::{DeletionRow, Experiment};
use crate::domain::flips::Flips;
use crate::theme::ThemeSet;

fn look() -> Look {
    Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor)
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let keys = parse_sequence(keys).unwrap().into_iter();
    keys.flat_map(|key| update(app, Input::Key(key))).collect()
}

fn compare(app: &App) -> &Compare {
    app.compare().unwrap()
}

#[test]
fn one_key_computes_the_map_and_lays_it_beside_the_original() {
    let mut app = demo_pruned::deleting(look(), 20, (120, 40));
    assert!(press(&mut app, "v").is_empty());
    let cursor = app.explorer().unwrap().cursor();
    let deleted = app.explorer().unwrap().pruning.deleted().clone();
    let started = press(&mut app, "d");
    assert!(
        started
            .iter()
            .any(|e| matches!(e, Effect::StartJob(r) if r.kind == JobKind::Map(deleted.clone())))
    );
    assert!(press(&mut app, "d").is_empty(), "it is being computed");
    assert_eq!(app.scope(), Scope::Explorer);
    demo_pruned::arrive(&mut app);
    assert_eq!(app.scope(), Scope::Compare);
    let c = compare(&app);
    assert_eq!((c.pruned(), c.third()), (Some(&deleted), ThirdMap::Difference));
    assert!(c.linked() && c.comparable() && c.side(Pane::B).view() == View::BlockOutputs);
    assert_eq!([c.side(Pane::A).cursor(), c.side(Pane::B).cursor()], [cursor; 2]);
    assert_eq!(c.name(Pane::B), "without 3.1");
    // the original is left, and the difference is A minus B wherever both are defined
    let [a, b] = [Pane::A, Pane::B].map(|p| c.side(p).full_map().unwrap());
    let whole = &app.explorer().unwrap().analysis().unwrap().values;
    assert!(a.view().iter().zip(whole.view()).all(|(x, y)| x.to_bits() == y.to_bits()));
    let indices = c.side(Pane::A).indices();
    let mut undefined = 0;
    for (i, row) in indices.iter().enumerate() {
        for (j, col) in indices.iter().enumerate() {
            let found = c.matrix().unwrap().get(i, j);
            match a.get(*row, *col).zip(b.get(*row, *col)) {
                Some((x, y)) => assert!((found.unwrap() - (x - y)).abs() < 1e-12),
                None => {
                    undefined += 1;
                    assert_eq!(found, None);
                }
            }
        }
    }
    assert!(undefined > 0, "deleted layers are undefined");
    // what is about two runs is refused in one line each
    for keys in ["d", "x"] {
        assert!(press(&mut app, keys).is_empty());
        assert!(app.toast.as_ref().unwrap().error, "{keys}");
        assert_eq!(compare(&app).third(), ThirdMap::Difference);
    }
}

#[test]
fn back_leads_to_the_open_run_with_its_deletions_and_the_cursor() {
    let mut app = demo_pruned::beside(look(), 20, (120, 40));
    press(&mut app, "3 j 2 h s");
    let cursor = compare(&app).side(Pane::A).cursor();
    assert_eq!(compare(&app).name(Pane::A), "without 3.1", "swapped");
    for leave in ["Esc", "Enter"] {
        press(&mut app, leave);
        assert_eq!(app.scope(), Scope::Explorer, "{leave}");
        let e = app.explorer().unwrap();
        assert_eq!((e.cursor(), e.pruning.deleted().len()), (cursor, 1));
        // the map is known now, also after everything was taken back
        press(&mut app, if leave == "Esc" { "d" } else { "U d" });
        assert_eq!(app.scope(), Scope::Compare);
    }
    press(&mut app, "Esc");
    let e: &Explorer = app.explorer().unwrap();
    assert_eq!(e.mode(), MapMode::CKA);
    // another deletion needs another map
    let at = e.layers().iter().position(|l| l.name == "layer1.1.conv1").unwrap();
    app.explorer_mut().unwrap().jump(at);
    press(&mut app, "x d");
    assert!(matches!(&app.running.as_ref().unwrap().kind, JobKind::Map(d) if d.len() == 1));
    // whoever has left the run meanwhile is not called back
    let running = app.running.clone().unwrap();
    let map = Box::new(app.explorer().unwrap().analysis().unwrap().clone());
    let JobKind::Map(deleted) = running.kind else { panic!() };
    app.screen = Screen::Home(Home);
    let news = JobUpdate::Map(deleted, map, MapOrigin::Computed);
    update(&mut app, Input::Job(running.id, news));
    update(&mut app, Input::Job(running.id, JobUpdate::Done));
    assert_eq!(app.scope(), Scope::Home);
}

#[test]
fn an_accuracy_that_is_not_known_yet_is_measured_beside_the_map() {
    let mut app = demo_pruned::deleting(look(), 20, (120, 40));
    let at = |app: &App| {
        let layers = app.explorer().unwrap().layers();
        layers.iter().position(|l| l.name == "layer2.2.add").unwrap()
    };
    let at = at(&app);
    app.explorer_mut().unwrap().jump(at);
    press(&mut app, "x d");
    demo_pruned::arrive(&mut app);
    let running = app.running.clone().unwrap();
    assert!(matches!(&running.kind, JobKind::Evaluate(d) if d.to_string() == "2.2,3.1"));
    let row = DeletionRow {
        experiment: Experiment::Chosen,
        deleted: "2.2,3.1".parse().unwrap(),
        examples: 10_000,
        correct: 3_000,
        loss: 2.0,
        flips: Some(Flips { lost: 1_200, won: 77 }),
    };
    update(&mut app, Input::Job(running.id, JobUpdate::Rows(vec![row])));
    update(&mut app, Input::Job(running.id, JobUpdate::Done));
    let side = compare(&app).side(Pane::B);
    assert_eq!(side.pruning.cost(side.pruning.deleted()).map(|c| c.change < 0.0), Some(true));
    assert!(app.explorer().unwrap().pruning.cost(side.pruning.deleted()).is_some());
}

#[test]
fn a_map_that_was_kept_is_shown_and_said_to_be_from_the_run_folder() {
    let told = |app: &App| app.toast.clone().filter(|t| !t.error).map(|t| t.text);
    // computed: nothing is said; kept: it is, whether alone or beside the original
    let mut app = demo_pruned::deleting(look(), 20, (120, 40));
    press(&mut app, "P");
    demo_pruned::arrive_from(&mut app, MapOrigin::Computed);
    assert_eq!(told(&app), None);
    for (keys, scope) in [("P", Scope::Explorer), ("d", Scope::Compare)] {
        let mut app = demo_pruned::deleting(look(), 20, (120, 40));
        assert_eq!(press(&mut app, keys).len(), 1, "{keys}");
        demo_pruned::arrive_from(&mut app, MapOrigin::RunFolder);
        let text = told(&app).unwrap_or_default();
        assert_eq!(text, "without 3.1: the map is from the run folder");
        assert_eq!((app.scope(), app.running.is_none()), (scope, true));
        let e = app.explorer().unwrap();
        let (deleted, map) = e.pruning.map().unwrap();
        assert_eq!(deleted, e.pruning.deleted());
        let at = e.layers().iter().position(|l| deleted.contains_layer(l)).unwrap();
        assert!(map.values.get(at, at).is_none() && map.values.get(0, 0).is_some());
    }
}

#[test]
fn a_map_that_cannot_be_kept_is_shown_and_its_accuracy_measured() {
    let mut app = demo_pruned::deleting(look(), 20, (120, 40));
    let layers = app.explorer().unwrap().layers();
    let at = layers.iter().position(|l| l.name == "layer2.2.add").unwrap();
    app.explorer_mut().unwrap().jump(at);
    press(&mut app, "x d");
    let id = app.running.as_ref().unwrap().id;
    let map = Box::new(app.explorer().unwrap().analysis().unwrap().clone());
    let deleted = app.explorer().unwrap().pruning.deleted().clone();
    let news = JobUpdate::Map(deleted, map, MapOrigin::Computed);
    update(&mut app, Input::Job(id, news));
    assert_eq!((app.scope(), app.running.as_ref().map(|r| r.id)), (Scope::Compare, Some(id)));
    let why = "not kept: cannot write".to_string();
    let effects = update(&mut app, Input::Job(id, JobUpdate::Failed(why.clone())));
    assert!(matches!(&effects[..], [Effect::StartJob(r)] if r.id != id), "{effects:?}");
    assert!(app.toast.as_ref().is_some_and(|t| t.error && t.text == why));
}

#[test]
fn without_deletions_there_is_nothing_to_lay_beside() {
    let mut app = demo::full_app(look(), 20, (80, 24));
    assert!(press(&mut app, "d").is_empty());
    assert!(app.toast.as_ref().unwrap().text.contains("x deletes"));
    // a failure is told and leaves the map where it is
    let mut app = demo_pruned::deleting(look(), 20, (80, 24));
    press(&mut app, "d");
    let id = app.running.as_ref().unwrap().id;
    update(&mut app, Input::Job(id, JobUpdate::Failed("give --data".into())));
    assert!(app.scope() == Scope::Explorer && app.running.is_none());
}
