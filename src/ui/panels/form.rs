//! A form: lines with their values, and the command that does the same.

use ratatui::buffer::Buffer;

use crate::app::App;
use crate::app::action::Action;
use crate::app::explorer::Explorer;
use crate::app::form::Sheet;
use crate::app::layout::Area;
use crate::theme::Role;

use super::{bars, prompt};
use crate::text::wrapped;
use crate::ui::Skin;
use crate::ui::pen::{Pen, fit, fit_end};

/// Columns of a field's name.
const NAME: usize = 18;

/// Draws the form of an analysis.
pub fn analysis(app: &App, explorer: &Explorer, skin: &Skin, buffer: &mut Buffer) {
    let manifest = &explorer.run().manifest;
    let sheet = explorer.form_sheet();
    draw(app, (&manifest.name, &bars::facts(manifest)), &sheet, skin, buffer);
}

/// Draws a form under the top line that says what it is about.
pub fn draw(
    app: &App,
    (title, facts): (&str, &[String]),
    sheet: &Sheet,
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let (w, h) = app.size;
    let line = |from_below: u16| Area::new(1, h.saturating_sub(from_below), w.saturating_sub(2), 1);
    bars::top(app, Area::new(0, 0, w, 1), title, facts, skin, buffer);
    let (text, muted, accent) =
        (skin.style(Role::Text), skin.style(Role::Muted), skin.style(Role::Accent));
    let area = Area::new(2, 1 + u16::from(h >= 30), w.saturating_sub(4), h.saturating_sub(4));
    Pen::new(buffer, area, 0).fit(sheet.heading, text);
    for (row, (name, value)) in sheet.rows.iter().enumerate() {
        let here = row == sheet.at;
        let style = if here { skin.style(Role::Selection) } else { text };
        let mut pen = Pen::new(buffer, area, row as u16 + 2);
        pen.put(if here { "▸ " } else { "  " }, accent).field(name, NAME, muted);
        // what tells paths apart is their end
        let cut = if value.contains('/') { fit_end } else { fit };
        let value = cut(value, pen.left());
        pen.put(&value, style);
    }
    let below = sheet.rows.len() as u16 + 3;
    Pen::new(buffer, area, below)
        .put(&app.keymap.way_to(Action::Open), skin.style(Role::Key))
        .fit(&format!(" {}", sheet.does), muted);
    let room = usize::from(area.w).saturating_sub(2);
    for (row, part) in wrapped(&sheet.command, room).iter().enumerate() {
        Pen::new(buffer, area, below + 1 + row as u16).skip(2).put(part, accent);
    }
    if !prompt::asked(app, line(2), skin, buffer)
        && !bars::toast(app, line(2), skin, buffer)
        && let Some(problem) = &sheet.problem
    {
        Pen::new(buffer, line(2), 0).put("✗ ", skin.style(Role::Error)).fit(problem, text);
    }
    bars::bottom(app, skin, buffer);
}
