//! Clicks on hints: each does what its key does.

use crate::app::bottom::{self, Does, Part, Tone};
use crate::app::jobs::JobUpdate;
use crate::app::key::parse_sequence;
use crate::app::*;
use crate::app::{demo, home::HomeLayout};
use crate::runs::RunId;
use crate::theme::ThemeSet;

const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 40), (200, 60)];

fn look() -> Look {
    Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor)
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    parse_sequence(keys).unwrap().into_iter().flat_map(|key| update(app, Input::Key(key))).collect()
}

/// Every screen, and some with something open on top.
fn screens(size: (u16, u16)) -> Vec<App> {
    let after = |mut app: App, keys: &str| {
        press(&mut app, keys);
        app
    };
    let map = || demo::full_app(look(), 38, size);
    vec![
        map(),
        after(map(), "D"),
        after(map(), "A"),
        after(map(), "Esc"),
        after(map(), "Esc I"),
        after(map(), "Esc I l"),
        after(map(), "Esc |"),
        after(map(), "?"),
        after(map(), "? / z o o m"),
        after(map(), ":"),
        after(map(), "/"),
        after(map(), "L"),
        after(map(), "L Esc"),
        after(map(), "Esc /"),
        after(map(), "Esc w"),
        demo::pair_app(look(), [20, 20], true, size),
        demo::predictions_app(look(), size),
        App { size, ..App::new(look(), Some(RunId::Embedded("a".into()))) },
    ]
}

/// The parts of the line that is in front, and its row.
fn line(app: &App) -> (Vec<Part>, u16) {
    match app.overlay.help() {
        Some(help) => {
            let view = help.view(app.scope(), &app.keymap, app.size);
            (bottom::of_help(app, help, &view), view.area.y)
        }
        None => (bottom::parts(app), bottom::place(app.size).y),
    }
}

#[test]
fn a_click_on_a_hint_does_what_its_key_does() {
    let mut tried = 0;
    for size in SIZES {
        for app in screens(size) {
            let (parts, y) = line(&app);
            assert!(!parts.is_empty());
            for part in parts {
                let Some(does) = part.does else { continue };
                let columns = crate::text::width(&part.text) as u16;
                for x in [part.x, part.x + columns - 1] {
                    if x >= size.0 - 1 {
                        continue;
                    }
                    let (mut clicked, mut pressed) = (app.clone(), app.clone());
                    let by_click = update(&mut clicked, Input::Click(x, y));
                    let keys = match does {
                        Does::Press(key) => vec![key],
                        Does::Command(action) => {
                            parse_sequence(action.info().unwrap().keys[0]).unwrap()
                        }
                    };
                    let mut by_key = Vec::new();
                    for key in keys {
                        by_key = update(&mut pressed, Input::Key(key));
                    }
                    // as text: what is not a number is not equal to itself
                    let same = format!("{by_click:?}") == format!("{by_key:?}");
                    assert!(same, "{part:?} at {size:?}");
                    let same = format!("{clicked:?}") == format!("{pressed:?}");
                    assert!(same, "{part:?} at {size:?}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn every_key_of_a_hint_is_its_own_and_beside_them_nothing_happens() {
    let mut app = demo::full_app(look(), 20, (120, 40));
    press(&mut app, "g g 0");
    let (parts, y) = line(&app);
    // hjkl
    let at = |text: &str| parts.iter().find(|p| p.text == text && p.tone == Tone::Key).unwrap().x;
    update(&mut app, Input::Click(at("j"), y));
    update(&mut app, Input::Click(at("l"), y));
    assert_eq!(app.explorer().unwrap().position(), (1, 1));
    update(&mut app, Input::Click(at("h"), y));
    assert_eq!(app.explorer().unwrap().position(), (1, 0));
    // between two hints
    let label = parts.iter().find(|p| p.tone == Tone::Label).unwrap();
    let gap = label.x + crate::text::width(&label.text) as u16 + 1;
    assert_eq!(bottom::clicked(&app, (gap, y)), None);
    assert_eq!(bottom::clicked(&app, (at("j"), y - 1)), None);
    // other keys, other hints
    app.keymap.unbind(Action::Help);
    assert!(line(&app).0.iter().all(|part| part.does != Some(Does::Command(Action::Help))));
}

#[test]
fn what_runs_is_cancelled_and_the_question_answered_by_clicks() {
    let mut app = demo::full_app(look(), 38, (120, 40));
    press(&mut app, "L");
    let id = app.running.as_ref().unwrap().id;
    let progress = JobUpdate::Progress { done: 5_000, total: 10_000, unit: "images" };
    update(&mut app, Input::Job(id, progress));
    let part = |app: &App, text: &str| {
        let (parts, y) = line(app);
        let found = parts.iter().find(|part| part.text.contains(text));
        found.map(|part| (part.x, y)).unwrap_or_else(|| panic!("{text}: {parts:?}"))
    };
    let (x, y) = part(&app, "5,000 of 10,000 images");
    update(&mut app, Input::Click(x, y));
    assert!(app.running.is_some() && !app.overlay.asks(), "that is no hint");
    let (x, y) = part(&app, " cancel");
    update(&mut app, Input::Click(x, y));
    assert!(app.overlay.asks());
    let (x, y) = part(&app, " no");
    update(&mut app, Input::Click(x, y));
    assert!(!app.overlay.asks() && app.running.is_some());
    press(&mut app, "Esc");
    let (x, y) = part(&app, "y");
    assert_eq!(update(&mut app, Input::Click(x, y)), [Effect::CancelJob(id)]);
}

#[test]
fn all_screens_have_the_line_in_the_same_place() {
    for size in SIZES {
        let place = bottom::place(size);
        for hints in [
            HomeLayout::new(size).hints,
            explorer::ExplorerLayout::new(size).hints,
            explorer::cuts::CutsLayout::new(size).hints,
            compare::CompareLayout::new(size).hints,
            grid::GridLayout::new(size).hints,
            predictions::PredictionsLayout::new(size).hints,
        ] {
            assert_eq!(hints, place, "{size:?}");
        }
    }
}
