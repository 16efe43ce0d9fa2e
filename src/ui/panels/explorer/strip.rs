//! The strip above the map: bars that stand on the ruler, over the map's own
//! columns.
//!
//! ```text
//!  first component  61.8 % of variance · mean
//!      100 %          ▾▂▅▇▇▇▇▇▅
//!        0 %  ▁▁▂▂▃▅▇█████████████▃▂▁
//!            ┌── stage 1 ──────┴ stage 2 ─
//! ```

use ratatui::buffer::Buffer;
use ratatui::widgets::Widget;

use crate::app::explorer::strip::{Column, Curve, Strip};
use crate::app::explorer::{Explorer, StripPlaces};
use crate::app::layout::Area;
use crate::theme::Role;

use crate::ui::Skin;
use crate::ui::panels::bars::percent;
use crate::ui::pen::{Pen, fit_end, rect, width};
use crate::ui::widgets::{Stem, Stems};

/// Draws the strip, if it is on.
pub fn draw(explorer: &Explorer, places: &StripPlaces, skin: &Skin, buffer: &mut Buffer) {
    let Some(curve) = explorer.curve() else { return };
    title(explorer, &curve, places.title, skin, buffer);
    scale(curve.range, places.scale, skin, buffer);
    let stem = |column: &Column| match column {
        Column::Empty => Stem::Gap,
        Column::Undefined => Stem::Undefined,
        Column::Value(value) => Stem::Value(*value),
    };
    let stems: Vec<Stem> = curve.columns.iter().map(stem).collect();
    let bars = Stems {
        stems: &stems,
        pixels: explorer.viewport().scale().pixels(),
        range: curve.range,
        cursor: curve.cursor,
        bars: skin.style(Role::Accent),
        undefined: skin.style(Role::Undefined),
        mark: skin.style(Role::RulerMark),
    };
    bars.render(rect(places.bars), buffer);
}

/// What it is, the value under the cursor, and how columns are made.
fn title(explorer: &Explorer, curve: &Curve, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let (muted, text) = (skin.style(Role::Muted), skin.style(Role::Text));
    let strip = explorer.strip();
    let mut pen = Pen::new(buffer, area, 0);
    pen.put(strip.name(), skin.style(Role::Title)).skip(1);
    let value = curve.nearest.and_then(|(_, value)| value);
    pen.number(&value.map_or("undefined".to_string(), percent), 7, text).skip(1);
    // how many layers share a column stands beside the map's scale
    let pooled = if curve.pooled { " · mean" } else { "" };
    let room = pen.left().saturating_sub(width(pooled));
    let rest = match (strip, curve.nearest) {
        (Strip::Share, _) => "of variance".to_string(),
        // a probe may be a few layers away
        (_, Some((layer, _))) => {
            let name = explorer.layers().get(layer).map_or("", |l| l.name.as_str());
            fit_end(name, room)
        }
        _ => String::new(),
    };
    pen.put(&rest, muted).put(pooled, muted);
}

/// The ends of the scale beside the first and the last row.
fn scale((low, high): (f64, f64), area: Area, skin: &Skin, buffer: &mut Buffer) {
    let style = skin.style(Role::Ruler);
    let columns = usize::from(area.w).saturating_sub(1);
    for (row, value) in [(0, high), (area.h.saturating_sub(1), low)] {
        let text = format!("{:.0} %", 100.0 * value);
        Pen::new(buffer, area, row).number(&text, columns, style);
    }
}
