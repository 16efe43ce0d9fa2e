//! What deleting each residual block costs: a dot and its interval per residual block,
//! those of one stage under its name.

use super::page::{Anchor, Area, INK, Item, PAPER, Page, SOFT};
use super::scale::ticks;
use super::{Style, font, head};
use crate::export::ExportError;
use crate::theme::Rgb;

const DOT: Rgb = Rgb(0, 114, 178);
const GRID: Rgb = Rgb(222, 222, 222);
/// Smallest width and height of a plot.
const LEAST: f64 = 30.0;
/// Tallest plot if no height is asked for: what fits on a page of a paper.
const TALLEST: f64 = 600.0;

/// What is said of dots without an interval.
const HOLLOW: &str = "hollow: without an interval, as images were not paired";

/// What deleting one residual block costs.
#[derive(Debug, Clone, PartialEq)]
pub struct CostRow {
    /// The residual block, as `2.1`.
    pub name: String,
    /// Change of accuracy in points, negative where it falls.
    pub change: f64,
    /// Its interval at 95 %, if the images were paired.
    pub interval: Option<(f64, f64)>,
}

/// Costs of residual blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct CostsExport {
    /// First line.
    pub title: String,
    /// Second line: how the values were made.
    pub subtitle: String,
    /// One per residual block, in the order of the network.
    pub rows: Vec<CostRow>,
    /// A change that is called small, in points.
    pub small: f64,
}

/// The figure's page.
///
/// # Errors
/// [`ExportError::Nothing`] without rows, [`ExportError::Room`] if the size has no room
/// for a plot.
pub fn page(of: &CostsExport, style: &Style) -> Result<Page, ExportError> {
    let Some(range) = range(of) else { return Err(ExportError::Nothing) };
    let (small, gap, thin) = (style.small(), style.gap(), style.thin());
    let line = font::LINE * small;
    let mut page = Page::new(style.width(), &of.title);
    let top = head::head(&mut page, style, &of.title, &of.subtitle) + 0.5 * small;
    let names = font::widest(of.rows.iter().map(|r| r.name.as_str()), small);
    let left = style.margin() + line + 2.0 * gap + names.min(0.3 * style.width());
    let width = style.width() - style.margin() - small - left;
    style.room("a plot", width, LEAST)?;
    let paired = of.rows.iter().all(|row| row.interval.is_some());
    let room = page.width - 2.0 * style.margin();
    let lines = font::wrapped(HOLLOW, small, room, head::NOTE_LINES).len() as f64;
    let notes = if paired { 0.0 } else { gap + lines * line };
    let below = gap + 2.0 * line + notes + style.margin();
    let count = of.rows.len() as f64;
    let height = match style.height() {
        Some(height) => height - top - below,
        None => (count * 1.35 * small).max(0.25 * style.width()).clamp(LEAST, TALLEST),
    };
    style.room("a plot", height, LEAST)?;
    let area = Area::new((left, top), (width, height));
    let (low, high) = range;
    let at_x = |value: f64| area.x + width * (value.clamp(low, high) - low) / (high - low);
    let pitch = height / count;
    let every = (1.05 * small / pitch).ceil().max(1.0) as usize;
    let room = font::widest(ticks(range, 6).iter().map(|(_, t)| t.as_str()), small) + small;
    for (value, text) in ticks(range, ((width / room) as usize).clamp(2, 6)) {
        let x = at_x(value);
        page.line((x, area.y), (x, area.bottom()), thin, GRID);
        page.line((x, area.bottom()), (x, area.bottom() + 0.6 * gap), thin, INK);
        let base = area.bottom() + gap + font::ASCENT * small;
        page.text(&text, (x, base), small, Anchor::Middle);
    }
    page.line((at_x(0.0), area.y), (at_x(0.0), area.bottom()), 2.0 * thin, SOFT);
    if (low..=high).contains(&-of.small) {
        let x = at_x(-of.small);
        page.items.push(Item::Lines {
            paths: vec![vec![(x, area.y), (x, area.bottom())]],
            closed: false,
            colour: SOFT,
            width: 1.6 * thin,
            dash: 0.4 * style.font_size,
        });
    }
    page.frame(area, thin, INK);
    let radius = (0.22 * style.font_size).min(0.45 * pitch);
    for (at, row) in of.rows.iter().enumerate() {
        let y = area.y + (at as f64 + 0.5) * pitch;
        if at % every == 0 {
            let name = font::fitted(&row.name, small, left - style.margin() - line - gap);
            page.line((area.x - 0.6 * gap, y), (area.x, y), thin, INK);
            page.text(&name, (area.x - gap, y + font::MIDDLE * small), small, Anchor::End);
        }
        if let Some((from, to)) = row.interval {
            page.line((at_x(from), y), (at_x(to), y), 2.4 * thin, DOT);
        }
        page.items.push(Item::Disc((at_x(row.change), y), radius, DOT));
        if row.interval.is_none() {
            page.items.push(Item::Disc((at_x(row.change), y), 0.6 * radius, PAPER));
        }
    }
    let name = font::fitted("residual block", small, height);
    let x = style.margin() + font::ASCENT * small;
    page.turned(&name, (x, area.y + height / 2.0), small, Anchor::Middle);
    let base = area.bottom() + gap + line + font::ASCENT * small;
    let words = "change of accuracy in points when deleted, 95 % interval";
    let short = "change of accuracy in points";
    let fits = font::width(words, small) <= page.width - 2.0 * style.margin();
    let words =
        font::fitted(if fits { words } else { short }, small, page.width - 2.0 * style.margin());
    let half = font::width(&words, small) / 2.0;
    let middle = (area.x + width / 2.0).min(page.width - style.margin() - half);
    page.text(&words, (middle.max(style.margin() + half), base), small, Anchor::Middle);
    let y = area.bottom() + gap + 2.0 * line;
    if !paired {
        head::note(&mut page, style, HOLLOW, (style.margin(), y + gap));
    }
    page.height = y + notes + style.margin();
    Ok(page)
}

/// Least and largest value of the plot, with 0 and the small change; `None` if there is
/// nothing finite.
fn range(of: &CostsExport) -> Option<(f64, f64)> {
    let values = of.rows.iter().flat_map(|row| {
        let (low, high) = row.interval.unwrap_or((row.change, row.change));
        [low, row.change, high]
    });
    let mut range: Option<(f64, f64)> = None;
    for value in values.filter(|value| value.is_finite()) {
        let (low, high) = range.unwrap_or((-1.2 * of.small, 0.2 * of.small));
        range = Some((low.min(value), high.max(value)));
    }
    let (low, high) = range?;
    let air = 0.03 * (high - low);
    Some((low - air, high + air))
}
