//! The computation that runs, in the bottom line.

use ratatui::buffer::Buffer;

use crate::app::layout::Area;
use crate::app::{Action, App};
use crate::theme::Role;

use super::bars::thousands;
use crate::ui::Skin;
use crate::ui::pen::Pen;

/// Steps of the bar: progress between two steps draws nothing.
const STEPS: usize = 20;

/// Draws the computation, or the question if it shall stop; false if none runs.
pub fn draw(app: &App, area: Area, skin: &Skin, buffer: &mut Buffer) -> bool {
    let Some(running) = &app.running else { return false };
    let (text, muted, key) =
        (skin.style(Role::Text), skin.style(Role::Muted), skin.style(Role::Key));
    let mut pen = Pen::new(buffer, area, 0);
    if app.overlay.asks() {
        pen.put("cancel the computation?", skin.style(Role::Warning)).skip(2);
        pen.put("y", key).skip(1).put("yes", muted).skip(2);
        pen.put("Esc", key).skip(1).put("let it go on, to the runs", muted).skip(2);
        pen.put("any other", key).skip(1).fit("no", muted);
        return true;
    }
    pen.put(&running.title(), text).skip(2);
    if let Some((done, total, unit)) = running.progress {
        let step = (done * STEPS).checked_div(total).unwrap_or(0);
        let full = (step / 2).min(STEPS / 2);
        pen.put(&"▰".repeat(full), skin.style(Role::Accent));
        pen.put(&"▱".repeat(STEPS / 2 - full), muted).skip(1);
        // in steps too, so that a frame is drawn for each of them only
        let shown = if done >= total { total } else { total * step / STEPS };
        pen.put(&format!("{} of {} {unit}", thousands(shown), thousands(total)), muted).skip(2);
    }
    if pen.left() > 12 {
        pen.put(&app.keymap.way_to(Action::Back), key).skip(1).put("cancel", muted);
    }
    true
}
