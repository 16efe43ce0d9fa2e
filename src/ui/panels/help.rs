//! The help: the commands of the current screen, grouped, with the keys of the
//! current key map.

use ratatui::buffer::Buffer;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use crate::app::App;
use crate::app::action::{Action, ActionInfo, Group, TABLE};
use crate::app::layout::Area;
use crate::theme::Role;

use crate::ui::Skin;
use crate::ui::pen::{Pen, rect, width};

/// Columns of the keys, and of a whole entry.
const KEYS: usize = 14;
const ENTRY: u16 = 55;

enum Line {
    Blank,
    Heading(&'static str),
    Entry(String, &'static str),
}

fn lines(app: &App) -> Vec<Line> {
    let mut lines = Vec::new();
    for group in Group::ALL {
        let here = |row: &&ActionInfo| row.group == group && row.scopes.has(app.scope());
        if !TABLE.iter().any(|row| here(&row)) {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Line::Blank);
        }
        lines.push(Line::Heading(group.name()));
        lines.extend(TABLE.iter().filter(here).map(|row| {
            let keys = app.keymap.keys_of(row.action);
            // without keys the palette still has it
            let keys = if keys.is_empty() { vec![format!(":{}", row.name)] } else { keys };
            Line::Entry(keys.join(" "), row.doc)
        }));
    }
    lines
}

/// Draws the popup over the screen.
pub fn draw(app: &App, scroll: u16, (w, h): (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let lines = lines(app);
    let two = w >= 2 * ENTRY + 8;
    let wanted = if two { 2 * ENTRY + 6 } else { ENTRY + 4 };
    let width_ = wanted.min(w.saturating_sub(2));
    // two columns break between groups
    let half = if two { second_column(&lines) } else { lines.len() };
    let longest = half.max(lines.len() - half) as u16;
    let height = (longest + 2).min(h.saturating_sub(2));
    let area = Area::new((w - width_) / 2, (h - height) / 2, width_, height);
    let popup = skin.style(Role::Text).patch(skin.style(Role::Popup));
    Clear.render(rect(area), buffer);
    buffer.set_style(rect(area), popup);
    let room = area.h.saturating_sub(2);
    let scroll = scroll.min(longest.saturating_sub(room));
    let more = longest > room;
    let block =
        Block::bordered().border_type(BorderType::Rounded).border_style(skin.style(Role::Border));
    block.render(rect(area), buffer);
    let mut pen = Pen::new(buffer, Area { x: area.x + 2, w: area.w.saturating_sub(4), ..area }, 0);
    pen.put(" Keys ", skin.style(Role::Title));
    if more {
        let keys = app.keymap.hint(&[Action::Down, Action::Up]);
        pen.right(&format!(" {keys} scroll "), skin.style(Role::Muted));
    }
    let inner = Area::new(area.x + 2, area.y + 1, area.w.saturating_sub(4), room);
    let first = Area { w: inner.w.min(ENTRY), ..inner };
    column(&lines[..half], scroll, first, skin, buffer);
    if two {
        let second = Area { x: inner.x + ENTRY + 2, w: inner.w - ENTRY - 2, ..inner };
        column(&lines[half..], scroll, second, skin, buffer);
    }
}

/// The group whose start splits the lines most evenly.
fn second_column(lines: &[Line]) -> usize {
    let starts =
        lines.iter().enumerate().filter(|(_, l)| matches!(l, Line::Heading(_))).map(|(i, _)| i);
    starts.min_by_key(|at| (2 * at).abs_diff(lines.len())).unwrap_or(lines.len())
}

fn column(lines: &[Line], scroll: u16, area: Area, skin: &Skin, buffer: &mut Buffer) {
    for (row, line) in lines.iter().skip(usize::from(scroll)).take(usize::from(area.h)).enumerate()
    {
        let mut pen = Pen::new(buffer, area, row as u16);
        match line {
            Line::Blank => {}
            Line::Heading(text) => {
                pen.put(text, skin.style(Role::Accent));
            }
            Line::Entry(keys, doc) => {
                let pad = KEYS.saturating_sub(width(keys)).max(1);
                pen.skip(1)
                    .put(keys, skin.style(Role::Key))
                    .skip(pad)
                    .fit(doc, skin.style(Role::Text));
            }
        }
    }
}
