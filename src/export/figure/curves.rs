//! Curves along the layers of a network: their values stand over the layers, stages above.

use super::axis::{Labels, Way, draw_stages, stages_depth};
use super::page::{Anchor, Area, INK, Item, Page, SOFT};
use super::scale::ticks;
use super::{Style, font, head};
use crate::domain::Layer;
use crate::export::ExportError;
use crate::theme::Rgb;

/// Colours of curves, told apart by people with any colour vision (Okabe and Ito 2008),
/// and in print by their markers.
const COLOURS: [Rgb; 3] = [Rgb(0, 114, 178), Rgb(213, 94, 0), Rgb(0, 158, 115)];
/// Lines across the plot.
const GRID: Rgb = Rgb(222, 222, 222);
/// Height of a plot over the width of the page.
const SHAPE: f64 = 0.42;
/// Smallest width and height of a plot.
const LEAST: f64 = 30.0;

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What it is called in the legend.
    pub name: String,
    /// Positions among the layers, ascending, and values; the curve is broken where there
    /// is none.
    pub points: Vec<(usize, Option<f64>)>,
}

/// Curves over the same layers.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvesExport {
    /// First line.
    pub title: String,
    /// Second line: how the values were made.
    pub subtitle: String,
    /// The layers.
    pub layers: Vec<Layer>,
    /// What the layers are.
    pub axis: String,
    /// What the values are.
    pub quantity: String,
    /// The curves, at most three.
    pub curves: Vec<Curve>,
    /// A value to compare with, and what it is.
    pub level: Option<(String, f64)>,
    /// Least and largest value of the plot.
    pub range: (f64, f64),
}

/// The figure's page.
///
/// # Errors
/// [`ExportError::Nothing`] without layers or a range, [`ExportError::Room`] if the size
/// has no room for a plot.
pub fn page(of: &CurvesExport, style: &Style) -> Result<Page, ExportError> {
    let (low, high) = of.range;
    if of.layers.is_empty() || of.curves.is_empty() || !(low.is_finite() && high > low) {
        return Err(ExportError::Nothing);
    }
    let (small, gap, thin) = (style.small(), style.gap(), style.thin());
    let line = font::LINE * small;
    let mut page = Page::new(style.width(), &of.title);
    let top = head::head(&mut page, style, &of.title, &of.subtitle);
    let top = legend(&mut page, of, style, top);
    let top = top + stages_depth(&of.layers, style).max(0.5 * small);
    let right = style.width() - style.margin() - 0.5 * small;
    let numbers = ticks(of.range, 6);
    let numbers = font::widest(numbers.iter().map(|(_, text)| text.as_str()), small);
    let left = style.margin() + line + 2.0 * gap + numbers;
    let width = right - left;
    style.room("a plot", width, LEAST)?;
    let count = of.layers.len() as f64;
    let labels = Labels::new(&of.layers, width / count, Way::Across, 0.2 * style.width(), style);
    let below = labels.depth(Way::Across, style) + line + style.margin();
    let height = match style.height() {
        Some(height) => height - top - below,
        None => SHAPE * style.width(),
    };
    style.room("a plot", height, LEAST)?;
    let area = Area::new((left, top), (width, height));
    let (step, at_y) = (width / count, |value: f64| {
        area.y + height * (high - value.clamp(low, high)) / (high - low)
    });
    let at_x = |layer: usize| area.x + (layer as f64 + 0.5) * step;
    let fit = (height / (1.8 * small)).floor() as usize;
    for (value, text) in ticks(of.range, fit.clamp(2, 6)) {
        let y = at_y(value);
        page.line((area.x, y), (area.right(), y), thin, GRID);
        page.line((area.x - 0.6 * gap, y), (area.x, y), thin, INK);
        page.text(&text, (area.x - gap, y + font::MIDDLE * small), small, Anchor::End);
    }
    if let Some((_, value)) = &of.level {
        let paths = vec![vec![(area.x, at_y(*value)), (area.right(), at_y(*value))]];
        page.items.push(dashed(paths, style));
    }
    page.frame(area, thin, INK);
    for (which, curve) in of.curves.iter().enumerate() {
        draw(&mut page, style, curve, which, step, |(layer, value)| (at_x(layer), at_y(value)));
    }
    labels.draw(&mut page, style, Way::Across, (area.x, step, area.bottom()));
    draw_stages(&mut page, style, &of.layers, Way::Across, (area.x, step, area.y));
    let quantity = font::fitted(&of.quantity, small, height);
    let x = style.margin() + font::ASCENT * small;
    page.turned(&quantity, (x, area.y + height / 2.0), small, Anchor::Middle);
    let y = area.bottom() + labels.depth(Way::Across, style);
    let middle = (area.x + width / 2.0, y + font::ASCENT * small);
    page.text(&font::fitted(&of.axis, small, width), middle, small, Anchor::Middle);
    page.height = y + line + style.margin();
    Ok(page)
}

fn dashed(paths: Vec<Vec<(f64, f64)>>, style: &Style) -> Item {
    let width = 1.6 * style.thin();
    Item::Lines { paths, closed: false, colour: SOFT, width, dash: 0.4 * style.font_size }
}

/// A curve, broken where a value is missing, with markers where these do not touch.
fn draw(
    page: &mut Page,
    style: &Style,
    curve: &Curve,
    which: usize,
    step: f64,
    at: impl Fn((usize, f64)) -> (f64, f64),
) {
    let mut paths: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for (layer, value) in &curve.points {
        match (value, paths.last_mut()) {
            (Some(value), Some(path)) => path.push(at((*layer, *value))),
            _ => paths.push(Vec::new()),
        }
    }
    let radius = marker(style);
    let close = curve.points.windows(2).map(|pair| pair[1].0 - pair[0].0).min().unwrap_or(1);
    // a point between gaps has nothing but its marker
    let all = close as f64 * step >= 3.0 * radius;
    let points: Vec<(f64, f64)> =
        paths.iter().filter(|path| all || path.len() == 1).flatten().copied().collect();
    paths.retain(|path| path.len() > 1);
    page.lines(paths, 2.4 * style.thin(), COLOURS[which % COLOURS.len()]);
    for point in points {
        mark(page, style, point, which);
    }
}

fn marker(style: &Style) -> f64 {
    0.19 * style.font_size
}

/// A disc; of the second curve it is hollow.
fn mark(page: &mut Page, style: &Style, at: (f64, f64), which: usize) {
    let radius = marker(style);
    page.items.push(Item::Disc(at, radius, COLOURS[which % COLOURS.len()]));
    if which == 1 {
        page.items.push(Item::Disc(at, 0.55 * radius, super::page::PAPER));
    }
}

/// Names the curves if there are several, from left to right and on to the next line;
/// where what follows may start.
fn legend(page: &mut Page, of: &CurvesExport, style: &Style, top: f64) -> f64 {
    let level = of.level.as_ref().map(|(name, _)| name.as_str());
    let names: Vec<&str> = of.curves.iter().map(|c| c.name.as_str()).chain(level).collect();
    if names.len() < 2 {
        return top;
    }
    let (small, stroke) = (style.small(), 1.8 * style.font_size);
    let (left, right) = (style.margin(), page.width - style.margin());
    let (mut x, mut y) = (left, top);
    for (which, name) in names.into_iter().enumerate() {
        let lead = stroke + style.gap();
        let name = font::fitted(name, small, right - left - lead);
        let width = lead + font::width(&name, small);
        if x > left && x + width > right {
            (x, y) = (left, y + font::LINE * small);
        }
        let middle = y + (font::ASCENT - font::MIDDLE) * small;
        let path = vec![(x, middle), (x + stroke, middle)];
        match which < of.curves.len() {
            true => {
                page.lines(vec![path], 2.4 * style.thin(), COLOURS[which % COLOURS.len()]);
                mark(page, style, (x + stroke / 2.0, middle), which);
            }
            false => page.items.push(dashed(vec![path], style)),
        }
        page.text(&name, (x + lead, y + font::ASCENT * small), small, Anchor::Start);
        x += width + 1.5 * style.font_size;
    }
    y + font::LINE * small + style.gap()
}
