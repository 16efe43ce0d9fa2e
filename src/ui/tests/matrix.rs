//! Every screen at four sizes and four colour depths, as text.
//!
//! A snapshot holds one screen at all sizes. There are two of each: where colours show
//! values (24 bits and 256), and where glyphs do (16 and none). Within each pair the
//! text is the same.

use std::fmt::Write as _;

use super::text::text;
use super::*;

pub const SIZES: [(u16, u16); 4] = [(20, 5), (80, 24), (120, 40), (200, 60)];

/// How a screen is opened under a look and at a size.
type Open = fn(Look, (u16, u16)) -> App;

/// The screens: name, keys that are pressed on them, and how they are opened.
pub const SCREENS: [(&str, &str, Open); 11] = [
    ("explorer", "b", explorer),
    ("strip", "i", explorer),
    ("cuts", "Dggj jo", explorer),
    ("form", "Ajlj", explorer),
    ("gallery", "ojl", explorer),
    ("home", "\x1b", explorer),
    ("help", "?", explorer),
    ("palette", ":zoom", explorer),
    ("compare", "\t\t", |look, size| demo::pair_app(look, [20, 20], true, size)),
    ("predictions", "\t", demo::predictions_app),
    ("grid", "", |look, size| grid_under(look, size, "gg0")),
];

fn explorer(look: Look, size: (u16, u16)) -> App {
    demo::full_app(look, 20, size)
}

/// A screen under a look.
pub fn open((_, pressed, open): (&str, &str, Open), look: Look, size: (u16, u16)) -> App {
    let mut app = open(look, size);
    keys(&mut app, pressed);
    app
}

/// The screen at every size.
fn all(screen: (&str, &str, Open), depth: ColourDepth) -> String {
    let mut out = String::new();
    for size in SIZES {
        let app = open(screen, Look::new(&themes(), None, depth), size);
        writeln!(out, "== {}x{}", size.0, size.1).unwrap();
        out.push_str(&text(&buffer(&app)));
    }
    out
}

/// The text of the screen called `name`.
fn check(name: &str) {
    let screen = SCREENS.into_iter().find(|(other, ..)| *other == name).unwrap();
    for (what, [depth, same]) in [
        ("colour", [ColourDepth::Truecolor, ColourDepth::Indexed256]),
        ("glyph", [ColourDepth::Ansi16, ColourDepth::Mono]),
    ] {
        let shown = all(screen, depth);
        assert!(shown == all(screen, same), "{name}: {depth:?} and {same:?} say the same");
        insta::assert_snapshot!(format!("{name}_{what}"), shown);
    }
}

macro_rules! screens {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            check($name);
        })*

        #[test]
        fn every_screen_is_there() {
            assert_eq!([$($name),*], SCREENS.map(|(name, ..)| name));
        }
    };
}

screens! {
    the_explorer: "explorer",
    the_curve_above_the_map: "strip",
    the_list_of_cuts: "cuts",
    the_form: "form",
    the_pictures: "gallery",
    the_list_of_runs: "home",
    the_help: "help",
    the_palette: "palette",
    two_runs: "compare",
    predictions: "predictions",
    the_grid: "grid",
}
