//! The command palette: a line of input in the read-out's place, and the commands
//! above it with their keys.

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use crate::app::App;
use crate::app::layout::Area;
use crate::app::palette::{Choice, Hit, Palette};
use crate::theme::Role;

use super::prompt;
use crate::ui::Skin;
use crate::ui::colour::marked;
use crate::ui::pen::{Pen, rect, width};

/// Most rows and columns of the list.
const ROWS: usize = 14;
const COLUMNS: u16 = 92;
/// Columns of a name and of its keys.
const NAME: usize = 16;
const KEYS: usize = 12;

/// Draws the palette over a screen of `size` cells.
pub fn draw(app: &App, palette: &Palette, (w, h): (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let line = Area::new(1, h.saturating_sub(2), w.saturating_sub(2), 1);
    Clear.render(rect(line), buffer);
    buffer.set_style(rect(line), skin.style(Role::Text));
    let hits = palette.hits();
    let count = match hits.len() {
        1 => "1 command".to_string(),
        n => format!("{n} commands"),
    };
    prompt::draw(":", palette.prompt(), &count, line, skin, buffer);

    // the top line stays in sight
    let rows = hits.len().min(ROWS).min(usize::from(line.y.saturating_sub(1)));
    if rows == 0 {
        return;
    }
    let y = line.y - rows as u16;
    let list = Area::new(line.x, y, COLUMNS.min(line.w), rows as u16);
    Clear.render(rect(list), buffer);
    buffer.set_style(rect(list), skin.style(Role::Text).patch(skin.style(Role::Popup)));
    let offset = (palette.selected() + 1).saturating_sub(rows);
    for (i, hit) in hits.iter().enumerate().skip(offset).take(rows) {
        let row = Area { y: list.y + (i - offset) as u16, h: 1, ..list };
        entry(app, hit, i == palette.selected(), row, skin, buffer);
    }
}

fn entry(app: &App, hit: &Hit, chosen: bool, row: Area, skin: &Skin, buffer: &mut Buffer) {
    let over = if chosen { skin.style(Role::Selection) } else { skin.style(Role::Popup) };
    if chosen {
        buffer.set_style(rect(row), over);
    }
    // the selection's own colours win over those of keys and hints
    let style = |role: Role| if chosen { over } else { over.patch(skin.style(role)) };
    let found = marked(over, skin.style(Role::Match));
    let mut pen = Pen::new(buffer, row, 0);
    pen.put(if chosen { "▸ " } else { "  " }, over);
    let name = hit.name.as_str();
    letters(&mut pen, name, over, found, |at| hit.in_name(at));
    pen.skip(NAME.saturating_sub(width(name)).max(1));
    let keys = match hit.choice {
        Choice::Run(action) => app.keymap.keys_of(action).join(" "),
        Choice::Give(..) => String::new(),
    };
    pen.field(&keys, KEYS, style(Role::Key)).skip(1);
    letters(&mut pen, hit.doc, style(Role::Muted), found, |at| hit.in_doc(at));
}

/// Writes a text letter by letter, those that match in another style.
fn letters(pen: &mut Pen<'_>, text: &str, plain: Style, found: Style, hit: impl Fn(usize) -> bool) {
    for (at, c) in text.chars().enumerate() {
        pen.put(c.encode_utf8(&mut [0; 4]), if hit(at) { found } else { plain });
    }
}
