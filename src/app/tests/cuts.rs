//! The list of cuts, as sequences of keys and of news.

use crate::app::demo;
use crate::app::explorer::cuts::CutOrder;
use crate::app::jobs::{JobKind, JobUpdate};
use crate::app::key::parse_sequence;
use crate::app::*;
use crate::domain::deletion::{DeletionRow, Experiment};
use crate::domain::flips::Flips;
use crate::theme::ThemeSet;

const SIZE: (u16, u16) = (120, 40);

fn open() -> App {
    let look = Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor);
    demo::full_app(look, 20, SIZE)
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    parse_sequence(keys).unwrap().into_iter().flat_map(|key| update(app, Input::Key(key))).collect()
}

fn typed(app: &mut App, text: &str) -> Vec<Effect> {
    text.chars().flat_map(|c| update(app, Input::Key(Key::char(c)))).collect()
}

fn explorer(app: &App) -> &Explorer {
    app.explorer().unwrap()
}

/// Blocks in the list's order, and the selected one.
fn list(app: &App) -> (Vec<String>, String) {
    let cuts = explorer(app).cuts();
    let names: Vec<String> = cuts.iter().map(|cut| cut.block.to_string()).collect();
    let at = names[explorer(app).cut_selected(&cuts)].clone();
    (names, at)
}

fn ran(effects: &[Effect]) -> Option<JobKind> {
    effects.iter().find_map(|effect| match effect {
        Effect::StartJob(request) => Some(request.kind.clone()),
        _ => None,
    })
}

#[test]
fn it_opens_at_the_cursors_block_and_goes_back_to_the_map() {
    let mut app = open();
    typed(&mut app, "/2.2.conv1");
    press(&mut app, "Enter D");
    assert_eq!(app.scope(), Scope::Cuts);
    let (names, at) = list(&app);
    assert_eq!(names, ["1.0", "1.1", "1.2", "2.1", "2.2", "3.1", "3.2"]);
    assert_eq!(at, "2.2");
    press(&mut app, "G k");
    assert_eq!(list(&app).1, "3.1");
    // Enter shows the block on the map
    press(&mut app, "Enter");
    assert_eq!(app.scope(), Scope::Explorer);
    let e = explorer(&app);
    assert!(e.layer(e.position().0).unwrap().name.starts_with("layer3.1"));
    press(&mut app, "D Esc");
    assert_eq!(app.scope(), Scope::Explorer);
}

#[test]
fn sorted_by_cost_the_cheapest_is_first_and_what_is_unknown_last() {
    let mut app = open();
    press(&mut app, "D G o");
    assert_eq!(explorer(&app).cut_order(), CutOrder::Cost);
    let (names, at) = list(&app);
    assert_eq!(names[..3], ["2.2", "2.1", "1.1"]);
    assert_eq!(at, "3.2", "the selection stays on its block");
    press(&mut app, "o");
    assert_eq!(list(&app).0[0], "1.0");
}

#[test]
fn ticked_blocks_are_evaluated_together_and_costs_arrive_in_the_list() {
    let mut app = open();
    press(&mut app, "D g g");
    let first = press(&mut app, "Space");
    assert!(matches!(ran(&first), Some(JobKind::Evaluate(d)) if d.to_string() == "1.0"));
    let both = press(&mut app, "j Space");
    assert!(matches!(ran(&both), Some(JobKind::Evaluate(d)) if d.to_string() == "1.0,1.1"));
    let row = |deleted: &str, lost| DeletionRow {
        experiment: Experiment::Chosen,
        deleted: deleted.parse().unwrap(),
        examples: 10_000,
        correct: 4_123 - lost,
        loss: 1.0,
        flips: Some(Flips { lost, won: 0 }),
    };
    let id = app.running.as_ref().unwrap().id;
    update(&mut app, Input::Job(id, JobUpdate::Rows(vec![row("1.0,1.1", 900)])));
    update(&mut app, Input::Job(id, JobUpdate::Done));
    let cost = explorer(&app).pruning.cost(explorer(&app).pruning.deleted()).unwrap();
    assert!((cost.change + 0.09).abs() < 1e-12 && cost.examples == 10_000);
    // undo leads to a state that was not measured; another way to it costs nothing
    assert!(ran(&press(&mut app, "u")).is_some());
    assert!(ran(&press(&mut app, "C-r")).is_none());
    // back on the map the same blocks are deleted
    press(&mut app, "Esc");
    assert_eq!(explorer(&app).pruning.deleted().to_string(), "1.0,1.1");
}

#[test]
fn all_blocks_that_surely_cost_little_are_ticked_at_once() {
    let mut app = open();
    let effects = press(&mut app, "D a");
    assert!(matches!(ran(&effects), Some(JobKind::Evaluate(d)) if d.to_string() == "2.1,2.2"));
    assert!(explorer(&app).cheap_blocks().unwrap().starts_with("2 of 3 residual blocks"));
    // without measured costs nothing is ticked, and a key is named
    let look = app.look.clone();
    let mut bare = demo::app(look, 20, SIZE);
    assert!(press(&mut bare, "D a").is_empty());
    assert!(bare.toast.unwrap().text.contains("L measures each"));
}

#[test]
fn a_pruned_network_is_saved_under_a_name() {
    let mut app = open();
    press(&mut app, "D W");
    assert!(app.overlay.ask().is_none() && app.toast.as_ref().unwrap().error, "nothing deleted");
    press(&mut app, "g g Space W");
    let name = app.overlay.ask().unwrap().prompt.text().to_string();
    assert_eq!(name, format!("{}-without-1.0", explorer(&app).run().manifest.name));
    // letters are text now, not commands
    typed(&mut app, "q");
    let effects = press(&mut app, "Enter");
    let Some(JobKind::Cut(blocks, saved)) = ran(&effects) else { panic!("{effects:?}") };
    assert_eq!((blocks.to_string(), saved), ("1.0".to_string(), name + "q"));
    let id = app.running.as_ref().unwrap().id;
    assert_eq!(update(&mut app, Input::Job(id, JobUpdate::Done)), [Effect::ListRuns]);
    // Esc gives up, an empty name is none
    press(&mut app, "W Esc");
    assert!(app.overlay.ask().is_none() && app.running.is_none() && app.scope() == Scope::Cuts);
    press(&mut app, "W C-u Enter");
    assert!(app.running.is_none() && app.toast.as_ref().unwrap().text.contains("needs a name"));
}

#[test]
fn the_mouse_selects_and_ticks() {
    let mut app = open();
    press(&mut app, "D");
    let y = explorer::cuts::CutsLayout::new(SIZE).list.y;
    let selected = list(&app).1;
    update(&mut app, Input::Click(5, y));
    assert!(list(&app).1 == "1.0" && selected != "1.0");
    let effects = update(&mut app, Input::Click(5, y));
    assert!(matches!(ran(&effects), Some(JobKind::Evaluate(_))));
    update(&mut app, Input::Wheel(5, y, false));
    assert_eq!(list(&app).1, "1.1");
}
