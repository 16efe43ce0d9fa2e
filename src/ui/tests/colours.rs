//! Colours by rule: every cell of a map has its value's, cursor and frames stand out
//! from it, and no depth shows colours that it does not have. Snapshots say nothing
//! about colours; this does.

use std::collections::{HashMap, HashSet};

use ratatui::style::{Color, Style};

use super::matrix::{SCREENS, SIZES, open};
use super::widgets::heatmap::UNDEFINED;
use super::*;
use crate::app::compare::CompareLayout;
use crate::app::compare::{Pane, ThirdMap};
use crate::app::grid::Multiple;
use crate::app::home::HomeLayout;
use crate::app::layout::Area;
use crate::app::viewport::Viewport;
use crate::domain::SimilarityMatrix;
use crate::theme::{Colormap, Rgb, diverging, xterm};

/// The sixteen by their numbers.
const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

fn rgb(colour: Color) -> Option<Rgb> {
    match colour {
        Color::Rgb(r, g, b) => Some(Rgb(r, g, b)),
        Color::Indexed(n) => Some(xterm(n)),
        named => NAMED.iter().position(|c| *c == named).map(|n| xterm(n as u8)),
    }
}

/// WCAG contrast, 1 to 21; 1 where a colour is the terminal's own.
pub(super) fn contrast(a: Color, b: Color) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    let light =
        |Rgb(r, g, b): Rgb| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) + 0.05;
    let Some((a, b)) = rgb(a).zip(rgb(b)) else { return 1.0 };
    let (a, b) = (light(a), light(b));
    (a / b).max(b / a)
}

/// What tells a mark from the field that it is on.
const DISTINCT: f64 = 2.5;

/// A part of the screen whose cells are values.
struct Field<'a> {
    what: String,
    area: Area,
    values: &'a SimilarityMatrix,
    origin: (usize, usize),
    pixels: usize,
    range: (f64, f64),
    /// Values lie on both sides of 0.
    signed: bool,
    /// The unit under the cursor.
    cursor: Option<(usize, usize)>,
}

/// What a pixel of a field stands for: nothing, or perhaps a value.
type Pixel = Option<Option<f64>>;

impl<'a> Field<'a> {
    fn of(
        what: impl Into<String>,
        area: Area,
        values: &'a SimilarityMatrix,
        at: &Viewport,
    ) -> Self {
        Field {
            what: what.into(),
            area,
            values,
            origin: at.origin(),
            pixels: at.scale().pixels(),
            range: (0.0, 1.0),
            signed: false,
            cursor: None,
        }
    }

    fn unit(&self, x: u16, y: usize) -> (usize, usize) {
        (self.origin.0 + y / self.pixels, self.origin.1 + usize::from(x) / self.pixels)
    }

    fn pixel(&self, x: u16, y: usize) -> Pixel {
        let (row, col) = self.unit(x, y);
        let inside = row < self.values.rows() && col < self.values.cols();
        inside.then(|| self.values.get(row, col))
    }

    /// Where a value lies on the scale.
    fn share(&self, value: f64) -> f64 {
        ((value - self.range.0) / (self.range.1 - self.range.0)).clamp(0.0, 1.0)
    }

    /// The colour of a value: 32 steps of the map (33 where they have a middle), and
    /// with 256 colours the map's own ramp at each step.
    fn colour(&self, value: f64, map: &Colormap, look: &Look) -> Color {
        let last = if self.signed { 32.0 } else { 31.0 };
        let step = (self.share(value) * last).round() / last;
        let Rgb(r, g, b) = map.rgb(step);
        match look.depth {
            ColourDepth::Truecolor => Color::Rgb(r, g, b),
            _ => Color::Indexed(map.ansi256(step)),
        }
    }

    /// The step of a value among five glyphs.
    fn step(&self, value: f64) -> usize {
        (self.share(value) * 4.0).round() as usize
    }

    /// What a cell must be: its glyph and both colours (`None`: the ground's).
    fn cell(
        &self,
        x: u16,
        y: u16,
        (skin, map, look): (&Skin, &Colormap, &Look),
    ) -> Option<(&'static str, [Option<Color>; 2])> {
        let [upper, lower] = [0, 1].map(|half| self.pixel(x, 2 * usize::from(y) + half));
        let undefined = (UNDEFINED, [skin.style(Role::Undefined).fg, None]);
        if matches!(look.depth, ColourDepth::Ansi16 | ColourDepth::Mono) {
            let glyphs = if self.signed {
                ["=", "-", " ", "+", "#"]
            } else {
                [" ", "░", "▒", "▓", "█"]
            };
            let glyph = match (upper?, lower.flatten()) {
                (Some(a), Some(b)) => glyphs[(self.step(a) + self.step(b)) / 2],
                (Some(a), None) | (None, Some(a)) => glyphs[self.step(a)],
                (None, None) => return Some(undefined),
            };
            return Some((glyph, [None, None]));
        }
        let colour = |v: f64| Some(self.colour(v, map, look));
        Some(match (upper?, lower.flatten()) {
            (Some(a), Some(b)) => ("▀", [colour(a), colour(b)]),
            (Some(a), None) => ("▀", [colour(a), None]),
            (None, Some(b)) => ("▄", [colour(b), None]),
            (None, None) => undefined,
        })
    }
}

/// The fields that are on screen.
fn fields(app: &App) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    if let Some(e) = app.explorer().filter(|_| matches!(app.screen, Screen::Explorer(_))) {
        fields.extend(e.pooled().map(|values| Field {
            range: e.range(),
            cursor: Some(e.viewport().unit(e.position())),
            ..Field::of("map", e.places(app.size).map, values, e.viewport())
        }));
    }
    if let Some(compare) = app.compare() {
        let places = CompareLayout::new(app.size);
        let shown = |pane: &Pane| !places.single || *pane == compare.focus();
        for pane in Pane::ALL.into_iter().filter(shown) {
            let side = compare.side(pane);
            let (values, window, range) = match pane {
                Pane::Third => (compare.pooled(), compare.window(), compare.range()),
                _ => (side.pooled(), side.viewport(), side.range()),
            };
            let at = compare.position(pane);
            let at = if pane == Pane::Third { at } else { side.position() };
            fields.extend(values.map(|values| Field {
                range,
                signed: pane == Pane::Third && compare.third() == ThirdMap::Difference,
                cursor: Some(window.unit(at)),
                ..Field::of(format!("{pane:?}"), places.panes[pane as usize].map, values, window)
            }));
        }
    }
    if let Some(grid) = app.grid().filter(|_| matches!(app.screen, Screen::Grid(_))) {
        let (rows, cols) = grid.visible();
        for (row, col) in rows.flat_map(|r| cols.clone().map(move |c| (r, c))) {
            let Multiple::Map(shown) = grid.multiple(row, col) else { continue };
            let area = grid.area(row, col).unwrap();
            let window = Viewport::new(shown.pooled.rows(), shown.pooled.cols(), (area.w, area.h));
            fields.push(Field {
                pixels: shown.scale.pixels(),
                ..Field::of(format!("{row},{col}"), area, &shown.pooled, &window)
            });
        }
    }
    if matches!(app.screen, Screen::Home(_))
        && let Some(area) = HomeLayout::new(app.size).preview
        && let Some(map) = app.home.selection().and_then(|run| run.preview.as_ref())
    {
        let area = Area { h: area.h.saturating_sub(3), ..area };
        let window = Viewport::new(map.rows(), map.cols(), (area.w, area.h));
        if !window.is_pooled() {
            fields.push(Field::of("preview", area, map, &window));
        }
    }
    fields
}

/// Every cell of a field has the colour of its values, but for the cursor and frames
/// around block structures, which stand out from it. Returns how many cells of each there were.
fn check_field(field: &Field<'_>, app: &App, skin: &Skin, drawn: &Buffer) -> [usize; 3] {
    let ground = skin.style(Role::Text);
    let ground = [ground.fg, ground.bg].map(|c| c.unwrap_or(Color::Reset));
    let ramp = matches!(app.look.depth, ColourDepth::Ansi16 | ColourDepth::Mono);
    let map = match field.signed {
        true => diverging(),
        false => themes().colormap(app.look.colormap()).unwrap().clone(),
    };
    let (mut plain, mut marked, mut framed) = (0, 0, 0);
    let explorer = app.explorer().filter(|_| matches!(app.screen, Screen::Explorer(_)));
    let overview = explorer.and_then(|e| panels::explorer::overview::place(e, field.area));
    for (x, y) in (0..field.area.h).flat_map(|y| (0..field.area.w).map(move |x| (x, y))) {
        let at = (field.area.x + x, field.area.y + y);
        if overview.is_some_and(|area| area.contains(at)) {
            continue;
        }
        let Some(cell) = drawn.cell(at) else { continue };
        let Some((glyph, colours)) = field.cell(x, y, (skin, &map, &app.look)) else { continue };
        let want = [0, 1].map(|half| colours[half].unwrap_or(ground[half]));
        let place = || format!("{} {:?} {:?} at {x},{y}", field.what, app.size, app.look.depth);
        let here = |half| field.cursor == Some(field.unit(x, 2 * usize::from(y) + half));
        if "┏┓┗┛┃━▣".contains(cell.symbol()) {
            let accent = skin.style(Role::Accent).fg.unwrap_or(ground[0]);
            if ramp {
                assert_eq!(cell.fg, accent, "{}: a frame", place());
            } else {
                assert_eq!(cell.bg, want[0], "{}: a frame keeps the field's colour", place());
                assert!(contrast(cell.fg, cell.bg) > DISTINCT, "{}: a frame stands out", place());
            }
            framed += 1;
        } else if here(0) || here(1) {
            let changed = (cell.symbol(), [cell.fg, cell.bg]) != (glyph, want);
            if ramp && cell.symbol() != glyph {
                let style = skin.style(Role::Cursor);
                assert_eq!(cell.symbol(), "┼", "{}: the cursor", place());
                assert_eq!(cell.modifier, style.add_modifier, "{}: the cursor", place());
            } else if !ramp && changed && glyph != UNDEFINED {
                // a lower half block has the lower value in front
                let unit = want[usize::from(here(0) == (glyph == "▄"))];
                let mark = contrast(cell.fg, unit).max(contrast(cell.bg, unit));
                assert!(mark > DISTINCT, "{}: the cursor on {unit}: {cell:?}", place());
            }
            marked += usize::from(changed);
        } else {
            let found = (cell.symbol(), [cell.fg, cell.bg]);
            // the foreground of a blank is not seen
            let blank = glyph == " ";
            assert!(
                found == (glyph, want) || blank && (found.0, found.1[1]) == (glyph, want[1]),
                "{}: {found:?} for {glyph:?} {want:?}",
                place()
            );
            plain += 1;
        }
    }
    [plain, marked, framed]
}

#[test]
fn every_cell_of_a_map_has_the_colour_of_its_value() {
    for depth in ColourDepth::ALL {
        let (mut plain, mut marked, mut framed, mut kinds) = (0, 0, 0, Vec::new());
        for (large, size) in SIZES[1..].iter().enumerate().map(|(i, size)| (i > 1, size)) {
            let look = || Look::new(&themes(), None, depth).with_colormap("viridis");
            let screen = |name: &str| SCREENS.into_iter().find(|(n, ..)| *n == name).unwrap();
            let mut apps: Vec<App> = ["explorer", "strip", "home", "compare", "grid"]
                .map(|name| open(screen(name), look(), *size))
                .into();
            // at the largest size, what the screens do not show is left to the smaller ones
            let pressed = ["b<<<<<", "b<<<<<++", "++j", "+++++l", "m", "pf", "v", ""];
            for pressed in &pressed[..if large { 2 } else { 8 }] {
                let mut app = demo::full_app(look(), 38, *size);
                keys(&mut app, pressed);
                apps.push(app);
            }
            for pressed in ["d", "\t\td", "\t\tda", ""] {
                let mut app = demo::pair_app(look(), [20, 20], true, *size);
                keys(&mut app, pressed);
                apps.push(app);
            }
            apps.push(demo_pruned::beside(look(), 38, *size));
            for app in &apps {
                let skin = Skin::new(&themes(), &app.look);
                let drawn = buffer(app);
                for field in fields(app) {
                    let found = check_field(&field, app, &skin, &drawn);
                    let cursor = usize::from(found[1] > 0);
                    // a cursor out of sight marks nothing
                    assert!(field.cursor.is_some() || cursor == 0, "{}", field.what);
                    (plain, marked, framed) =
                        (plain + found[0], marked + cursor, framed + found[2]);
                    kinds.push(field.what);
                }
            }
        }
        assert!(
            plain > 10_000 && marked > 20 && framed > 100,
            "{depth:?}: {plain} {marked} {framed}"
        );
        for kind in ["map", "A", "B", "Third", "0,0", "preview"] {
            assert!(kinds.iter().any(|k| k == kind), "{depth:?}: {kind}");
        }
    }
}

/// True if a depth has such a colour.
fn has(depth: ColourDepth, colour: Color) -> bool {
    let named = NAMED.contains(&colour) || colour == Color::Reset;
    match depth {
        ColourDepth::Mono => colour == Color::Reset,
        ColourDepth::Ansi16 => named,
        ColourDepth::Indexed256 => named || matches!(colour, Color::Indexed(16..)),
        ColourDepth::Truecolor => named || matches!(colour, Color::Indexed(16..) | Color::Rgb(..)),
    }
}

#[test]
fn no_depth_shows_colours_that_it_does_not_have() {
    for theme in themes().themes() {
        for depth in ColourDepth::ALL {
            for (screen, size) in SCREENS.into_iter().zip(SIZES.into_iter().cycle().skip(1)) {
                let look = Look::new(&themes(), Some(&theme.name), depth);
                let drawn = buffer(&open(screen, look, size));
                for cell in drawn.content() {
                    let place = format!("{} {} {depth:?}: {cell:?}", theme.name, screen.0);
                    assert!(has(depth, cell.fg) && has(depth, cell.bg), "{place}");
                }
            }
        }
    }
}

/// Colours that values may have, or marks on them.
pub(super) fn of_values(skin: &Skin) -> HashSet<Color> {
    let tables = [skin.lut(), skin.diverging()];
    let all = tables.into_iter().flat_map(|lut| {
        (0..=lut.level(1.0)).flat_map(|level| [lut.colour(level), lut.contrast(level)])
    });
    all.filter(|colour| *colour != Color::Reset).collect()
}

#[test]
fn what_looks_alike_with_all_colours_looks_alike_with_fewer() {
    for theme in themes().themes() {
        for (screen, size) in SCREENS.into_iter().zip(SIZES.into_iter().cycle().skip(1)) {
            let look = |depth| Look::new(&themes(), Some(&theme.name), depth);
            let at = |depth| buffer(&open(screen, look(depth), size));
            let full = at(ColourDepth::Truecolor);
            let values = of_values(&Skin::new(&themes(), &look(ColourDepth::Truecolor)));
            for depth in [ColourDepth::Indexed256, ColourDepth::Ansi16, ColourDepth::Mono] {
                let mut styles: HashMap<Style, (Style, String)> = HashMap::new();
                for (full, less) in full.content().iter().zip(at(depth).content()) {
                    let value = values.contains(&full.fg) || values.contains(&full.bg);
                    if value || full.symbol() != less.symbol() {
                        continue;
                    }
                    let place =
                        format!("{} {} {depth:?} {:?}", theme.name, screen.0, less.symbol());
                    let known = styles.entry(full.style());
                    let known = known.or_insert((less.style(), place.clone()));
                    assert_eq!(known.0, less.style(), "{place} beside {}", known.1);
                }
                assert!(styles.len() > 1, "{} {}", theme.name, screen.0);
            }
        }
    }
}
