//! In place of any screen: the terminal is too small.

use ratatui::buffer::Buffer;

use crate::app::layout::{Area, MIN_SIZE};
use crate::theme::Role;

use crate::ui::Skin;
use crate::ui::pen::Pen;

/// The terminal has too few cells.
pub fn too_small((w, h): (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let lines =
        [format!("{w}x{h} is too small"), format!("{}x{} is enough", MIN_SIZE.0, MIN_SIZE.1)];
    let top = h.saturating_sub(2) / 2;
    for (i, line) in lines.iter().enumerate() {
        let x = w.saturating_sub(line.len() as u16) / 2;
        let area = Area::new(x, top + i as u16, w.saturating_sub(x), 1);
        let role = if i == 0 { Role::Warning } else { Role::Muted };
        Pen::new(buffer, area, 0).put(line, skin.style(role));
    }
}
