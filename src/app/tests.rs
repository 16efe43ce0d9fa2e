//! Key sequences through `update`, without a terminal.

mod beside;
mod bottom;
mod compare;
mod cuts;
mod form;
mod gallery;
mod grid;
mod import;
mod inside;

use std::path::PathBuf;

use proptest::prelude::*;

use super::action::TABLE;
use super::demo;
use super::key::parse_sequence;
use super::*;
use crate::domain::{Pooling, View};
use crate::theme::ThemeSet;

fn look() -> Look {
    Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor)
}

fn open(depth: usize, size: (u16, u16)) -> App {
    demo::app(look(), depth, size)
}

/// Presses keys written as in key maps, separated by spaces.
fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    parse_sequence(keys).unwrap().into_iter().flat_map(|key| update(app, Input::Key(key))).collect()
}

fn names(app: &App) -> (String, String) {
    let e = app.explorer().unwrap();
    let (row, col) = e.position();
    (e.layer(row).unwrap().name.clone(), e.layer(col).unwrap().name.clone())
}

fn at(app: &App) -> (usize, usize) {
    app.explorer().unwrap().position()
}

fn check(app: &App) {
    if let Some(e) = app.explorer() {
        let (row, col) = e.position();
        assert!(e.is_empty() || row < e.len() && col < e.len());
        let (w, h) = e.viewport().pixels();
        if !e.is_empty() && w > 0 && h > 0 {
            assert!(
                e.viewport().cell_of((row, col)).is_some(),
                "the cursor is in sight at {:?}",
                app.size
            );
        }
        let (low, high) = e.range();
        assert!(low < high);
    }
    if let Some(palette) = app.overlay.palette() {
        assert_eq!(palette.scope(), app.scope(), "it lists the commands of this screen");
        assert!(palette.selected() < palette.hits().len().max(1));
        let works = |hit: &palette::Hit| match hit.choice {
            palette::Choice::Run(action) => action.info().unwrap().scopes.has(app.scope()),
            palette::Choice::Give(..) => true,
        };
        assert!(palette.hits().iter().all(works));
    }
    if let Some(e) = app.explorer() {
        let inside = |(row, col): (usize, usize)| row < e.len().max(1) && col < e.len().max(1);
        assert!(e.mark().is_none_or(inside) && inside(e.pointed()));
    }
    let runs = app.home.runs.as_ref().map_or(0, Vec::len);
    assert!(app.home.selected < runs.max(1) && app.home.offset <= app.home.selected);
    assert!(app.count.is_none_or(|c| c <= 9_999));
    let behind = |screen: &Screen| matches!(screen, Screen::Grid(_) | Screen::Explorer(_));
    assert!(app.behind.iter().all(behind) && app.behind.len() <= 2);
    let alone = matches!(app.screen, Screen::Home(_) | Screen::Opening(_) | Screen::Grid(_));
    assert!(!alone || app.behind.is_empty(), "below these lies the list of runs alone");
}

#[test]
fn moves_counts_and_sequences() {
    let mut app = open(20, (120, 40));
    press(&mut app, "g g 0");
    assert_eq!(at(&app), (0, 0));
    press(&mut app, "5 j 1 2 l");
    assert_eq!(at(&app), (5, 12));
    press(&mut app, "k h");
    assert_eq!(at(&app), (4, 11));
    press(&mut app, "]");
    assert_eq!(at(&app), (5, 5), "both coordinates");
    press(&mut app, "G $");
    assert_eq!(at(&app), (69, 69));
    press(&mut app, "9 9 9 9 9 9 9 k 7 G");
    assert_eq!(at(&app), (6, 69), "a count is a row's number");
    press(&mut app, "g j");
    assert_eq!(at(&app), (6, 69), "an unfinished sequence does nothing");
    press(&mut app, "4 Esc j");
    assert_eq!(at(&app), (7, 69), "escape drops the count");
}

#[test]
fn stages_are_jumped_to() {
    let mut app = open(20, (120, 40));
    press(&mut app, "g g 0 }");
    assert_eq!(names(&app).0, "layer1.0.conv1");
    press(&mut app, "}");
    assert_eq!(names(&app).0, "layer2.0.conv1");
    press(&mut app, "j j {");
    assert_eq!(names(&app).0, "layer2.0.conv1", "the start of this stage");
    press(&mut app, "} }");
    assert_eq!(names(&app).0, "avgpool");
    press(&mut app, "2 {");
    assert_eq!(names(&app).0, "layer2.0.conv1");
}

#[test]
fn views_keep_the_cursor_on_the_same_or_nearest_layer() {
    let mut app = open(20, (120, 40));
    press(&mut app, "/ l a y e r 2 . 1 . c o n v 1 Enter");
    assert_eq!(names(&app), ("layer2.1.conv1".into(), "layer2.1.conv1".into()));
    press(&mut app, "v");
    assert_eq!(app.explorer().unwrap().view(), View::BlockOutputs);
    assert_eq!(names(&app).0, "layer2.0.relu2", "the nearest block output");
    press(&mut app, "v");
    assert_eq!(names(&app).0, "layer2.1.conv1");
    press(&mut app, "v");
    assert_eq!(names(&app).0, "layer2.1.conv1", "all layers again, and nothing drifted");
}

#[test]
fn search_jumps_and_repeats() {
    let mut app = open(20, (120, 40));
    press(&mut app, "g g / r e l u 2");
    let find = app.overlay.find().unwrap();
    assert_eq!(find.matches().len(), 9);
    assert!(find.matches().iter().all(|m| m.name.ends_with("relu2")));
    press(&mut app, "Enter");
    assert_eq!(names(&app).0, "layer1.0.relu2");
    press(&mut app, "n");
    assert_eq!(names(&app).0, "layer1.1.relu2");
    press(&mut app, "N N");
    assert_eq!(names(&app).0, "layer3.2.relu2", "the search wraps");
    press(&mut app, "/ z z z z Enter");
    assert!(app.toast.as_ref().is_some_and(|t| t.error && t.text.contains("zzzz")));
    press(&mut app, "/ q Backspace Backspace");
    assert!(app.overlay.find().is_none(), "backspace in an empty field closes it");
    let before = names(&app);
    press(&mut app, "/ c o n v Esc");
    assert_eq!(names(&app), before);
}

#[test]
fn pooling_range_and_zoom_change_what_is_shown() {
    let mut app = open(38, (120, 40));
    let e = |app: &App| app.explorer().unwrap().clone();
    let before = e(&app).pooled().cloned();
    press(&mut app, "p");
    assert_eq!(e(&app).pooling(), Pooling::Max);
    assert_ne!(e(&app).pooled().cloned(), before);
    assert_eq!(e(&app).range(), (0.0, 1.0));
    press(&mut app, "a");
    assert!(e(&app).range().0 > 0.0, "the scale follows the data");
    press(&mut app, "a m");
    assert_eq!(e(&app).range(), MapMode::STANDARD_ERROR.fixed_range());
    press(&mut app, "+");
    assert_eq!(e(&app).pooled().map(|p| p.rows()), Some(133), "one to one");
    press(&mut app, "f");
    assert!(e(&app).viewport().is_fitted());
}

#[test]
fn export_asks_for_the_whole_map_under_a_safe_name() {
    let mut app = open(20, (80, 24));
    let effects = press(&mut app, "v e");
    let [Effect::Export(request)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(request.stem, "resnet20-w2-cifar10-64th-s0-block-outputs-cka");
    assert_eq!((request.matrix.rows(), request.rows.len(), request.range), (10, 10, (0.0, 1.0)));
    let paths = ["png", "svg"].map(|e| PathBuf::from("./x").with_extension(e)).to_vec();
    update(&mut app, Input::Exported(Ok(paths)));
    assert_eq!(app.toast.as_ref().unwrap().text, "wrote ./x.png, .svg");
    update(&mut app, Input::Exported(Err("no space".into())));
    assert!(app.toast.as_ref().unwrap().error);
    press(&mut app, "j");
    assert!(app.toast.is_none(), "a key clears the message");

    let mut run = demo::synthetic_run(8);
    run.manifest.name = "../../.ssh/x y".into();
    app.awaited = Awaited::Run(run.id.clone());
    update(&mut app, Input::RunLoaded(Ok(Box::new(run))));
    let effects = press(&mut app, "e");
    let [Effect::Export(request)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(
        !request.stem.contains(['/', ' ']) && !request.stem.starts_with('.'),
        "{}",
        request.stem
    );
}

#[test]
fn home_opens_runs_and_tells_what_is_broken() {
    let mut app = open(20, (80, 24));
    press(&mut app, "Esc");
    assert_eq!(app.scope(), Scope::Home);
    assert_eq!(
        app.home.selection().unwrap().name,
        "resnet20-w2-cifar10-64th-s0",
        "the open run is selected"
    );
    press(&mut app, "G");
    assert!(press(&mut app, "Enter").is_empty());
    assert!(app.toast.as_ref().unwrap().text.contains("run.ron:3:14"));
    let effects = press(&mut app, "k Enter");
    let [Effect::LoadRun(id)] = effects.as_slice() else { panic!("{effects:?}") };
    let mut bare = demo::synthetic_run(14);
    bare.id = id.clone();
    bare.maps = Default::default();
    update(&mut app, Input::RunLoaded(Ok(Box::new(bare))));
    assert_eq!(app.scope(), Scope::Form);
    press(&mut app, "j l G v m + e / ?");
    check(&app);
}

#[test]
fn late_answers_and_failures_do_not_change_screens() {
    let mut app = open(20, (80, 24));
    press(&mut app, "Esc");
    update(&mut app, Input::RunLoaded(Ok(Box::new(demo::synthetic_run(8)))));
    assert_eq!(app.scope(), Scope::Home, "nobody asked for this run");
    let mut app = App::new(look(), Some(demo::synthetic_run(8).id));
    assert!(matches!(app.start().as_slice(), [Effect::LoadRun(_), Effect::ListRuns]));
    update(&mut app, Input::RunLoaded(Err("run.ron is damaged".into())));
    assert_eq!((app.scope(), app.toast.as_ref().map(|t| t.error)), (Scope::Home, Some(true)));
}

#[test]
fn the_mouse_selects_and_zooms() {
    let mut app = open(14, (120, 40));
    let map = explorer::ExplorerLayout::new(app.size).map;
    update(&mut app, Input::Click(map.x + 7, map.y + 2));
    assert_eq!(at(&app), (4, 7));
    let scale = app.explorer().unwrap().viewport().scale();
    update(&mut app, Input::Wheel(map.x, map.y, true));
    assert_ne!(app.explorer().unwrap().viewport().scale(), scale);
    assert_eq!(press(&mut app, "M"), [Effect::Mouse(false)]);
}

#[test]
fn quitting_suspending_and_redrawing_always_work() {
    for before in ["j", "?", "/", "/ a", "g", "5"] {
        for (key, effect) in
            [("C-c", Effect::Quit), ("C-z", Effect::Suspend), ("C-l", Effect::Redraw)]
        {
            let mut app = open(8, (80, 24));
            press(&mut app, before);
            assert_eq!(press(&mut app, key), [effect], "{key} after {before}");
        }
    }
    let mut app = open(8, (80, 24));
    assert!(press(&mut app, "? q").is_empty(), "q closes the help first");
    assert_eq!(press(&mut app, "q"), [Effect::Quit]);
}

#[test]
fn the_list_of_runs_is_sorted_and_filtered_and_the_selection_stays() {
    let mut app = open(20, (120, 40));
    press(&mut app, "Esc");
    let names = |app: &App| -> Vec<String> {
        app.home.runs.iter().flatten().map(|run| run.name.clone()).collect()
    };
    let (all, selected) = (names(&app), app.home.selection().unwrap().name.clone());
    assert!(all.len() > 2, "{all:?}");
    press(&mut app, "o");
    let depth = |run: &crate::runs::RunSummary| run.manifest.as_ref().map_or(0, |m| m.model.depth);
    let depths: Vec<usize> = app.home.runs.iter().flatten().map(depth).collect();
    assert!(depths.is_sorted_by(|a, b| a >= b), "{depths:?}");
    assert_eq!(app.home.selection().unwrap().name, selected);
    press(&mut app, "o o o");
    let dates: Vec<_> = app
        .home
        .runs
        .iter()
        .flatten()
        .flat_map(|run| run.manifest.as_ref().map(|m| m.created.clone()))
        .collect();
    assert!(dates.is_sorted_by(|a, b| a >= b), "{dates:?}");
    // columns that are not shown are not sorted by
    press(&mut app, "| Space Esc o o");
    assert_eq!(names(&app), all, "by name again");
    press(&mut app, "/");
    update(&mut app, Input::Paste("depth:20 cifar".into()));
    press(&mut app, "Enter");
    let shown: Vec<_> = app.home.runs.iter().flatten().map(depth).collect();
    assert!(!shown.is_empty() && shown.iter().all(|depth| *depth == 20), "{shown:?}");
    press(&mut app, "Esc");
    assert_eq!(names(&app), all);
    // words of any part, in any case
    press(&mut app, "/");
    update(&mut app, Input::Paste("RESNET CIFAR".into()));
    press(&mut app, "Enter");
    let shown: Vec<_> = app.home.runs.iter().flatten().map(|run| run.manifest.clone()).collect();
    assert!(!shown.is_empty() && shown.len() < all.len(), "{shown:?}");
    for manifest in shown {
        let manifest = manifest.unwrap();
        assert!(
            manifest.model.title().contains("ResNet") && manifest.data.title().contains("CIFAR")
        );
    }
    press(&mut app, "/ C-u");
    update(&mut app, Input::Paste("nothing-like-it".into()));
    press(&mut app, "Enter");
    assert!(names(&app).is_empty() && app.home.selection().is_none());
    press(&mut app, "Esc");
    assert_eq!(names(&app), all);
}

/// A word to type in the palette, or the key of that name.
fn word(text: &str) -> Input {
    text.parse().map_or_else(|_| Input::Paste(text.into()), Input::Key)
}

#[test]
fn the_palette_runs_what_it_finds() {
    let mut app = open(20, (80, 24));
    press(&mut app, ": z o o m - i n Enter");
    assert!(app.overlay.palette().is_none() && !app.explorer().unwrap().viewport().is_fitted());
    press(&mut app, ": h e l p Enter");
    assert!(app.overlay.help().is_some_and(|help| !help.is_typing()));
    press(&mut app, ":");
    assert!(
        app.overlay.help().is_none() && app.overlay.palette().is_some(),
        "it takes the help's place"
    );
    press(&mut app, "C-n C-n Up Down C-p");
    assert_eq!(app.overlay.palette().unwrap().selected(), 1);
    press(&mut app, "Esc");
    assert!(app.overlay.palette().is_none() && app.scope() == Scope::Explorer);
    press(&mut app, ": x q z q z Enter");
    assert!(app.toast.as_ref().is_some_and(|t| t.error && t.text.contains("xqzqz")));
    press(&mut app, ":");
    update(&mut app, Input::Paste("back to".into()));
    press(&mut app, "Enter");
    assert_eq!(app.scope(), Scope::Home);
    assert_eq!(press(&mut app, ": q u i t Enter"), [Effect::Quit]);
    let hits = |app: &App| app.overlay.palette().unwrap().hits().len();
    press(&mut app, ":");
    assert!(hits(&app) < TABLE.len() / 2, "few commands work on the list");
    // the screen changes under an open palette
    update(&mut app, Input::Resize(10, 5));
    press(&mut app, "Esc :");
    assert!(app.overlay.palette().is_none(), "not where nothing can be drawn");
}

fn any_input() -> impl Strategy<Value = Input> {
    let keys: Vec<Key> =
        TABLE.iter().flat_map(|r| r.keys).flat_map(|k| parse_sequence(k).unwrap()).collect();
    let size = prop_oneof![Just((0, 0)), Just((1, 1)), Just((80, 24)), (0u16..230, 0u16..80)];
    prop_oneof![
        12 => prop::sample::select(keys).prop_map(Input::Key),
        2 => (0u32..10).prop_map(|d| Input::Key(Key::char(char::from_digit(d, 10).unwrap()))),
        2 => any::<char>().prop_map(|c| Input::Key(Key::char(c))),
        2 => size.prop_map(|(w, h)| Input::Resize(w, h)),
        1 => (0u16..230, 0u16..80).prop_map(|(x, y)| Input::Click(x, y)),
        1 => (0u16..230, 0u16..80).prop_map(|(x, y)| Input::Drag(x, y)),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(x, y)| Input::Drag(x, y)),
        1 => (0u16..230, 0u16..80).prop_map(|(x, y)| Input::Hover(x, y)),
        2 => prop::sample::select(vec!["zoom", "ma", "Down", "Enter", ":"]).prop_map(word),
        1 => (0u16..230, 0u16..80, any::<bool>()).prop_map(|(x, y, up)| Input::Wheel(x, y, up)),
        1 => Just(()).prop_map(|()| Input::RunsListed(demo::summaries())),
        1 => Just(()).prop_map(|()| Input::RunsListed(Vec::new())),
        1 => Just(()).prop_map(|()| Input::RunLoaded(Err("no".into()))),
        1 => Just(()).prop_map(|()| Input::Failed("no".into())),
        1 => ".{0,6}".prop_map(Input::Paste),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_sequence_of_inputs_keeps_the_invariants(inputs in prop::collection::vec(any_input(), 0..60)) {
        let mut app = open(14, (80, 24));
        for input in inputs {
            let effects = update(&mut app, input);
            // a run that is asked for arrives
            if let Some(Effect::LoadRun(id)) = effects.into_iter().find(|e| matches!(e, Effect::LoadRun(_))) {
                let mut run = demo::synthetic_run(8);
                run.id = id;
                update(&mut app, Input::RunLoaded(Ok(Box::new(run))));
            }
            check(&app);
        }
    }
}
