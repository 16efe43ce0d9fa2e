//! Every screen at four sizes and four colour depths, as text and as styles.
//!
//! A snapshot holds one screen at one depth: for each size its text, then each
//! row's styles as runs (`12a 3b`), then what the letters stand for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};

use super::*;
use crate::app::{ColourDepth, Input, Key, KeyCode, Look, demo, update};
use crate::theme::ThemeSet;

const SIZES: [(u16, u16); 4] = [(20, 5), (80, 24), (120, 40), (200, 60)];

fn render(app: &App, themes: &ThemeSet) -> Buffer {
    let skin = Skin::new(themes, &app.look);
    let mut terminal = Terminal::new(TestBackend::new(app.size.0, app.size.1)).unwrap();
    terminal.draw(|frame| draw(app, &skin, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// `a`, `b`, ..., `z`, `a1`, ...
fn letter(at: usize) -> String {
    let first = char::from(b'a' + (at % 26) as u8);
    if at < 26 { first.to_string() } else { format!("{first}{}", at / 26) }
}

fn style(cell: &Cell) -> String {
    format!("{} on {} {:?}", cell.fg, cell.bg, cell.modifier)
}

fn describe(buffer: &Buffer, legend: &mut BTreeMap<String, usize>, out: &mut String) {
    let (w, h) = (buffer.area.width, buffer.area.height);
    writeln!(out, "== {w}x{h}").unwrap();
    for y in 0..h {
        let row: String = (0..w).map(|x| buffer[(x, y)].symbol()).collect();
        writeln!(out, "{}", row.trim_end()).unwrap();
    }
    writeln!(out, "-- styles").unwrap();
    for y in 0..h {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for x in 0..w {
            let next = legend.len();
            let at = *legend.entry(style(&buffer[(x, y)])).or_insert(next);
            match runs.last_mut() {
                Some((count, last)) if *last == at => *count += 1,
                _ => runs.push((1, at)),
            }
        }
        let words: Vec<String> = runs.iter().map(|(n, at)| format!("{n}{}", letter(*at))).collect();
        writeln!(out, "{}", words.join(" ")).unwrap();
    }
}

/// The screen at every size and depth; `open` makes it, `keys` are pressed then.
fn all(name: &str, keys: &str, open: impl Fn(Look, (u16, u16)) -> App) {
    let themes = ThemeSet::builtin().unwrap();
    for depth in ColourDepth::ALL {
        let mut legend = BTreeMap::new();
        let mut text = String::new();
        for size in SIZES {
            let mut app = open(Look::new(&themes, None, depth), size);
            for c in keys.chars() {
                let key = match c {
                    '\x1b' => Key::plain(KeyCode::Esc),
                    '\t' => Key::plain(KeyCode::Tab),
                    c => Key::char(c),
                };
                update(&mut app, Input::Key(key));
            }
            describe(&render(&app, &themes), &mut legend, &mut text);
        }
        let mut letters: Vec<(usize, String)> = legend.into_iter().map(|(s, at)| (at, s)).collect();
        letters.sort();
        writeln!(text, "-- letters").unwrap();
        for (at, style) in letters {
            writeln!(text, "{} {style}", letter(at)).unwrap();
        }
        insta::assert_snapshot!(format!("matrix_{name}_{}", depth.name()), text);
    }
}

fn explorer(look: Look, size: (u16, u16)) -> App {
    demo::full_app(look, 20, size)
}

#[test]
fn the_explorer() {
    all("explorer", "b", explorer);
}

#[test]
fn the_curve_above_the_map() {
    all("strip", "i", explorer);
}

#[test]
fn the_list_of_runs() {
    all("home", "\x1b", explorer);
}

#[test]
fn the_help() {
    all("help", "?", explorer);
}

#[test]
fn the_palette() {
    all("palette", ":zoom", explorer);
}

#[test]
fn two_runs() {
    all("compare", "\t\t", |look, size| demo::pair_app(look, [20, 20], true, size));
}

#[test]
fn predictions() {
    all("predictions", "\t", demo::predictions_app);
}

#[test]
fn the_grid() {
    all("grid", "", |look, size| super::tests::grid(size, look.depth, "gg0"));
}
