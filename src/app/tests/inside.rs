//! Looking inside: tabs, map modes, blocks and deletions, as sequences of keys
//! and of news.

use crate::app::demo;
use crate::app::explorer::Tab;
use crate::app::jobs::{JobKind, JobUpdate, MapOrigin, Picture};
use crate::app::key::parse_sequence;
use crate::app::*;
use crate::domain::deletion::{DeletionRow, Experiment};
use crate::domain::flips::Flips;
use crate::theme::ThemeSet;

fn open() -> App {
    let look = Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor);
    demo::full_app(look, 20, (120, 40))
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    parse_sequence(keys).unwrap().into_iter().flat_map(|key| update(app, Input::Key(key))).collect()
}

/// Puts the cursor on the layer of a name.
fn go(app: &mut App, name: &str) {
    let e = app.explorer_mut().unwrap();
    let at = e.layers().iter().position(|l| l.name == name).unwrap();
    e.jump(at);
}

fn explorer(app: &App) -> &Explorer {
    app.explorer().unwrap()
}

fn jobs(effects: &[Effect]) -> Vec<String> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::StartJob(r) => Some(format!("start {} {:?}", r.id, r.kind)),
            Effect::CancelJob(id) => Some(format!("cancel {id}")),
            _ => None,
        })
        .collect()
}

fn row(deleted: &str, examples: usize, correct: usize) -> DeletionRow {
    let deleted = deleted.parse().unwrap();
    let flips = Some(Flips { lost: 5, won: 1 });
    DeletionRow { experiment: Experiment::Chosen, deleted, examples, correct, loss: 1.0, flips }
}

#[test]
fn a_newer_state_cancels_the_evaluation_of_an_older_one() {
    let mut app = open();
    go(&mut app, "layer1.2.add");
    let first = press(&mut app, "x");
    assert_eq!(jobs(&first).len(), 1);
    assert!(
        matches!(&app.running.as_ref().unwrap().kind, JobKind::Evaluate(d) if d.to_string() == "1.2")
    );
    go(&mut app, "layer3.2.conv1");
    let second = jobs(&press(&mut app, "x"));
    assert_eq!(second[0], "cancel 1");
    assert!(second[1].starts_with("start 2"));
    // news of the older one change nothing
    update(&mut app, Input::Job(1, JobUpdate::Rows(vec![row("1.2", 512, 10)])));
    assert!(explorer(&app).pruning.table().of(&"1.2".parse().unwrap()).is_none());
    update(&mut app, Input::Job(1, JobUpdate::Done));
    assert!(app.running.is_some());
    // a quick estimate, then all images
    let both = "1.2,3.2".parse().unwrap();
    update(&mut app, Input::Job(2, JobUpdate::Rows(vec![row("1.2,3.2", 512, 100)])));
    assert_eq!(explorer(&app).pruning.table().of(&both).unwrap().examples, 512);
    update(&mut app, Input::Job(2, JobUpdate::Rows(vec![row("1.2,3.2", 10_000, 2_000)])));
    update(&mut app, Input::Job(2, JobUpdate::Done));
    assert!(app.running.is_none());
    assert_eq!(explorer(&app).pruning.table().of(&both).unwrap().examples, 10_000);
    // undo leads to a state that was never measured, redo to one that was
    assert!(jobs(&press(&mut app, "u"))[0].starts_with("start 3"));
    assert_eq!(jobs(&press(&mut app, "C-r")), ["cancel 3"]);
    assert_eq!(explorer(&app).pruning.deleted(), &both);
    assert!(press(&mut app, "C-r").is_empty() && app.toast.as_ref().unwrap().error);
}

#[test]
fn tabs_are_chosen_by_number_and_by_mouse_and_the_wheel_goes_along_the_layers() {
    let mut app = open();
    press(&mut app, "4 Tab");
    assert_eq!(explorer(&app).tab(), Tab::Blocks);
    press(&mut app, "9 Tab");
    assert_eq!(explorer(&app).tab(), Tab::About, "no such tab: the next one");
    let pane = explorer(&app).places(app.size).pane.unwrap();
    update(&mut app, Input::Click(pane.x + 8, pane.y));
    assert_eq!(explorer(&app).tab(), Tab::Components);
    let row = explorer(&app).position().0;
    update(&mut app, Input::Wheel(pane.x + 3, pane.y + 5, false));
    assert_eq!(explorer(&app).position(), (row + 1, row + 1));
    update(&mut app, Input::Wheel(pane.x + 3, pane.y + 5, true));
    assert_eq!(explorer(&app).position(), (row, row));
}

#[test]
fn a_block_that_cannot_go_says_why() {
    let mut app = open();
    go(&mut app, "layer2.0.conv1");
    assert!(jobs(&press(&mut app, "x")).is_empty());
    assert!(app.toast.as_ref().unwrap().text.contains("changes the shape"));
    go(&mut app, "avgpool");
    assert!(jobs(&press(&mut app, "x")).is_empty());
    assert!(app.toast.as_ref().unwrap().text.contains("not in a residual block"));
    assert!(jobs(&press(&mut app, "P")).is_empty() && jobs(&press(&mut app, "X")).is_empty());
}

#[test]
fn escape_asks_before_it_cancels() {
    let mut app = open();
    assert_eq!(jobs(&press(&mut app, "L")), ["start 1 Lesions"]);
    assert!(press(&mut app, "Esc").is_empty() && app.overlay.asks());
    assert!(press(&mut app, "n").is_empty() && !app.overlay.asks() && app.running.is_some());
    press(&mut app, "Esc");
    assert_eq!(jobs(&press(&mut app, "y")), ["cancel 1"]);
    assert!(app.running.is_none() && app.scope() == Scope::Explorer);
    // a second Esc leaves and lets it go on
    let open = app.screen.clone();
    press(&mut app, "L Esc Esc");
    assert!(app.scope() == Scope::Home && app.running.is_some());
    app.screen = open;
    assert_eq!(jobs(&press(&mut app, "Esc y")), ["cancel 2"]);
    // opening another run cancels too
    go(&mut app, "layer3.1.add");
    assert!(jobs(&press(&mut app, "X"))[0].contains("Sweep(3)"));
    let other = demo::synthetic_run(14);
    app.awaited = Awaited::Run(other.id.clone());
    assert_eq!(jobs(&update(&mut app, Input::RunLoaded(Ok(Box::new(other))))), ["cancel 3"]);
    // a failure is told and nothing else
    press(&mut app, "L");
    update(&mut app, Input::Job(4, JobUpdate::Failed("give --data".into())));
    assert!(app.running.is_none() && app.toast.as_ref().unwrap().text == "give --data");
}

#[test]
fn only_maps_that_the_run_has_are_offered() {
    let mut app = open();
    let mut seen = Vec::new();
    for _ in 0..5 {
        press(&mut app, "m");
        seen.push(explorer(&app).mode());
    }
    assert_eq!(
        seen,
        [
            MapMode::PC_SIMILARITY,
            MapMode::WITHOUT_PC1,
            MapMode::WITHOUT_DOMINANT,
            MapMode::STANDARD_ERROR,
            MapMode::CKA
        ]
    );
    // the map of a pruned network comes, is shown, and joins the round
    go(&mut app, "layer3.1.add");
    press(&mut app, "x P");
    let id = app.running.as_ref().unwrap().id;
    let deleted = explorer(&app).pruning.deleted().clone();
    let map = explorer(&app).analysis().unwrap().clone();
    update(&mut app, Input::Job(id, JobUpdate::Map(deleted, Box::new(map), MapOrigin::Computed)));
    assert_eq!(explorer(&app).mode(), MapMode::PRUNED);
    let look = Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor);
    let mut plain = demo::app(look, 20, (120, 40));
    press(&mut plain, "m");
    assert_eq!(explorer(&plain).mode(), MapMode::STANDARD_ERROR);
}

#[test]
fn brackets_jump_between_blocks_while_they_are_outlined() {
    let mut app = open();
    press(&mut app, "< < <");
    let first = *explorer(&app).structures().found[0].span.start();
    press(&mut app, "g g 0 b");
    assert!(explorer(&app).outlined() && explorer(&app).tab() == Tab::Blocks);
    press(&mut app, "]");
    assert_eq!(explorer(&app).position(), (first, first));
    assert!(jobs(&press(&mut app, "[")).is_empty() && app.toast.is_some(), "none before it");
    press(&mut app, "b ]");
    assert_eq!(explorer(&app).position(), (first + 1, first + 1));
    let before = explorer(&app).rule().tau;
    press(&mut app, "> > >");
    assert!(explorer(&app).rule().tau > before);
    press(&mut app, "< < < < < < < < < < < < < <");
    assert_eq!(explorer(&app).rule().tau, 0.80);
}

#[test]
fn pictures_are_asked_for_when_the_layer_changes_and_only_then() {
    let mut app = open();
    let asked = |effects: Vec<Effect>| {
        effects.iter().filter(|e| matches!(e, Effect::LoadPictures(..))).count()
    };
    go(&mut app, "conv1");
    assert_eq!(asked(press(&mut app, "l")), 1, "of the row's layer");
    assert_eq!(asked(press(&mut app, "l")), 0, "the row is the same");
    let run = explorer(&app).run().id.clone();
    let picture = Picture::new(1, 1, vec![0; 3]);
    update(&mut app, Input::Pictures(run.clone(), Ok(vec![(3, picture)])));
    assert!(explorer(&app).album.get(3).is_some());
    update(&mut app, Input::Pictures(run, Err("no images; give --data".into())));
    assert_eq!(asked(press(&mut app, "2 0 j")), 0, "it was refused");
    press(&mut app, "Tab");
    assert_eq!(explorer(&app).tab(), Tab::Components);
}
