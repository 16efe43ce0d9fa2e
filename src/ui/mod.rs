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
mod pixel_map;
pub mod pixels;
pub mod skin;
pub mod widgets;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use ratatui::Frame;

use crate::app::jobs::Picture;
use crate::app::layout::too_small;
use crate::app::overlay::Overlay;
use crate::app::{App, Screen};
use crate::theme::Role;

pub use skin::Skin;

/// The picture of a serial number, if it is on the screen.
pub fn picture<'a>(app: &'a App, skin: &Skin, serial: u32) -> Option<Cow<'a, Picture>> {
    if let Some(picture) = app.picture(serial) {
        return Some(Cow::Borrowed(picture));
    }
    let map = app.explorer().filter(|_| skin.pixel_maps());
    let map = map.and_then(|explorer| pixel_map::picture(explorer, skin));
    map.filter(|map| map.serial == serial).map(Cow::Owned)
}

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
        Screen::Explorer(open) if open.gallery().is_some() => {
            panels::gallery::draw(app, open, size, skin, buffer);
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
