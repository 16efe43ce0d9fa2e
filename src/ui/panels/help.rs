//! The help: the commands of the current screen, grouped, with the keys of the
//! current key map, and the field that narrows them.

use ratatui::buffer::Buffer;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use crate::app::App;
use crate::app::bottom;
use crate::app::help::{Help, KEYS, Line};
use crate::app::layout::Area;
use crate::theme::Role;

use super::{bars, prompt};
use crate::ui::Skin;
use crate::ui::pen::{Pen, rect, width};

/// Draws the popup over the screen.
pub fn draw(app: &App, help: &Help, size: (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let view = help.view(app.scope(), &app.keymap, size);
    let area = view.area;
    let popup = skin.style(Role::Text).patch(skin.style(Role::Popup));
    Clear.render(rect(area), buffer);
    buffer.set_style(rect(area), popup);
    let block =
        Block::bordered().border_type(BorderType::Rounded).border_style(skin.style(Role::Border));
    block.render(rect(area), buffer);
    let mut pen = Pen::new(buffer, Area { x: area.x + 2, w: area.w.saturating_sub(4), ..area }, 0);
    pen.put(" Keys ", skin.style(Role::Title));
    bars::parts(&bottom::of_help(app, help, &view), Area { h: 1, ..area }, skin, buffer);
    if let Some(field) = view.field {
        let (shown, of) = view.count;
        let count = format!("{shown} of {of}");
        if help.is_typing() {
            prompt::draw("/", help.field(), &count, field, skin, buffer);
        } else {
            let mut pen = Pen::new(buffer, field, 0);
            pen.put("/", skin.style(Role::Key)).put(help.field().text(), skin.style(Role::Input));
            pen.skip(2).right(&count, skin.style(Role::Muted));
        }
    }
    if view.count.0 == 0
        && let Some((place, _)) = view.columns.first()
    {
        let text = "no command of this screen has these words; Esc shows all";
        Pen::new(buffer, Area { w: area.w.saturating_sub(4), ..*place }, 1)
            .skip(1)
            .fit(text, skin.style(Role::Muted));
    }
    for (place, lines) in &view.columns {
        column(lines, *place, skin, buffer);
    }
}

fn column(lines: &[Line], area: Area, skin: &Skin, buffer: &mut Buffer) {
    let text = skin.style(Role::Text);
    for (row, line) in lines.iter().enumerate() {
        let mut pen = Pen::new(buffer, area, row as u16);
        match line {
            Line::Blank => {}
            Line::Heading(text) => {
                pen.put(text, skin.style(Role::Accent));
            }
            Line::Entry(keys, doc) => {
                let pad = KEYS.saturating_sub(width(keys)).max(1);
                pen.skip(1).put(keys, skin.style(Role::Key)).skip(pad).fit(doc, text);
            }
            Line::More(doc) => {
                pen.skip(1 + KEYS).fit(doc, text);
            }
        }
    }
}
