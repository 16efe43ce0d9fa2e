//! The screen before the first run is there.

use ratatui::buffer::Buffer;

use crate::app::App;
use crate::app::explorer::ExplorerLayout;
use crate::app::opening::Opening;
use crate::theme::Role;
use crate::ui::Skin;
use crate::ui::pen::Pen;

use super::bars;

/// Draws the screen.
pub fn draw(app: &App, opening: &Opening, size: (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let places = ExplorerLayout::new(size);
    bars::top(app, places.top, "", &[], skin, buffer);
    Pen::new(buffer, places.map, 1)
        .put("opening ", skin.style(Role::Muted))
        .fit(&opening.run.name(), skin.style(Role::Text));
    bars::bottom(app, skin, buffer);
}
