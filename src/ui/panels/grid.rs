//! Small multiples: the maps of many runs over two axes, on one scale.
//!
//! ```text
//!  blockscope   grid                                            device
//!  depth by width · 7 runs · 1 run left out: 1 without analysis
//!                 width 1         width 2
//!              ┌──────────────┐
//!     depth 14 │▀▄▀▄▀▄▀▄▀▄▀▄  │  ▀▄▀▄▀▄▀▄▀▄▀▄
//!              │▀▄▀▄▀▄▀▄▀▄▀▄  │  ▀▄▀▄▀▄▀▄▀▄▀▄
//!              └ 3x3 ───── ×3 ┘  3x3
//!  0 ▇▇▇▇▇▇ 1  CKA · all layers
//!  run   model · data · test · seed   133 layers, 3x3 mean
//! ```

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::App;
use crate::app::grid::{Grid, GridLayout, Multiple, Shown};
use crate::app::key::print_sequence;
use crate::app::layout::Area;
use crate::app::viewport::Scale;
use crate::domain::Pooling;
use crate::theme::Role;

use super::bars;
use crate::ui::Skin;
use crate::ui::pen::{Pen, fit, rect, width};
use crate::ui::widgets::heatmap::UNDEFINED;
use crate::ui::widgets::{Heatmap, Legend};

/// The scale that makes all maps comparable.
const RANGE: (f64, f64) = (0.0, 1.0);
/// The glyph of a place without a run.
const MISSING: &str = "∅";

/// Draws the grid.
pub fn draw(app: &App, grid: &Grid, size: (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let places = GridLayout::new(size);
    bars::top(app, places.top, "grid", &[], skin, buffer);
    if grid.plan().is_empty() {
        empty(grid, &places, skin, buffer);
    } else {
        status(grid, places.status, skin, buffer);
        headers(grid, &places, skin, buffer);
        multiples(grid, skin, buffer);
        legend(app, grid, places.legend, skin, buffer);
    }
    if !bars::toast(app, places.readout, skin, buffer) {
        readout(app, grid, places.readout, skin, buffer);
    }
    bars::bottom(app, skin, buffer);
}

fn empty(grid: &Grid, places: &GridLayout, skin: &Skin, buffer: &mut Buffer) {
    let (text, muted, accent) =
        (skin.style(Role::Text), skin.style(Role::Muted), skin.style(Role::Accent));
    let (rows, cols) = grid.plan().axes();
    let area = Area { x: 4, w: places.top.w.saturating_sub(5), ..places.maps };
    let left_out = grid.plan().left_out_text().unwrap_or_else(|| "There are no runs.".into());
    let lines = [
        (format!("No run has a map and a place by {rows} and {cols}."), text, 0),
        (left_out, muted, 0),
        (String::new(), text, 0),
        ("Tab and S-Tab choose other axes. A run gets its map with".into(), muted, 0),
        ("blockscope analyze RUN --data shapes|cifar10:PATH|...".into(), accent, 2),
    ];
    for (i, (line, style, indent)) in lines.iter().enumerate() {
        Pen::new(buffer, area, i as u16).skip(*indent).fit(line, *style);
    }
}

/// Axes, how many runs, what part is on screen, what is left out.
fn status(grid: &Grid, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let muted = skin.style(Role::Muted);
    let plan = grid.plan();
    let (rows, cols) = plan.axes();
    let mut pen = Pen::new(buffer, area, 0);
    pen.put(rows.name(), skin.style(Role::Text)).put(" by ", muted);
    pen.put(cols.name(), skin.style(Role::Text));
    let plural = |n: usize| if n == 1 { "run" } else { "runs" };
    let mut parts = vec![format!("{} {}", plan.placed(), plural(plan.placed()))];
    let (seen, (h, w)) = (grid.visible(), plan.shape());
    if seen.0.len() < h {
        parts.push(format!("rows {}-{} of {h}", seen.0.start + 1, seen.0.end));
    }
    if seen.1.len() < w {
        parts.push(format!("columns {}-{} of {w}", seen.1.start + 1, seen.1.end));
    }
    for part in parts {
        pen.put(" · ", muted).fit(&part, muted);
    }
    if let Some(left_out) = plan.left_out_text().filter(|_| pen.left() > 16) {
        pen.put(" · ", muted).fit(&left_out, muted);
    }
}

/// Values of both axes beside the maps; the selected ones stand out.
fn headers(grid: &Grid, places: &GridLayout, skin: &Skin, buffer: &mut Buffer) {
    let (rows, cols) = grid.visible();
    let style = |selected: bool| match selected {
        true => skin.style(Role::Accent),
        false => skin.style(Role::StageLine),
    };
    let side = usize::from(grid.side());
    for col in cols.clone() {
        let Some(area) = grid.area(rows.start, col) else { continue };
        let Some(value) = grid.plan().cols().get(col) else { continue };
        let label = label(value.label(), value.text(), side);
        let skip = (side - width(&label)) / 2;
        let above = Area { y: places.columns.y, h: 1, ..area };
        Pen::new(buffer, above, 0).skip(skip).put(&label, style(col == grid.cursor().1));
    }
    let room = usize::from(places.rows.w).saturating_sub(3);
    for row in rows {
        let Some(area) = grid.area(row, cols.start) else { continue };
        let Some(value) = grid.plan().rows().get(row) else { continue };
        let label = label(value.label(), value.text(), room);
        let line = Area { y: area.y + (area.h.max(1) - 1) / 2, h: 1, ..places.rows };
        let selected = row == grid.cursor().0;
        let mut pen = Pen::new(buffer, line, 0);
        pen.skip(1).number(&label, room, style(selected));
        pen.put(if selected { " ▸" } else { "" }, skin.style(Role::RulerMark));
    }
}

/// With the axis' name where it fits.
fn label(long: String, short: String, room: usize) -> String {
    if width(&long) <= room { long } else { fit(&short, room) }
}

fn multiples(grid: &Grid, skin: &Skin, buffer: &mut Buffer) {
    let (rows, cols) = grid.visible();
    let (at_row, at_col) = grid.cursor();
    // first, so that the caption of the map above stays
    if let Some(area) = grid.area(at_row, at_col) {
        frame(area, skin.style(Role::Accent), buffer);
    }
    for (row, col) in rows.flat_map(|r| cols.clone().map(move |c| (r, c))) {
        let Some(area) = grid.area(row, col) else { continue };
        let words = |text: &str, role: Role, buffer: &mut Buffer| {
            let text = fit(text, usize::from(area.w));
            let skip = (usize::from(area.w) - width(&text)) / 2;
            Pen::new(buffer, area, (area.h.max(1) - 1) / 2).skip(skip).put(&text, skin.style(role));
        };
        let caption = match grid.multiple(row, col) {
            Multiple::Missing => {
                words(MISSING, Role::Muted, buffer);
                String::new()
            }
            Multiple::Loading => {
                words("…", Role::Muted, buffer);
                String::new()
            }
            Multiple::Failed(_) => {
                words("✗ no map", Role::Error, buffer);
                String::new()
            }
            Multiple::Map(shown) => {
                let heatmap = Heatmap {
                    values: &shown.pooled,
                    origin: (0, 0),
                    pixels: shown.scale.pixels(),
                    lut: skin.lut(),
                    range: RANGE,
                    cursor: None,
                    cursor_style: Style::new(),
                    undefined: skin.style(Role::Undefined),
                };
                heatmap.render(rect(area), buffer);
                format!("{} layers", shown.layers)
            }
        };
        let runs = grid.plan().cell(row, col).len();
        let count = if runs > 1 { format!("×{runs}") } else { String::new() };
        let selected = (row, col) == (at_row, at_col);
        let framed = selected || (row + 1, col) == (at_row, at_col);
        captions(area, (&caption, &count), (selected, framed), skin, buffer);
    }
}

/// A frame in the air around a map.
fn frame(area: Area, style: Style, buffer: &mut Buffer) {
    let (left, top) = (area.x.saturating_sub(1), area.y.saturating_sub(1));
    let line = "─".repeat(usize::from(area.w));
    let outer = |y: u16| Area::new(left, y, area.w + 2, 1);
    Pen::new(buffer, outer(top), 0).put("┌", style).put(&line, style).put("┐", style);
    let bottom = outer(area.y + area.h);
    Pen::new(buffer, bottom, 0).put("└", style).put(&line, style).put("┘", style);
    for y in area.y..area.y + area.h {
        Pen::new(buffer, outer(y), 0).put("│", style);
        Pen::new(buffer, Area { x: area.x + area.w, w: 1, ..outer(y) }, 0).put("│", style);
    }
}

/// The number of layers and that of runs in the line below a map.
fn captions(
    area: Area,
    (layers, count): (&str, &str),
    (selected, framed): (bool, bool),
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let below = Area { y: area.y + area.h, h: 1, ..area };
    let style = if selected { skin.style(Role::Accent) } else { skin.style(Role::Muted) };
    // a gap in the frame's line
    let pad = |text: &str| match framed {
        true if !text.is_empty() => format!(" {text} "),
        _ => text.to_string(),
    };
    let (layers, count) = (pad(layers), pad(count));
    if width(&layers) + width(&count) + 2 <= usize::from(area.w) {
        Pen::new(buffer, below, 0).put(&layers, style);
    }
    Pen::new(buffer, below, 0).right(&count, style);
}

/// `3x3`, `1:1`, `2x`, `resampled`.
fn factor(scale: Scale) -> String {
    match scale {
        Scale::Out(1) => "1:1".into(),
        Scale::Out(k) => format!("{k}x{k}"),
        Scale::In(k) => format!("{k}x"),
        Scale::Fill(_) => "resampled".into(),
    }
}

/// The one scale of all maps, and what they show.
fn legend(app: &App, grid: &Grid, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let scale = Legend { lut: skin.lut(), range: RANGE, text: skin.style(Role::Text) };
    let columns = scale.columns(if area.w >= 100 { 24 } else { 12 }).min(usize::from(area.w));
    scale.render(rect(Area { w: columns as u16, ..area }), buffer);
    let muted = skin.style(Role::Muted);
    let rest = Area::new(area.x + columns as u16, area.y, area.w - columns as u16, 1);
    let mut pen = Pen::new(buffer, rest, 0);
    pen.skip(2).put(grid.mode().name(), skin.style(Role::Text)).put(" · ", muted);
    pen.fit(grid.view().name(), muted).put(" · ", muted).fit(app.look.colormap(), muted);
    for (glyph, role, words) in
        [(MISSING, Role::Muted, " no run"), (UNDEFINED, Role::Undefined, " undefined")]
    {
        if width(words) + 4 <= pen.left() {
            pen.skip(3).put(glyph, skin.style(role)).put(words, muted);
        }
    }
}

/// `133 layers, 3x3 mean`.
fn detail(shown: &Shown, pooling: Pooling) -> String {
    let how = match (shown.scale, pooling) {
        (Scale::Out(1) | Scale::In(_) | Scale::Fill(_), _) => "",
        (_, Pooling::Mean) => " mean",
        (_, Pooling::Max) => " max",
    };
    format!("{} layers, {}{how}", shown.layers, factor(shown.scale))
}

/// The selected run.
fn readout(app: &App, grid: &Grid, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let muted = skin.style(Role::Muted);
    let mut pen = Pen::new(buffer, area, 0);
    let (row, col) = grid.cursor();
    let count =
        app.count.map(|n| n.to_string()).unwrap_or_default() + &print_sequence(&app.pending);
    let Some(run) = grid.selection() else {
        if let (Some(r), Some(c)) = (grid.plan().rows().get(row), grid.plan().cols().get(col)) {
            pen.fit(&format!("no run with {} and {}", r.label(), c.label()), muted);
        }
        pen.right(&count, skin.style(Role::Key));
        return;
    };
    if app.opening().is_some() {
        pen.put("opening ", muted).fit(&run.name, skin.style(Role::Text));
        return;
    }
    pen.fit(&run.name, skin.style(Role::Title)).skip(2);
    if let Multiple::Failed(why) = grid.multiple(row, col) {
        pen.put("✗ ", skin.style(Role::Error)).fit(why, skin.style(Role::Text));
        return;
    }
    let mut facts = run.manifest.as_ref().map_or_else(|_| Vec::new(), bars::facts);
    if let Multiple::Map(shown) = grid.multiple(row, col) {
        facts.push(detail(shown, grid.pooling()));
    }
    let runs = grid.plan().cell(row, col).len();
    if runs > 1 {
        // must be read: it says that others lie behind
        facts.insert(0, format!("{} of {runs} here", grid.nth(row, col) + 1));
    }
    for (i, fact) in facts.iter().enumerate() {
        let separator = if i > 0 { " · " } else { "" };
        if width(separator) + width(fact) > pen.left() {
            break;
        }
        pen.put(separator, muted).put(fact, muted);
    }
    pen.skip(2).right(&count, skin.style(Role::Key));
}
