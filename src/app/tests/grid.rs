//! The grid through `update`: keys, maps that arrive late, and what is kept.

use proptest::prelude::*;

use crate::app::action::TABLE;
use crate::app::demo;
use crate::app::grid::{Grid, GridLayout, Multiple, modes};
use crate::app::key::parse_sequence;
use crate::app::layout::too_small;
use crate::app::*;
use crate::domain::Map;
use crate::runs::{Axis, RunId, RunSummary};
use crate::theme::ThemeSet;

fn look() -> Look {
    Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor)
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    parse_sequence(keys).unwrap().into_iter().flat_map(|key| update(app, Input::Key(key))).collect()
}

/// The map that a service would read.
fn map(runs: &[RunSummary], id: &RunId) -> Result<Box<Map>, String> {
    let run = runs.iter().find(|run| run.id == *id).unwrap();
    demo::grid_map(run).map(Box::new).ok_or_else(|| "no map".into())
}

/// Answers what is asked for, until nothing is.
fn answer(app: &mut App, mut effects: Vec<Effect>) -> usize {
    let mut answered = 0;
    while let Some(effect) = effects.pop() {
        if let Effect::LoadMap(id, mode) = effect {
            let runs = app.home.runs.clone().unwrap_or_default();
            let map = map(&runs, &id);
            effects.extend(update(app, Input::MapLoaded(id, mode, map)));
            answered += 1;
        }
    }
    answered
}

fn open(size: (u16, u16)) -> App {
    let mut app = demo::grid_app(look(), size);
    let effects = press(&mut app, "w");
    assert!(effects.iter().all(|e| matches!(e, Effect::LoadMap(..))), "{effects:?}");
    answer(&mut app, effects);
    app
}

fn grid(app: &App) -> &Grid {
    app.grid().unwrap()
}

fn name(app: &App) -> &str {
    grid(app).selection().map_or("-", |run| run.name.as_str())
}

#[test]
fn the_screen_is_there_at_once_and_maps_come_few_at_a_time() {
    let mut app = demo::grid_app(look(), (120, 40));
    let effects = press(&mut app, "w");
    assert_eq!(app.scope(), Scope::Grid);
    assert_eq!(effects.len(), 4, "the rest is asked for as these arrive");
    let g = grid(&app);
    assert_eq!(g.plan().axes(), (Axis::Depth, Axis::Width));
    let (h, w) = g.plan().shape();
    assert!(
        (0..h)
            .flat_map(|r| (0..w).map(move |c| (r, c)))
            .all(|(r, c)| matches!(g.multiple(r, c), Multiple::Loading | Multiple::Missing))
    );
    let cells = (0..h * w).filter(|i| !g.plan().cell(i / w, i % w).is_empty()).count();
    assert_eq!(answer(&mut app, effects), cells, "every cell's map was read once");
    let g = grid(&app);
    assert!(matches!(g.multiple(0, 0), Multiple::Map(shown) if shown.pooled.rows() > 0));
    assert!(press(&mut app, "l j h k").is_empty(), "nothing is read twice");
}

#[test]
fn keys_move_between_cells_and_through_the_runs_of_one() {
    let mut app = open((120, 40));
    press(&mut app, "g g 0");
    assert_eq!(grid(&app).cursor(), (0, 0));
    press(&mut app, "G $");
    let (h, w) = grid(&app).plan().shape();
    assert_eq!(grid(&app).cursor(), (h - 1, w - 1));
    press(&mut app, "9 9 k 9 9 h 2 l 1 G");
    assert_eq!(grid(&app).cursor(), (0, 2.min(w - 1)));
    press(&mut app, "g g 0");
    let first = name(&app).to_string();
    let effects = press(&mut app, "]");
    assert_ne!(name(&app), first, "another seed");
    answer(&mut app, effects);
    assert!(matches!(grid(&app).multiple(0, 0), Multiple::Map(_)));
    press(&mut app, "[");
    assert_eq!(name(&app), first);
}

#[test]
fn axes_cycle_and_the_selected_run_stays_selected() {
    let mut app = open((120, 40));
    press(&mut app, "g g 0 ]");
    let selected = name(&app).to_string();
    let effects = press(&mut app, "Tab");
    answer(&mut app, effects);
    assert_eq!(grid(&app).plan().axes(), (Axis::Fraction, Axis::Width));
    assert_eq!(name(&app), selected);
    let effects = press(&mut app, "S-Tab");
    answer(&mut app, effects);
    assert_eq!(grid(&app).plan().axes(), (Axis::Fraction, Axis::Seed));
    assert_eq!(name(&app), selected);
    press(&mut app, "x");
    assert_eq!(grid(&app).plan().axes(), (Axis::Seed, Axis::Fraction));
    assert_eq!(name(&app), selected);
}

#[test]
fn views_maps_and_sizes_change_what_is_drawn() {
    let mut app = open((120, 40));
    let layers = |app: &App| match grid(app).multiple(0, 0) {
        Multiple::Map(shown) => (shown.layers, shown.pooled.rows()),
        other => panic!("{other:?}"),
    };
    let before = layers(&app);
    assert!(press(&mut app, "v").is_empty(), "views need no reading");
    assert!(layers(&app).0 < before.0 / 3, "block outputs");
    press(&mut app, "v v");
    assert_eq!(layers(&app), before);
    let side = grid(&app).side();
    press(&mut app, "+");
    assert!(grid(&app).side() > side && !grid(&app).is_fitted());
    press(&mut app, "- - f");
    assert_eq!((grid(&app).side(), grid(&app).is_fitted()), (side, true));
    let effects = press(&mut app, "m");
    assert_eq!(grid(&app).mode(), modes()[1]);
    assert!(effects.iter().all(|e| matches!(e, Effect::LoadMap(_, mode) if *mode == modes()[1])));
    for effect in effects {
        let Effect::LoadMap(id, mode) = effect else { continue };
        update(&mut app, Input::MapLoaded(id, mode, Err("no components".into())));
    }
    assert_eq!(grid(&app).multiple(0, 0), Multiple::Failed("no components"));
    press(&mut app, "m m m");
    assert!(matches!(grid(&app).multiple(0, 0), Multiple::Map(_)), "CKA is still there");
}

#[test]
fn a_run_is_opened_and_escape_comes_back_to_its_place() {
    let mut app = open((120, 40));
    press(&mut app, "g g 0 l");
    let place = grid(&app).cursor();
    let effects = press(&mut app, "Enter");
    let [Effect::LoadRun(id)] = effects.as_slice() else { panic!("{effects:?}") };
    let mut run = demo::synthetic_run(8);
    run.id = id.clone();
    update(&mut app, Input::RunLoaded(Ok(Box::new(run))));
    assert_eq!(app.scope(), Scope::Explorer);
    press(&mut app, "j Esc");
    assert_eq!((app.scope(), grid(&app).cursor()), (Scope::Grid, place));
    press(&mut app, "Esc");
    assert_eq!(app.scope(), Scope::Home);
    // from the list, a run leads back to the list
    let effects = press(&mut app, "g g Enter");
    let [Effect::LoadRun(id)] = effects.as_slice() else { panic!("{effects:?}") };
    let mut run = demo::synthetic_run(8);
    run.id = id.clone();
    update(&mut app, Input::RunLoaded(Ok(Box::new(run))));
    press(&mut app, "Esc");
    assert_eq!(app.scope(), Scope::Home);
    let effects = press(&mut app, "w");
    assert!(!effects.is_empty(), "maps were let go of");
    assert_eq!(grid(&app).cursor(), place, "the place was kept");
    // a run that cannot be read leaves the grid open
    press(&mut app, "Enter");
    update(&mut app, Input::RunLoaded(Err("damaged".into())));
    assert_eq!(app.scope(), Scope::Grid);
}

#[test]
fn empty_places_and_empty_lists_say_so() {
    let mut app = open((120, 40));
    let (h, w) = grid(&app).plan().shape();
    let hole = (0..h * w).find(|i| grid(&app).plan().cell(i / w, i % w).is_empty()).unwrap();
    press(&mut app, &format!("{} G 0", hole / w + 1));
    for _ in 0..hole % w {
        press(&mut app, "l");
    }
    assert!(press(&mut app, "Enter").is_empty());
    assert!(app.toast.as_ref().is_some_and(|t| t.error));
    update(&mut app, Input::RunsListed(Vec::new()));
    assert!(grid(&app).plan().is_empty());
    assert!(press(&mut app, "l j Enter e + Tab v").is_empty());
    let effects = update(&mut app, Input::RunsListed(demo::grid_runs()));
    assert!(!effects.is_empty(), "runs that appear are shown");
    let mut app = App::new(look(), None);
    assert!(press(&mut app, "w").is_empty());
    assert_eq!(app.scope(), Scope::Home, "without a list there is no grid");
}

#[test]
fn after_a_new_list_only_maps_that_changed_are_read_again() {
    let mut app = open((120, 40));
    let mut runs = demo::grid_runs();
    assert!(update(&mut app, Input::RunsListed(runs.clone())).is_empty());
    let changed = runs.iter().position(|run| run.name == "resnet38-w2-s0").unwrap();
    runs[changed].preview = runs[0].preview.clone();
    let id = runs[changed].id.clone();
    let effects = update(&mut app, Input::RunsListed(runs));
    assert_eq!(effects, [Effect::LoadMap(id, MapMode::CKA)]);
    // what was asked for before, of a run that is gone, is dropped
    let gone = Input::MapLoaded(RunId::Embedded("gone".into()), MapMode::CKA, Err("no".into()));
    assert!(update(&mut app, gone).is_empty());
}

#[test]
fn export_names_the_axes_and_the_mouse_selects() {
    let mut app = open((120, 40));
    let effects = press(&mut app, "v e");
    let [Effect::ExportGrid(request)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(request.stem, "grid-depth-width-block-outputs-cka");
    let area = grid(&app).area(1, 1).unwrap();
    update(&mut app, Input::Click(area.x + 2, area.y + 1));
    assert_eq!(grid(&app).cursor(), (1, 1));
    let effects = update(&mut app, Input::Click(area.x, area.y));
    assert!(matches!(effects.as_slice(), [Effect::LoadRun(_)]), "{effects:?}");
    update(&mut app, Input::Wheel(area.x, area.y, true));
    assert_eq!(grid(&app).cursor(), (0, 1));
}

#[test]
fn a_grid_that_does_not_fit_scrolls_and_reads_only_what_is_seen() {
    let runs: Vec<RunSummary> = (0..60)
        .map(|i| {
            let mut run = demo::grid_run(8 + 6 * (i % 10), 1.0 + (i / 10) as f64, 0);
            run.id = RunId::Embedded(format!("run {i}"));
            run
        })
        .collect();
    let mut app = App::new(look(), None);
    update(&mut app, Input::Resize(80, 24));
    update(&mut app, Input::RunsListed(runs));
    let effects = press(&mut app, "w");
    let read = answer(&mut app, effects);
    let (rows, cols) = grid(&app).visible();
    assert!(rows.len() < 10 && read == rows.len() * cols.len(), "{rows:?} {cols:?} {read}");
    let effects = press(&mut app, "G $");
    assert_eq!(grid(&app).visible().0.end, 10);
    assert_eq!(grid(&app).visible().1.end, 6);
    assert!(grid(&app).area(9, 5).is_some() && grid(&app).area(0, 0).is_none());
    answer(&mut app, effects);
    assert!(matches!(grid(&app).multiple(9, 5), Multiple::Map(_)));
}

#[test]
fn memory_is_bounded_and_what_was_let_go_of_is_read_again() {
    // 36 maps of about 800 layers would be 180 MB
    let one = demo::grid_run(218, 1.0, 0);
    let runs: Vec<RunSummary> = (0..36)
        .map(|i| {
            let mut run = one.clone();
            run.manifest.as_mut().unwrap().model.width = 1.0 + f64::from(i);
            run.id = RunId::Embedded(format!("run {i}"));
            run
        })
        .collect();
    let mut app = App::new(look(), None);
    update(&mut app, Input::Resize(200, 60));
    update(&mut app, Input::RunsListed(runs));
    let layers = demo::grid_map(&one).unwrap();
    let mut asked = press(&mut app, "w");
    for _ in 0..3 {
        press(&mut app, "-");
    }
    let mut read = 0;
    while let Some(effect) = asked.pop() {
        let Effect::LoadMap(id, mode) = effect else { continue };
        asked.extend(update(&mut app, Input::MapLoaded(id, mode, Ok(Box::new(layers.clone())))));
        read += 1;
        assert!(grid(&app).kept_cells() <= 8 << 20, "{}", grid(&app).kept_cells());
    }
    let (_, cols) = grid(&app).visible();
    assert!(read == cols.len() && read * layers.values.view().len() > 8 << 20, "{read}");
    assert!(cols.clone().all(|c| matches!(grid(&app).multiple(0, c), Multiple::Map(_))));
    let again = press(&mut app, "v");
    assert_eq!(again.len(), 4, "maps that were let go of are read again");
}

fn any_input() -> impl Strategy<Value = Input> {
    let keys: Vec<Key> =
        TABLE.iter().flat_map(|r| r.keys).flat_map(|k| parse_sequence(k).unwrap()).collect();
    prop_oneof![
        14 => prop::sample::select(keys).prop_map(Input::Key),
        2 => (0u32..10).prop_map(|d| Input::Key(Key::char(char::from_digit(d, 10).unwrap()))),
        2 => (0u16..230, 0u16..80).prop_map(|(w, h)| Input::Resize(w, h)),
        1 => (0u16..230, 0u16..80).prop_map(|(x, y)| Input::Click(x, y)),
        1 => (0u16..230, 0u16..80, any::<bool>()).prop_map(|(x, y, up)| Input::Wheel(x, y, up)),
        1 => (0usize..12).prop_map(|n| {
            let mut runs = demo::grid_runs();
            runs.truncate(n);
            Input::RunsListed(runs)
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_sequence_of_inputs_keeps_the_cursor_in_the_grid_and_on_screen(
        inputs in prop::collection::vec(any_input(), 0..50), late in any::<bool>(),
    ) {
        let mut app = open((100, 30));
        for input in inputs {
            let open = app.screen.clone();
            let effects = update(&mut app, input);
            if !late {
                answer(&mut app, effects);
            }
            // whoever left it is led back
            if app.grid().is_none() {
                app.screen = open;
            }
            let g = grid(&app);
            let ((row, col), (h, w)) = (g.cursor(), g.plan().shape());
            prop_assert!(g.plan().is_empty() || row < h && col < w);
            let (rows, cols) = g.visible();
            if !too_small(app.size) && !g.plan().is_empty() {
                prop_assert!(rows.contains(&row) && cols.contains(&col), "{:?}", app.size);
                let maps = GridLayout::new(app.size).maps;
                for (r, c) in rows.flat_map(|r| cols.clone().map(move |c| (r, c))) {
                    let area = g.area(r, c).unwrap();
                    // with a frame's width of air around it
                    prop_assert!(area.x > maps.x && area.x + area.w < maps.x + maps.w + 1);
                    prop_assert!(area.y > maps.y && area.y + area.h < maps.y + maps.h);
                }
            }
        }
    }
}

#[test]
fn places_stay_inside_the_screen_at_every_size() {
    for w in 0..220u16 {
        for h in 0..80u16 {
            let at = GridLayout::new((w, h));
            if too_small((w, h)) {
                continue;
            }
            for a in
                [at.top, at.status, at.columns, at.rows, at.maps, at.legend, at.readout, at.hints]
            {
                assert!(a.x + a.w <= w && a.y + a.h <= h, "{w}x{h} {a:?}");
            }
            assert!(at.maps.y + at.maps.h <= at.legend.y && at.maps.h >= 6, "{w}x{h} {at:?}");
            assert!(at.status.y < at.columns.y && at.columns.y < at.maps.y);
        }
    }
}
