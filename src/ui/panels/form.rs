//! The form that analyses the open run, and the command that does the same.

use ratatui::buffer::Buffer;

use crate::app::App;
use crate::app::action::Action;
use crate::app::explorer::Explorer;
use crate::app::explorer::form::Field;
use crate::app::layout::Area;
use crate::theme::Role;

use super::{bars, prompt};
use crate::ui::Skin;
use crate::ui::pen::Pen;

/// Columns of a field's name.
const NAME: usize = 18;

/// Draws the screen.
pub fn draw(app: &App, explorer: &Explorer, (w, h): (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let manifest = &explorer.run().manifest;
    let line = |from_below: u16| Area::new(1, h.saturating_sub(from_below), w.saturating_sub(2), 1);
    bars::top(app, Area::new(0, 0, w, 1), &manifest.name, &bars::facts(manifest), skin, buffer);
    let (text, muted, accent) =
        (skin.style(Role::Text), skin.style(Role::Muted), skin.style(Role::Accent));
    let area = Area::new(2, 1 + u16::from(h >= 30), w.saturating_sub(4), h.saturating_sub(4));
    let heading = match explorer.is_empty() {
        true => "This run has no analysis yet, so there is no map to show.",
        false => "Analyse this run again.",
    };
    Pen::new(buffer, area, 0).fit(heading, text);
    for (row, field) in Field::ALL.into_iter().enumerate() {
        let here = field == explorer.form_field();
        let style = if here { skin.style(Role::Selection) } else { text };
        let mut pen = Pen::new(buffer, area, row as u16 + 2);
        pen.put(if here { "▸ " } else { "  " }, accent).field(field.name(), NAME, muted);
        pen.fit(&explorer.form_value(field), style);
    }
    let key = |action| app.keymap.way_to(action);
    Pen::new(buffer, area, 8)
        .put(&key(Action::Open), skin.style(Role::Key))
        .fit(" computes it; the same as", muted);
    Pen::new(buffer, area, 9).skip(2).fit(&explorer.form_command(), accent);
    if !prompt::asked(app, line(2), skin, buffer) {
        bars::toast(app, line(2), skin, buffer);
    }
    bars::bottom(app, skin, buffer);
}
