//! A line of input: a sign, the text with its cursor, and a count at the end.

use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use ratatui::widgets::{Clear, Widget};

use crate::app::App;
use crate::app::complete::Completion;
use crate::app::layout::Area;
use crate::app::prompt::Prompt;
use crate::theme::Role;

use crate::ui::Skin;
use crate::ui::pen::{Pen, fit_end, rect, width};

/// Draws the line.
pub fn draw(
    sign: &str,
    prompt: &Prompt,
    count: &str,
    area: Area,
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let input = skin.style(Role::Input);
    let (before, under, after) = prompt.parts();
    let mut pen = Pen::new(buffer, area, 0);
    pen.put(sign, skin.style(Role::Key));
    // the cursor stays in sight, with what stands before it
    let room = pen.left().saturating_sub(2 + width(&under));
    pen.put(&fit_end(&before, room), input)
        .put(&under, input.add_modifier(Modifier::REVERSED))
        .put(&after, input);
    pen.skip(2).right(count, skin.style(Role::Muted));
}

/// Draws the field that a screen opened, if there is one; true if it did.
pub fn asked(app: &App, area: Area, skin: &Skin, buffer: &mut Buffer) -> bool {
    let Some(ask) = app.overlay.ask() else { return false };
    match &ask.completion {
        Some(completion) => {
            let waiting = completion.is_waiting().then(|| "looking there".to_string());
            let says = completion.note().or(waiting).unwrap_or_else(|| ask.hint.to_string());
            draw(ask.label, &ask.prompt, &says, area, skin, buffer);
            offers(completion, width(ask.label) as u16, area, skin, buffer);
        }
        None => draw(ask.label, &ask.prompt, ask.hint, area, skin, buffer),
    }
    true
}

/// Rows of what is offered.
const ROWS: usize = 10;

/// Draws what could stand in the field above it.
fn offers(completion: &Completion, indent: u16, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let offered = completion.offered();
    let rows = offered.len().min(ROWS).min(usize::from(area.y.saturating_sub(2)));
    if rows == 0 {
        return;
    }
    let selected = completion.selected();
    let offset = selected.map_or(0, |at| (at + 1).saturating_sub(rows));
    let widest = offered.iter().map(|text| width(text)).max().unwrap_or(0) + 14;
    let w = (widest as u16).min(area.w.saturating_sub(indent));
    let list = Area::new(area.x + indent, area.y - rows as u16, w, rows as u16);
    Clear.render(rect(list), buffer);
    buffer.set_style(rect(list), skin.style(Role::Text).patch(skin.style(Role::Popup)));
    for (row, (at, text)) in offered.iter().enumerate().skip(offset).take(rows).enumerate() {
        let here = selected == Some(at);
        let style = if here { skin.style(Role::Selection) } else { skin.style(Role::Popup) };
        let line = Area { y: list.y + row as u16, h: 1, ..list };
        buffer.set_style(rect(line), style);
        let mut pen = Pen::new(buffer, line, 0);
        let more = row + 1 == rows && at + 1 < offered.len();
        let room = pen.left().saturating_sub(if more { 12 } else { 1 });
        pen.put(&fit_end(text, room), style);
        if more {
            pen.right(&format!("{} more ", offered.len() - at - 1), style);
        }
    }
}
