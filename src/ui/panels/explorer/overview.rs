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

/// Draws it at the lower right, if the map is not all in sight; on the left while the cursor
/// is there, so that moves cost nothing else.
pub fn draw(explorer: &Explorer, map: Area, skin: &Skin, buffer: &mut Buffer) {
    if map.w < LEAST.0 || map.h < LEAST.1 {
        return;
    }
    let h = (map.h / SHARE).min(12);
    let Some((values, seen)) = explorer.overview((2 * h, h)) else { return };
    let size = (values.cols() as u16, (values.rows() as u16).div_ceil(2));
    let (w, h) = (size.0 + 2, size.1 + 2);
    let (row, col) = explorer.position();
    let at = explorer.viewport().cell_of((row, col)).unwrap_or((0, 0));
    let right = map.w.saturating_sub(w);
    let y = map.y + map.h.saturating_sub(h);
    let behind = at.0 + MARGIN >= right && at.1 + h + MARGIN >= map.h;
    let x = if behind { map.x } else { map.x + right };
    let style = skin.style(Role::Ruler);
    let line = "─".repeat(usize::from(size.0));
    Pen::new(buffer, Area::new(x, y, w, 1), 0).put("┌", style).put(&line, style).put("┐", style);
    for row in 1..=size.1 {
        Pen::new(buffer, Area::new(x, y + row, 1, 1), 0).put("│", style);
        Pen::new(buffer, Area::new(x + w - 1, y + row, 1, 1), 0).put("│", style);
    }
    let foot = Area::new(x, y + h - 1, w, 1);
    Pen::new(buffer, foot, 0).put("└", style).put(&line, style).put("┘", style);
    let inside = rect(Area::new(x + 1, y + 1, size.0, size.1));
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
    heatmap.render(inside, buffer);
    Outline { frames: &[seen], lut: skin.lut(), style: skin.style(Role::Accent) }
        .render(inside, buffer);
}
