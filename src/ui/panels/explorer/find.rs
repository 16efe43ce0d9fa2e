//! The search field and its matches, above it.

use ratatui::buffer::Buffer;
use ratatui::widgets::{Clear, Widget};

use crate::app::explorer::ExplorerLayout;
use crate::app::find::Find;
use crate::app::layout::Area;
use crate::theme::Role;

use crate::ui::Skin;
use crate::ui::colour::marked;
use crate::ui::panels::prompt;
use crate::ui::pen::{Pen, rect};

/// Rows of the list.
const ROWS: usize = 8;
/// Columns of the list.
const COLUMNS: u16 = 34;

/// Draws the field in the read-out's place and the matches above it.
pub fn draw(find: &Find, total: usize, places: &ExplorerLayout, skin: &Skin, buffer: &mut Buffer) {
    let area = places.readout;
    let count = format!("{} of {total} layers", find.matches().len());
    prompt::draw("/", find.prompt(), &count, area, skin, buffer);

    let rows = find.matches().len().min(ROWS).min(usize::from(places.map.h));
    if rows == 0 {
        return;
    }
    let offset = (find.selected() + 1).saturating_sub(rows);
    let bottom = area.y;
    let w = COLUMNS.min(area.w);
    let list = Area::new(area.x, bottom.saturating_sub(rows as u16), w, rows as u16);
    Clear.render(rect(list), buffer);
    let popup = skin.style(Role::Popup);
    buffer.set_style(rect(list), skin.style(Role::Text).patch(popup));
    for (i, found) in find.matches().iter().enumerate().skip(offset).take(rows) {
        let chosen = i == find.selected();
        let row = (i - offset) as u16;
        if chosen {
            let line = Area { y: list.y + row, h: 1, ..list };
            buffer.set_style(rect(line), skin.style(Role::Selection));
        }
        let base = if chosen { skin.style(Role::Selection) } else { popup };
        let mut pen = Pen::new(buffer, list, row);
        pen.put(if chosen { "▸ " } else { "  " }, base);
        for (at, c) in found.name.chars().enumerate() {
            let hit = found.chars.binary_search(&(at as u32)).is_ok();
            let style = if hit { marked(base, skin.style(Role::Match)) } else { base };
            pen.put(c.encode_utf8(&mut [0; 4]), style);
        }
    }
}
