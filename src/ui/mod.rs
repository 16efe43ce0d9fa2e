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
use crate::app::overlay::Overlay;
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
    match &app.screen {
        Screen::Home(_) => panels::home::draw(app, size, skin, buffer),
        Screen::Opening(opening) => panels::opening::draw(app, opening, size, skin, buffer),
        Screen::Explorer(open) if open.shows_cuts() => {
            panels::cuts::draw(app, open, size, skin, buffer);
        }
        Screen::Explorer(open) if open.form().is_some() => {
            panels::form::analysis(app, open, skin, buffer);
        }
        Screen::Import(form) => {
            panels::form::draw(app, ("import", &[]), &form.sheet(), skin, buffer);
        }
        Screen::Explorer(open) => panels::explorer::draw(app, open, size, skin, buffer),
        Screen::Compare(compare) => panels::compare::draw(app, compare, size, skin, buffer),
        Screen::Grid(grid) => panels::grid::draw(app, grid, size, skin, buffer),
        Screen::Predictions(view) => panels::predictions::draw(app, view, size, skin, buffer),
    }
    match &app.overlay {
        Overlay::Palette(palette) => panels::palette::draw(app, palette, size, skin, buffer),
        Overlay::Help(help) => panels::help::draw(app, help, size, skin, buffer),
        Overlay::Columns(chooser) => panels::columns::draw(app, chooser, size, skin, buffer),
        // these lie in the screen's own lines
        Overlay::Find(_) | Overlay::Ask(_) | Overlay::Question | Overlay::None => {}
    }
}
