//! Drawing: `draw(&App, &Skin, &mut Frame)`, a pure function of its arguments.
//! Knows the app's state and no terminal; it never changes anything.
//!
//! - [`skin`] and [`colour`]: a theme under a colour depth
//! - `panels`: the screens and their parts
//! - [`widgets`]: heatmap, rulers, legend, profile, stems; free of app
//!   types

pub mod colour;
mod panels;
pub mod pen;
pub mod skin;
pub mod widgets;

#[cfg(test)]
mod tests;

use ratatui::Frame;

use crate::app::layout::too_small;
use crate::app::{App, Screen};
use crate::theme::Role;

pub use skin::Skin;

/// Draws the whole screen.
pub fn draw(app: &App, skin: &Skin, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    buffer.set_style(area, skin.style(Role::Text));
    let size = (area.width, area.height);
    if too_small(size) {
        panels::message::too_small(size, skin, buffer);
        return;
    }
    match app.screen {
        Screen::Home => panels::home::draw(app, size, skin, buffer),
        Screen::Predictions => panels::predictions::draw(app, size, skin, buffer),
        Screen::Compare => panels::compare::draw(app, size, skin, buffer),
        Screen::Explorer => panels::explorer::draw(app, size, skin, buffer),
        Screen::Grid => panels::grid::draw(app, size, skin, buffer),
    }
    if let Some(palette) = &app.palette {
        panels::palette::draw(app, palette, size, skin, buffer);
    }
    if let Some(scroll) = app.help {
        panels::help::draw(app, scroll, size, skin, buffer);
    }
}
