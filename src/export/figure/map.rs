//! The figure of one map: its cells as a picture with hard edges, layers and stages along
//! both axes, a colour bar, undefined cells hatched, outlines of block structures.

use super::axis::{Labels, Way, draw_stages, stages_depth};
use super::page::{Anchor, Area, INK, Page, Picture};
use super::scale::Bar;
use super::{Style, font, head};
use crate::export::{ExportError, MapExport};
use crate::theme::Rgb;

/// The two greys of an undefined cell's hatching, of which no shipped map but
/// grey has any, and that one no stripes.
pub(crate) const HATCH: [Rgb; 2] = [Rgb(222, 222, 222), Rgb(140, 140, 140)];
/// Distance of the hatching's lines.
const APART: f64 = 2.2;
/// Smallest side of a map.
const LEAST: f64 = 20.0;
/// Height of a map over its width, at least and at most: cells are squares unless one
/// network has far more layers than the other.
const SHAPE: (f64, f64) = (0.5, 1.5);
/// Share of the page that names may take beside the map.
const NAMES: f64 = 0.27;
/// What is said of undefined cells.
const UNDEFINED: &str = "undefined: no variance, not finite or not computed";

/// What stands around a map, the dispensable last.
#[derive(Debug, Clone, Copy)]
struct Frills {
    /// Stages of the rows.
    row_stages: bool,
    /// Names of the axes and of the scale.
    words: bool,
}

/// How much of the page is what.
struct Places {
    left: f64,
    size: (f64, f64),
    rows: Labels,
    cols: Labels,
    frills: Frills,
}

/// The figure's page.
///
/// # Errors
/// [`ExportError::Shape`] if layers and values do not belong together,
/// [`ExportError::Room`] if the width has no room for a map.
pub fn page(map: &MapExport, style: &Style) -> Result<Page, ExportError> {
    map.check()?;
    let mut page = Page::new(style.width(), &map.title);
    let top = head::head(&mut page, style, &map.title, &map.subtitle);
    let top = top + stages_depth(map.cols, style).max(0.5 * style.small());
    let at = places(map, style);
    style.room("a map", at.size.0, LEAST)?;
    let area = Area::new((at.left, top), at.size);
    let cell = (area.width / map.cols.len() as f64, area.height / map.rows.len() as f64);
    cells(&mut page, map, area);
    page.frame(area, style.thin(), INK);
    outlines(&mut page, map, (area, cell), style);
    at.rows.draw(&mut page, style, Way::Down, (area.y, cell.1, area.x));
    at.cols.draw(&mut page, style, Way::Across, (area.x, cell.0, area.bottom()));
    draw_stages(&mut page, style, map.cols, Way::Across, (area.x, cell.0, area.y));
    let mut right = area.right();
    if at.frills.row_stages {
        draw_stages(&mut page, style, map.rows, Way::Down, (area.y, cell.1, right));
        right += stages_depth(map.rows, style);
    }
    bar(map, at.frills).draw(&mut page, style, (right + 2.0 * style.gap(), area.y), area.height);
    let mut y = area.bottom() + at.cols.depth(Way::Across, style) + 0.6 * style.gap();
    if at.frills.words {
        let small = style.small();
        let name = font::fitted(&map.axes[0], small, area.height);
        let x = style.margin() + font::ASCENT * small;
        page.turned(&name, (x, area.y + area.height / 2.0), small, Anchor::Middle);
        let name = font::fitted(&map.axes[1], small, area.width);
        let base = y + font::ASCENT * small;
        page.text(&name, (area.x + area.width / 2.0, base), small, Anchor::Middle);
        y += if map.axes[1].is_empty() { 0.0 } else { font::LINE * small };
    }
    page.height = notes(&mut page, map, style, y) + style.margin();
    Ok(page)
}

fn bar<'a>(map: &'a MapExport, frills: Frills) -> Bar<'a> {
    let label = if frills.words { map.quantity.as_str() } else { "" };
    Bar { colormap: map.colormap, range: map.range, label }
}

/// The places with as many frills as leave the map nearly half of the page.
fn places(map: &MapExport, style: &Style) -> Places {
    let all = [(true, true), (false, true), (false, false)];
    let mut found = all.map(|(row_stages, words)| fit(map, style, Frills { row_stages, words }));
    let enough = |at: &Places| at.size.0 >= 0.45 * style.width();
    let best = found.iter().position(enough).unwrap_or(found.len() - 1);
    found.swap(0, best);
    let [best, ..] = found;
    best
}

fn fit(map: &MapExport, style: &Style, frills: Frills) -> Places {
    let (rows, cols) = (map.rows.len() as f64, map.cols.len() as f64);
    let line = font::LINE * style.small();
    let name = if frills.words && !map.axes[0].is_empty() { line } else { 0.0 };
    let stages = if frills.row_stages { stages_depth(map.rows, style) } else { 0.0 };
    let size = |left: f64| {
        let bar = bar(map, frills).width(style);
        let right = stages + 2.0 * style.gap() + bar + style.margin();
        let width = style.width() - left - right;
        (width, width * (rows / cols).clamp(SHAPE.0, SHAPE.1))
    };
    let room = NAMES * style.width();
    let place = |labels: &Labels| style.margin() + name + labels.depth(Way::Down, style);
    // names first; numbers take less room, so those that fit a smaller map fit a larger one
    let mut left = style.margin() + name + style.gap() + longest(map, style).min(room);
    let mut labels = Labels::new(map.rows, size(left).1 / rows, Way::Down, room, style);
    if !labels.names {
        left = style.margin() + name + style.gap() + font::width(&rows.to_string(), style.small());
        labels = Labels::new(map.rows, size(left).1 / rows, Way::Down, 0.0, style);
    }
    let left = place(&labels).max(style.margin() + style.small());
    let size = size(left);
    // one list of layers is written one way
    let alike = map.rows == map.cols && !labels.names;
    let room = if alike { 0.0 } else { room };
    let across = Labels::new(map.cols, size.0 / cols, Way::Across, room, style);
    Places { left, size, rows: labels, cols: across, frills }
}

fn longest(map: &MapExport, style: &Style) -> f64 {
    let names: Vec<String> = map.rows.iter().map(|l| crate::text::one_line(&l.name)).collect();
    font::widest(names.iter().map(String::as_str), style.small())
}

/// The picture of the cells, and the hatching of those without a value.
pub(super) fn cells(page: &mut Page, map: &MapExport, area: Area) {
    let (height, width) = (map.values.rows(), map.values.cols());
    let colour = |row, col| match map.values.get(row, col) {
        Some(value) => map.colormap.rgb(map.place(value)),
        None => HATCH[0],
    };
    let pixels = (0..height).flat_map(|row| (0..width).map(move |col| colour(row, col))).collect();
    page.items.push(super::page::Item::Image(area, Picture { width, height, pixels }));
    let undefined = |row: usize, col: usize| map.values.get(row, col).is_none();
    page.lines(hatching(area, (height, width), undefined), 0.5, HATCH[1]);
}

/// Lines from lower left to upper right through an area, where its cells are chosen: the
/// same lines for all cells, so that neighbours are one surface.
fn hatching(
    area: Area,
    (rows, cols): (usize, usize),
    chosen: impl Fn(usize, usize) -> bool,
) -> Vec<Vec<(f64, f64)>> {
    let cell = (area.width / cols as f64, area.height / rows as f64);
    let mut lines = Vec::new();
    let passes = ((area.width + area.height) / APART).ceil() as usize;
    for pass in 0..passes {
        // x + y = sum, measured from the corner
        let sum = (pass as f64 + 0.5) * APART;
        let ends = ((sum - area.height).max(0.0), sum.min(area.width));
        let mut cuts: Vec<f64> = (0..=cols).map(|col| col as f64 * cell.0).collect();
        cuts.extend((0..=rows).map(|row| sum - row as f64 * cell.1));
        cuts.retain(|x| (ends.0..=ends.1).contains(x));
        cuts.extend([ends.0, ends.1]);
        cuts.sort_by(f64::total_cmp);
        let mut open: Option<(f64, f64)> = None;
        for pair in cuts.windows(2).filter(|pair| pair[1] - pair[0] > 1e-9) {
            let middle = (pair[0] + pair[1]) / 2.0;
            let (col, row) = ((middle / cell.0) as usize, ((sum - middle) / cell.1) as usize);
            let inside = row < rows && col < cols && chosen(row, col);
            match (&mut open, inside) {
                (Some(line), true) => line.1 = pair[1],
                (None, true) => open = Some((pair[0], pair[1])),
                (_, false) => lines.extend(open.take().map(|line| (sum, line))),
            }
        }
        lines.extend(open.map(|line| (sum, line)));
    }
    let point = |sum: f64, x: f64| (area.x + x, area.y + sum - x);
    lines.into_iter().map(|(sum, (a, b))| vec![point(sum, a), point(sum, b)]).collect()
}

/// The block structures as squares along the diagonal, dark around light, which is seen on
/// every colour.
fn outlines(page: &mut Page, map: &MapExport, (area, cell): (Area, (f64, f64)), style: &Style) {
    let Some(outlines) = &map.outlines else { return };
    let fits =
        |span: &&std::ops::RangeInclusive<usize>| *span.end() < map.rows.len().min(map.cols.len());
    for span in outlines.spans.iter().filter(fits) {
        let (a, count) = (*span.start() as f64, (span.end() + 1 - span.start()) as f64);
        let corner = (area.x + a * cell.0, area.y + a * cell.1);
        let square = Area::new(corner, (count * cell.0, count * cell.1));
        // large letters on a small page make no thicker outlines than the map bears
        let width = style.thin().min(0.003 * area.width);
        page.frame(square, 4.5 * width, INK);
        page.frame(square, 2.0 * width, super::page::PAPER);
    }
}

/// What hatching and outlines mean, below everything; where what follows may start.
fn notes(page: &mut Page, map: &MapExport, style: &Style, y: f64) -> f64 {
    let mut y = y;
    if map.has_undefined() {
        y += style.gap();
        y = undefined_note(page, style, y);
    }
    if let Some(outlines) = &map.outlines {
        y += style.gap();
        y = head::note(page, style, &outlines.words(), (style.margin(), y));
    }
    y
}

/// A hatched square and what it means.
pub(super) fn undefined_note(page: &mut Page, style: &Style, y: f64) -> f64 {
    let side = font::ASCENT * style.small();
    let area = Area::new((style.margin(), y), (side, side));
    page.items.push(super::page::Item::Fill(area, HATCH[0]));
    page.lines(hatching(area, (1, 1), |_, _| true), 0.5, HATCH[1]);
    let left = area.right() + 1.5 * style.gap();
    head::note(page, style, UNDEFINED, (left, y))
}
