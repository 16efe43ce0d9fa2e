//! A line of input: a sign, the text with its cursor, and a count at the end.

use ratatui::buffer::Buffer;
use ratatui::style::Modifier;

use crate::app::App;
use crate::app::layout::Area;
use crate::app::prompt::Prompt;
use crate::theme::Role;

use crate::ui::Skin;
use crate::ui::pen::Pen;

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
    pen.put(&before, input).put(&under, input.add_modifier(Modifier::REVERSED)).put(&after, input);
    pen.skip(2).right(count, skin.style(Role::Muted));
}

/// Draws the field that a screen opened, if there is one; true if it did.
pub fn asked(app: &App, area: Area, skin: &Skin, buffer: &mut Buffer) -> bool {
    let Some(ask) = app.overlay.ask() else { return false };
    draw(ask.label, &ask.prompt, ask.hint, area, skin, buffer);
    true
}
