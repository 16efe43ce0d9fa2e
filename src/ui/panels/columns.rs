//! The choice of the list's columns, over its right half: which are shown, in which order,
//! and which of them the screen has no room for.

use ratatui::buffer::Buffer;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use crate::app::App;
use crate::app::chooser::Chooser;
use crate::app::home::HomeLayout;
use crate::app::layout::Area;
use crate::theme::Role;

use super::home::fitting;
use crate::ui::Skin;
use crate::ui::pen::{Pen, rect};

/// Columns of the popup, and of a name in it.
const WIDTH: u16 = 60;
const NAME: usize = 10;

/// Draws the popup over a screen of `size` cells.
pub fn draw(app: &App, chooser: &Chooser, (w, h): (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let rows = chooser.rows();
    let width = WIDTH.min(w.saturating_sub(2));
    let height = (rows.len() as u16 + 2).min(h.saturating_sub(2));
    let area = Area::new(w.saturating_sub(width + 1), (h - height) / 2, width, height);
    let popup = skin.style(Role::Text).patch(skin.style(Role::Popup));
    Clear.render(rect(area), buffer);
    buffer.set_style(rect(area), popup);
    let block =
        Block::bordered().border_type(BorderType::Rounded).border_style(skin.style(Role::Border));
    block.render(rect(area), buffer);
    let frame = Area { x: area.x + 2, w: area.w.saturating_sub(4), ..area };
    Pen::new(buffer, frame, 0).put(" Columns ", skin.style(Role::Title));
    let room = usize::from(area.h.saturating_sub(2));
    let shown = fitting(app, HomeLayout::new((w, h)).list.w).columns;
    let chosen = app.home.columns.chosen();
    let offset = (chooser.selected() + 1).saturating_sub(room);
    for (i, column) in rows.iter().enumerate().skip(offset).take(room) {
        let y = area.y + 1 + (i - offset) as u16;
        let line = Area::new(area.x + 1, y, area.w.saturating_sub(2), 1);
        let here = i == chooser.selected();
        let over = if here { skin.style(Role::Selection) } else { skin.style(Role::Popup) };
        if here {
            buffer.set_style(rect(line), over);
        }
        let style = |role: Role| if here { over } else { over.patch(skin.style(role)) };
        let mut pen = Pen::new(buffer, line, 0);
        pen.put(if here { "▸ " } else { "  " }, over);
        let (mark, role) = match chosen.contains(column) {
            true => ("✓ ", Role::Good),
            false => ("  ", Role::Muted),
        };
        pen.put(mark, style(role)).field(column.name(), NAME, style(Role::Text));
        pen.put(column.doc(), style(Role::Muted));
        if chosen.contains(column) && !shown.contains(column) {
            pen.skip(2).right("no room", style(Role::Warning));
        }
    }
}
