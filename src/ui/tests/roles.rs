//! What stands on which screen in which role, whatever colours a theme gives to roles.

use ratatui::buffer::Cell;
use ratatui::style::Color;

use super::colours::{contrast, of_values};
use super::matrix::{SCREENS, open};
use super::*;
use crate::theme::UserThemes;

/// A theme in which every role has a colour of its own, which no colour map has.
fn telling() -> ThemeSet {
    let dir = tempfile::tempdir().unwrap();
    let roles = Role::ALL.iter().enumerate();
    let roles: Vec<String> =
        roles.map(|(i, r)| format!("{:?}: (fg: \"#{:02x}00fa\")", r.name(), 10 * i + 5)).collect();
    let theme =
        format!("(name: \"telling\", colormap: \"viridis\", roles: {{{}}})", roles.join(", "));
    std::fs::write(dir.path().join("telling.ron"), theme).unwrap();
    let (set, problems) = UserThemes::new(dir.path()).load(&themes());
    assert!(problems.is_empty(), "{problems:?}");
    set
}

/// The role that a cell shows; `None` in a field or a picture.
fn role(cell: &Cell) -> Option<Role> {
    match cell.fg {
        Color::Rgb(n, 0, 0xfa) => Role::ALL.get(usize::from(n / 10)).copied(),
        _ => None,
    }
}

fn drawn_with(app: &App, set: &ThemeSet) -> Buffer {
    let mut app = app.clone();
    app.look = app.look.with_theme("telling");
    let skin = Skin::new(set, &app.look);
    let mut terminal = Terminal::new(TestBackend::new(app.size.0, app.size.1)).unwrap();
    terminal.draw(|frame| draw(&app, &skin, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// Rows as text and the role of each glyph that is no blank.
fn told(drawn: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..drawn.area.height {
        let mut last = None;
        for x in 0..drawn.area.width {
            let cell = &drawn[(x, y)];
            if cell.symbol() == " " {
                continue;
            }
            if last != Some(role(cell)) {
                last = Some(role(cell));
                out.push_str(&format!(" <{}>", role(cell).map_or("-", Role::name)));
            }
            out.push_str(cell.symbol());
        }
        out.push('\n');
    }
    out
}

/// What is on which screen, and the role that it has there: screen, keys, text, role.
const ROLES: [(&str, &str, &str, Role); 34] = [
    ("explorer", "", "blockscope", Role::Accent),
    ("explorer", "", "resnet20-w2-cifar10-64th-s0", Role::Title),
    ("explorer", "", "stage 2", Role::StageLine),
    ("explorer", "", "┌", Role::Ruler),
    ("explorer", "", "▸", Role::RulerMark),
    ("explorer", "", "▴", Role::RulerMark),
    ("explorer", "", "[Layer]", Role::Selection),
    ("explorer", "", "About", Role::Muted),
    ("explorer", "", "first component", Role::Muted),
    ("explorer", "", "62.0 %", Role::Text),
    ("explorer", "", "█", Role::Accent),
    ("explorer", "", "╳", Role::Undefined),
    ("explorer", "", "1.000 ± 0.000", Role::Accent),
    ("explorer", "", "hjkl", Role::Key),
    ("explorer", "", "move", Role::KeyHint),
    ("explorer", "73", "73", Role::Key),
    ("explorer", "/2.0.relu1\n+", "┼", Role::Cursor),
    ("explorer", "/2.0.relu1\n", "undefined: layer2.0.relu1 has no variance", Role::Undefined),
    ("explorer", "/2.1rel", "2.1rel", Role::Input),
    ("explorer", "b", "▆", Role::Bad),
    ("explorer", "b<<<<<", "structure 1", Role::Text),
    ("explorer", "xd\x1b", "cancel the computation?", Role::Warning),
    ("explorer", "i", "first component", Role::Title),
    ("explorer", "i", "▾", Role::RulerMark),
    ("home", "G", "✓", Role::Good),
    ("home", "gg", "✗ unreadable", Role::Error),
    ("home", "gg", "▸", Role::Selection),
    ("help", "", "╭", Role::Border),
    ("help", "", "Keys", Role::Title),
    ("palette", "", "zoom", Role::Match),
    ("palette", "\x1b:", "zoom-in", Role::Popup),
    ("compare", "", "▸", Role::Accent),
    ("predictions", "", "▸", Role::Accent),
    ("grid", "", "┌", Role::Accent),
];

/// Where a text first stands on a screen: its cells that are no blanks.
fn cells<'a>(drawn: &'a Buffer, text: &str) -> Option<Vec<&'a Cell>> {
    let wanted: Vec<String> = text.chars().map(String::from).collect();
    let width = usize::from(drawn.area.width);
    let mut rows = drawn.content().chunks(width).flat_map(|row| row.windows(wanted.len()));
    let found = rows.find(|cells| cells.iter().zip(&wanted).all(|(c, w)| c.symbol() == w))?;
    Some(found.iter().filter(|cell| cell.symbol() != " ").collect())
}

#[test]
fn every_role_is_where_it_belongs() {
    let set = telling();
    for (name, pressed, text, wanted) in ROLES {
        let screen = SCREENS.into_iter().find(|(n, ..)| *n == name).unwrap();
        // as it opens, without the keys of the matrix where there are others
        let first = if name == "explorer" { "" } else { screen.1 };
        let look = Look::new(&set, None, ColourDepth::Truecolor);
        let mut app = open((name, first, screen.2), look, (120, 40));
        for c in pressed.chars() {
            match c {
                '\n' => _ = update(&mut app, Input::Key(Key::plain(KeyCode::Enter))),
                c => keys(&mut app, &c.to_string()),
            }
        }
        let drawn = drawn_with(&app, &set);
        let place = || format!("{name} {pressed:?} {text:?}\n{}", told(&drawn));
        let found = cells(&drawn, text).unwrap_or_else(|| panic!("not there: {}", place()));
        for cell in found {
            assert_eq!(role(cell), Some(wanted), "{}", place());
        }
    }
    for role in Role::ALL {
        assert!(ROLES.iter().any(|(.., r)| *r == role), "{role:?} is looked for nowhere");
    }
}

/// Letters and digits of every screen can be read on black and on white, or on that of the
/// two that a theme is for.
#[test]
fn text_can_be_read_on_every_screen_in_every_theme() {
    let (black, white) = (Color::Indexed(16), Color::Indexed(231));
    for theme in themes().themes() {
        let grounds: &[Color] = match theme.name.as_str() {
            "dark" => &[black],
            "light" => &[white],
            _ => &[black, white],
        };
        let mut read = 0;
        for (screen, size) in SCREENS.into_iter().zip([(120, 40), (200, 60)].into_iter().cycle()) {
            let look = Look::new(&themes(), Some(&theme.name), ColourDepth::Truecolor);
            let values = of_values(&Skin::new(&themes(), &look));
            let drawn = buffer(&open(screen, look, size));
            for cell in drawn.content() {
                let letter = cell.symbol().chars().all(char::is_alphanumeric);
                if !letter || values.contains(&cell.bg) || cell.fg == Color::Reset {
                    continue;
                }
                let own = [cell.bg];
                for ground in if cell.bg == Color::Reset { grounds } else { &own } {
                    let found = contrast(cell.fg, *ground);
                    let place = format!("{} {} {cell:?}", theme.name, screen.0);
                    assert!(found >= 4.5, "{place}: {found:.2} on {ground:?}");
                    read += 1;
                }
            }
        }
        assert!(read > 0 || ["mono", "high-contrast"].contains(&theme.name.as_str()));
    }
}
