//! What is written is what was drawn: bytes replayed through an emulator equal
//! the buffer, after any commands, at any size and depth, and with names in any
//! script.

use proptest::prelude::*;

use super::Screen;
use crate::app::action::{Action, TABLE};
use crate::app::key::parse_sequence;
use crate::app::{ColourDepth, Input, Look};
use crate::fixtures::demo;
use crate::theme::ThemeSet;

const SIZES: [(u16, u16); 4] = [(47, 13), (80, 24), (120, 40), (200, 60)];

/// The first keys of a command.
fn keys(action: Action) -> Vec<Input> {
    let keys = action.info().unwrap().keys[0];
    parse_sequence(keys).unwrap().into_iter().map(Input::Key).collect()
}

fn any_action() -> impl Strategy<Value = Action> {
    let actions: Vec<Action> = TABLE.iter().map(|row| row.action).collect();
    // most of them on the map, where most is drawn
    let moves = vec![
        Action::Left,
        Action::Down,
        Action::Up,
        Action::Right,
        Action::NextLayer,
        Action::ZoomIn,
        Action::HalfPageDown,
        Action::LastColumn,
        Action::NextTab,
        Action::Mode,
    ];
    prop_oneof![prop::sample::select(actions), prop::sample::select(moves)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn any_commands_arrive_as_they_were_drawn(
        actions in prop::collection::vec(any_action(), 1..14),
        resize in prop::sample::select(vec![(40u16, 12u16), (30, 9), (1, 1), (99, 31)]),
    ) {
        for size in SIZES {
            for depth in ColourDepth::ALL {
                let mut screen = Screen::new(20, size, depth);
                screen.draw();
                screen.check();
                for (i, action) in actions.iter().enumerate() {
                    for input in keys(*action) {
                        screen.input(input);
                    }
                    screen.check();
                    if i == 5 {
                        screen.input(Input::Resize(resize.0, resize.1));
                        screen.check();
                        screen.input(Input::Resize(size.0, size.1));
                        screen.check();
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn other_screens_arrive_as_they_were_drawn(
        actions in prop::collection::vec(any_action(), 1..10),
        depth in prop::sample::select(ColourDepth::ALL.to_vec()),
    ) {
        let themes = ThemeSet::builtin().unwrap();
        for size in SIZES {
            let look = || Look::new(&themes, None, depth);
            for app in [
                demo::pair_app(look(), [20, 38], true, size),
                demo::predictions_app(look(), size),
            ] {
                let mut screen = Screen::of(app, themes.clone());
                screen.draw();
                screen.check();
                for action in &actions {
                    for input in keys(*action) {
                        screen.input(input);
                    }
                    screen.check();
                }
            }
        }
    }
}

/// Names as people have them: Chinese, Japanese, Korean, emoji plain, joined, with
/// a skin tone and with a variation selector, Hebrew, Arabic, a right-to-left
/// override, combining marks, no width at all.
const NAMES: [&str; 9] = [
    "\u{6df1}\u{5c42}\u{7f51}\u{7edc}-\u{7b2c}\u{4e00}\u{6b21}",
    "\u{ff32}\u{ff45}\u{ff53}\u{30cd}\u{30c3}\u{30c8}\u{ac00}\u{b098}\u{b2e4}",
    "\u{1f680}\u{1f9e0} run \u{1f52c}",
    "\u{1f469}\u{200d}\u{1f52c} and \u{1f44d}\u{1f3fd} and \u{2764}\u{fe0f}!",
    "\u{5e8}\u{5e9}\u{5ea} \u{5e2}\u{5de}\u{5d5}\u{5e7}\u{5d4}",
    "\u{634}\u{628}\u{643}\u{629} \u{639}\u{645}\u{64a}\u{642}\u{629}",
    "abc\u{202e}def\u{200f}",
    "re\u{301}seau-o\u{308}",
    "\u{200b}\u{feff}",
];

#[test]
fn names_in_any_script_keep_the_layout() {
    let themes = ThemeSet::builtin().unwrap();
    for name in NAMES {
        for size in SIZES {
            let mut run = demo::synthetic_run(20);
            run.manifest.name = name.into();
            run.maps.cka_mut().unwrap().record.data.source = name.into();
            let mut summary = demo::summary(&run);
            summary.name = name.into();
            let look = Look::new(&themes, None, ColourDepth::Truecolor);
            let mut app = crate::app::App::new(look, Some(run.id.clone()));
            for input in [
                Input::Resize(size.0, size.1),
                Input::RunLoaded(Ok(Box::new(run))),
                Input::RunsListed(demo::summaries().into_iter().chain([summary]).collect()),
            ] {
                crate::app::update(&mut app, input);
            }
            let mut screen = Screen::of(app, themes.clone());
            screen.draw();
            screen.check();
            // over the name and away from it: nothing of it may stay behind
            for action in [
                Action::PreviousTab,
                Action::Help,
                Action::Help,
                Action::Down,
                Action::Back,
                Action::Up,
                Action::Up,
                Action::Last,
                Action::First,
            ] {
                for input in keys(action) {
                    screen.input(input);
                }
                screen.check();
            }
        }
    }
}
