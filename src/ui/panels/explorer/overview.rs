//! The whole map in a corner of the part of it that is in sight: where one is.

use ratatui::buffer::Buffer;
use ratatui::widgets::Widget;

use crate::app::explorer::Explorer;
use crate::app::layout::Area;
use crate::theme::Role;
use crate::ui::Skin;
use crate::ui::pen::{Pen, rect};
use crate::ui::widgets::{Heatmap, Outline};

/// The least map that has room for one, and the share of its height that it takes.
const LEAST: (u16, u16) = (32, 14);
const SHARE: u16 = 4;
/// Cells by which the cursor keeps away from it.
const MARGIN: u16 = 2;

/// Where it stands, its frame included, if the map is not all in sight: at the lower right,
/// or on the left while the cursor is there, so that moves cost nothing else.
pub fn place(explorer: &Explorer, map: Area) -> Option<Area> {
    if map.w < LEAST.0 || map.h < LEAST.1 {
        return None;
    }
    let (values, _) = explorer.overview(inside(map))?;
    let (w, h) = (values.cols() as u16 + 2, (values.rows() as u16).div_ceil(2) + 2);
    let at = explorer.viewport().cell_of(explorer.position()).unwrap_or((0, 0));
    let right = map.w.saturating_sub(w);
    let behind = at.0 + MARGIN >= right && at.1 + h + MARGIN >= map.h;
    let x = if behind { map.x } else { map.x + right };
    Some(Area::new(x, map.y + map.h.saturating_sub(h), w, h))
}

/// Cells for the whole map within its frame.
fn inside(map: Area) -> (u16, u16) {
    let h = (map.h / SHARE).min(12);
    (2 * h, h)
}

/// Draws it.
pub fn draw(explorer: &Explorer, map: Area, skin: &Skin, buffer: &mut Buffer) {
    let Some(Area { x, y, w, h }) = place(explorer, map) else { return };
    let Some((values, seen)) = explorer.overview(inside(map)) else { return };
    let size = (w - 2, h - 2);
    let style = skin.style(Role::Ruler);
    let line = "─".repeat(usize::from(size.0));
    Pen::new(buffer, Area::new(x, y, w, 1), 0).put("┌", style).put(&line, style).put("┐", style);
    for row in 1..=size.1 {
        Pen::new(buffer, Area::new(x, y + row, 1, 1), 0).put("│", style);
        Pen::new(buffer, Area::new(x + w - 1, y + row, 1, 1), 0).put("│", style);
    }
    let foot = Area::new(x, y + h - 1, w, 1);
    Pen::new(buffer, foot, 0).put("└", style).put(&line, style).put("┘", style);
    let within = rect(Area::new(x + 1, y + 1, size.0, size.1));
    let heatmap = Heatmap {
        values: &values,
        origin: (0, 0),
        pixels: 1,
        lut: skin.lut(),
        range: explorer.range(),
        cursor: None,
        cursor_style: skin.style(Role::Cursor),
        undefined: skin.style(Role::Undefined),
    };
    heatmap.render(within, buffer);
    Outline { frames: &[seen], lut: skin.lut(), style: skin.style(Role::Accent) }
        .render(within, buffer);
}
