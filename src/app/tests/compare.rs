//! Two runs side by side, as sequences of keys.

use proptest::prelude::*;

use crate::app::action::TABLE;
use crate::app::compare::Compare;
use crate::app::compare::{Pane, ThirdMap, partner, refusal};
use crate::app::jobs::{JobKind, JobUpdate};
use crate::app::key::parse_sequence;
use crate::app::{App, ColourDepth, Effect, Input, Look, Scope, demo, update};
use crate::theme::ThemeSet;

fn look() -> Look {
    Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor)
}

fn open(depths: [usize; 2], cross: bool) -> App {
    demo::pair_app(look(), depths, cross, (120, 40))
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    parse_sequence(keys).unwrap().into_iter().flat_map(|key| update(app, Input::Key(key))).collect()
}

fn compare(app: &App) -> &Compare {
    app.compare().unwrap()
}

/// Names under the cursor of a pane: (row, column).
fn names(app: &App, pane: Pane) -> (String, String) {
    let c = compare(app);
    let (row, col) = c.position(pane);
    let sides = match pane {
        Pane::Third => [&c.sides()[0], &c.sides()[1]],
        pane => [c.side(pane); 2],
    };
    (sides[0].layer(row).unwrap().name.clone(), sides[1].layer(col).unwrap().name.clone())
}

#[test]
fn linked_cursors_go_together_and_unlinked_ones_do_not() {
    let mut app = open([20, 20], true);
    assert_eq!(app.scope(), Scope::Compare);
    press(&mut app, "5 j 2 l");
    let here = names(&app, Pane::A);
    assert_eq!(names(&app, Pane::B), here);
    assert_eq!(names(&app, Pane::Third), here);
    press(&mut app, "S 3 j");
    assert_ne!(names(&app, Pane::A), here);
    assert_eq!(names(&app, Pane::B), here);
    press(&mut app, "S");
    assert_eq!(names(&app, Pane::A), names(&app, Pane::B), "linking brings them together");
}

#[test]
fn layers_that_differ_are_a_curve_and_a_key_goes_along_them() {
    let mut app = open([20, 20], true);
    press(&mut app, "i");
    assert!(compare(&app).shows_differing());
    let same = compare(&app).same_layers().unwrap();
    assert_eq!(same.len(), compare(&app).sides()[0].len());
    let least = compare(&app).least_alike();
    let defined: Vec<_> = same.iter().flatten().collect();
    assert!(
        defined.iter().all(|s| s.cka >= least[0].cka) && defined.iter().all(|s| s.error.is_some())
    );
    // the values are those of the map between the runs
    let cross = &compare(&app).cross().unwrap().cka;
    let index = compare(&app).sides()[0].indices()[least[0].position];
    assert_eq!(cross.values.get(index, index), Some(least[0].cka));
    press(&mut app, "]");
    assert_eq!(compare(&app).position(Pane::A), (least[0].position, least[0].position));
    assert!(app.toast.as_ref().unwrap().text.starts_with("least alike: CKA 0."));
    press(&mut app, "]");
    assert_eq!(compare(&app).position(Pane::B).0, least[1].position, "the other side follows");
    press(&mut app, "[ [");
    assert_eq!(compare(&app).position(Pane::A).0, least[least.len() - 1].position);
    press(&mut app, "i");
    assert!(!compare(&app).shows_differing());
    // without the CKA between the runs there is none
    let mut bare = open([20, 20], false);
    press(&mut bare, "i");
    assert!(
        !compare(&bare).shows_differing() && bare.toast.unwrap().text.contains("x computes it")
    );
}

#[test]
fn other_depths_are_matched_by_position_or_by_name() {
    let mut app = open([56, 20], true);
    press(&mut app, "g g 0");
    assert_eq!(names(&app, Pane::B).0, "conv1");
    press(&mut app, "G $");
    assert_eq!(names(&app, Pane::B), ("linear".into(), "linear".into()));
    assert_eq!(compare(&app).correspondence().words(), "by relative position");
    press(&mut app, "A");
    assert_eq!(compare(&app).correspondence().words(), "by name");
    // in the third map the rows are A's and the columns B's
    press(&mut app, "Tab Tab");
    assert_eq!(compare(&app).focus(), Pane::Third);
    let (n, m) = compare(&app).shape(Pane::Third);
    assert!(n > m);
    press(&mut app, "g g 1 0 l");
    assert_eq!(compare(&app).position(Pane::Third).0, 0);
    press(&mut app, "d");
    assert!(app.toast.as_ref().unwrap().error, "maps of other layers are not subtracted");
    assert_eq!(compare(&app).third(), ThirdMap::Cross);
}

#[test]
fn swapping_exchanges_everything_and_twice_changes_nothing() {
    let mut app = open([20, 56], true);
    press(&mut app, "7 j");
    let before = (names(&app, Pane::A), names(&app, Pane::B), compare(&app).cross_value());
    let map = compare(&app).matrix().unwrap().clone();
    press(&mut app, "s");
    assert_eq!((names(&app, Pane::B), names(&app, Pane::A)), (before.0.clone(), before.1.clone()));
    assert_eq!(*compare(&app).matrix().unwrap(), map.transposed());
    assert_eq!(compare(&app).focus(), Pane::B);
    press(&mut app, "s");
    assert_eq!((names(&app, Pane::A), names(&app, Pane::B)), (before.0, before.1));
    assert_eq!(compare(&app).cross_value(), before.2);
}

#[test]
fn the_difference_is_signed_and_its_scale_symmetric() {
    let mut app = open([20, 20], true);
    press(&mut app, "d");
    let c = compare(&app);
    assert_eq!(c.third(), ThirdMap::Difference);
    let (a, b) = (c.sides()[0].matrix().unwrap(), c.sides()[1].matrix().unwrap());
    let d = c.matrix().unwrap();
    assert!(
        (d.get(3, 40).unwrap() - (a.get(3, 40).unwrap() - b.get(3, 40).unwrap())).abs() < 1e-12
    );
    assert_eq!(c.range(), (-0.5, 0.5));
    press(&mut app, "a");
    let (low, high) = compare(&app).range();
    assert!(low < 0.0 && (low + high).abs() < 1e-12);
    // the same run twice differs by nothing
    press(&mut app, "m");
    assert_eq!(compare(&app).sides()[0].mode(), compare(&app).sides()[1].mode());
}

#[test]
fn without_a_cross_map_it_can_be_computed() {
    let mut app = open([20, 20], false);
    assert_eq!(compare(&app).third(), ThirdMap::Difference);
    press(&mut app, "d");
    assert!(compare(&app).matrix().is_none());
    let effects = press(&mut app, "x");
    let Some(Effect::StartJob(job)) = effects.first() else { panic!("{effects:?}") };
    assert!(matches!(job.kind, JobKind::Cross(_)));
    let [a, b] = compare(&app).sides();
    let pair = demo::synthetic_pair(a.run(), b.run());
    update(&mut app, Input::Job(job.id, JobUpdate::Cross(Box::new(pair))));
    assert!(compare(&app).matrix().is_some() && compare(&app).cross_value().is_some());
    update(&mut app, Input::Job(job.id, JobUpdate::Done));
    press(&mut app, "Esc");
    assert_eq!(app.scope(), Scope::Home);
}

#[test]
fn one_key_opens_the_other_seed_and_other_images_are_refused() {
    let mut app = demo::full_app(look(), 38, (120, 40));
    let effects = press(&mut app, "s");
    assert!(matches!(effects[..], [Effect::LoadPair(..)]), "{effects:?}");
    // the chosen run is the first of the two
    press(&mut app, "Esc g g Space j");
    let ids: Vec<_> = app.home.runs.as_ref().unwrap().iter().map(|r| r.id.clone()).collect();
    let effects = press(&mut app, "s");
    assert_eq!(effects, [Effect::LoadPair(ids[0].clone(), ids[1].clone())]);
    let (a, mut b) = (demo::synthetic_run(20), demo::synthetic_run(20));
    assert_eq!(refusal(&a, &b), None);
    b.maps.cka_mut().unwrap().record.data.fingerprint = "feed".repeat(16);
    let why = refusal(&a, &b).unwrap();
    assert!(why.contains("feedfeedfeed") && why.contains("3f9c01ab77d2"), "{why}");
    b.maps = Default::default();
    assert!(refusal(&a, &b).unwrap().contains("blockscope analyze"));
    // another seed of the same network goes before another network
    let mut runs = demo::summaries();
    let mut twin = demo::summary(&demo::synthetic_run(38));
    twin.id = crate::runs::RunId::Embedded("twin".into());
    twin.manifest.as_mut().unwrap().seed = Some(7);
    runs.push(twin.clone());
    assert_eq!(partner(&runs, &runs[0].id), Some(twin.id));
    assert_eq!(partner(&runs[..1], &runs[0].id), None);
}

proptest! {
    #[test]
    fn any_keys_keep_the_cursor_in_sight(
        depths in prop::sample::select(vec![[8usize, 8], [20, 56], [56, 20], [20, 20]]),
        cross in any::<bool>(),
        picks in prop::collection::vec((0usize..TABLE.len(), 0u16..230, 0u16..70), 1..40),
    ) {
        let mut app = demo::pair_app(look(), depths, cross, (120, 40));
        for (pick, w, h) in picks {
            let open = app.screen.clone();
            match pick {
                0 => drop(update(&mut app, Input::Resize(w, h))),
                1 => drop(update(&mut app, Input::Click(w, h))),
                2 => drop(update(&mut app, Input::Wheel(w, h, w % 2 == 0))),
                _ => {
                    let row = &TABLE[pick];
                    if row.scopes.has(Scope::Compare) {
                        press(&mut app, row.keys[0]);
                    }
                }
            }
            // whoever left it is led back
            if app.compare().is_none() {
                app.screen = open;
            }
            let c = compare(&app);
            for pane in Pane::ALL {
                let (row, col) = c.position(pane);
                let (n, m) = c.shape(pane);
                prop_assert!(row < n && col < m);
                let window = if pane == Pane::Third { c.window() } else { c.side(pane).viewport() };
                let (w, h) = window.pixels();
                if w > 0 && h > 0 {
                    prop_assert!(window.cell_of((row, col)).is_some(), "{:?} {:?}", pane, app.size);
                }
            }
            let (low, high) = c.range();
            prop_assert!(low < high);
        }
    }
}

fn predictions(app: &App) -> &crate::app::predictions::PredictionsView {
    app.predictions().unwrap()
}

#[test]
fn networks_of_one_architecture_are_compared_with_the_others() {
    use crate::app::predictions::{Group, Page};
    let mut app = demo::predictions_app(look(), (120, 40));
    assert_eq!(app.scope(), Scope::Predictions);
    let view = predictions(&app);
    assert_eq!((view.members().len(), view.left_out().len()), (6, 1));
    let count = |view: &crate::app::predictions::PredictionsView, g| {
        view.members().iter().filter(|m| m.group == g).count()
    };
    assert_eq!((count(view, Group::A), count(view, Group::B)), (3, 3));
    let contrast = view.contrast().unwrap();
    let worst = contrast.classes.iter().min_by(|x, y| (x.a - x.b).total_cmp(&(y.a - y.b)));
    assert_eq!(worst.unwrap().class, 3, "even seeds are worse at class 3");
    let before = contrast.accuracy;
    press(&mut app, "s");
    assert_eq!(predictions(&app).contrast().unwrap().accuracy, (before.1, before.0));
    // a run goes round the groups, and an empty group says what to do
    press(&mut app, "j Space");
    assert_eq!(predictions(&app).members()[1].group, Group::B);
    for _ in 0..6 {
        press(&mut app, "Space k");
    }
    press(&mut app, "Tab");
    assert_eq!(predictions(&app).page(), Page::Examples);
    let effects = press(&mut app, "j");
    if predictions(&app).contrast().is_ok() {
        assert!(matches!(effects[..], [Effect::LoadPictures(..)] | []), "{effects:?}");
    }
    press(&mut app, "Esc");
    assert_eq!(app.scope(), Scope::Home);
}

#[test]
fn without_predictions_one_line_says_how_to_get_them() {
    let mut app = demo::full_app(look(), 20, (120, 40));
    press(&mut app, "Esc");
    assert!(matches!(press(&mut app, "P")[..], [Effect::LoadPredictions(_)]));
    update(&mut app, Input::PredictionsLoaded(Vec::new()));
    assert!(app.toast.as_ref().unwrap().text.contains("blockscope analyze"));
    assert_eq!(app.scope(), Scope::Home);
}

#[test]
fn the_map_is_exported_whole_at_any_size() {
    let export = |app: &mut App| match press(app, "e").pop() {
        Some(Effect::Export(request)) => *request,
        other => panic!("{other:?}"),
    };
    let (mut wide, mut tiny) = (open([20, 38], true), open([20, 38], true));
    for _ in Pane::ALL {
        update(&mut tiny, Input::Resize(1, 1));
        let (a, b) = (export(&mut wide), export(&mut tiny));
        assert_eq!((a.matrix.rows(), a.matrix.cols()), (a.rows.len(), a.cols.len()));
        assert_eq!((&a.stem, a.rows.len(), a.cols.len()), (&b.stem, b.rows.len(), b.cols.len()));
        for (i, j) in [(0, 0), (30, 50), (a.rows.len() - 1, a.cols.len() - 1)] {
            assert_eq!(a.matrix.get(i, j), b.matrix.get(i, j));
        }
        update(&mut tiny, Input::Resize(120, 40));
        press(&mut wide, "Tab");
        press(&mut tiny, "Tab");
    }
}
