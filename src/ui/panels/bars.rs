//! The top line (what is open, on which device) and the bottom line (keys).

use ratatui::buffer::Buffer;

use crate::app::App;
use crate::app::bottom::{self, Part, Tone};
use crate::app::layout::Area;
use crate::runs::{RunManifest, RunState};
use crate::theme::Role;

use crate::ui::Skin;
use crate::ui::pen::{Pen, width};

pub use crate::text::thousands;

/// `41.2 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// What a run says about itself, most important first.
pub fn facts(manifest: &RunManifest) -> Vec<String> {
    let mut facts = vec![manifest.model.title(), manifest.data.title()];
    if let RunState::Training { epoch, epochs } = manifest.state {
        facts.push(format!("epoch {epoch} of {epochs}"));
    }
    if let Some(test) = &manifest.test {
        facts.push(format!("test {}", percent(test.accuracy())));
    }
    if let Some(seed) = manifest.seed {
        facts.push(format!("seed {seed}"));
    }
    facts
}

/// Draws the top line: program, then the run or the screen's name, then the
/// device at the right end.
pub fn top(app: &App, area: Area, title: &str, facts: &[String], skin: &Skin, buffer: &mut Buffer) {
    let muted = skin.style(Role::Muted);
    let device = app.device.as_deref().unwrap_or("");
    let mut pen = Pen::new(buffer, Area { w: area.w.saturating_sub(1), ..area }, 0);
    pen.skip(1).put("blockscope", skin.style(Role::Accent)).skip(3);
    pen.fit(title, skin.style(Role::Title)).skip(3);
    let short = device.split(" (").next().unwrap_or(device);
    for (i, fact) in facts.iter().enumerate() {
        let separator = if i > 0 { " · " } else { "" };
        // the device keeps its place
        if width(separator) + width(fact) + width(short) + 3 > pen.left() {
            break;
        }
        pen.put(separator, muted).put(fact, muted);
    }
    let shown = if width(device) + 3 <= pen.left() { device } else { short };
    if width(shown) + 2 <= pen.left() {
        pen.right(shown, muted);
    }
}

/// Draws the bottom line: hints of keys, or the computation that runs.
pub fn bottom(app: &App, skin: &Skin, buffer: &mut Buffer) {
    parts(&bottom::parts(app), bottom::place(app.size), skin, buffer);
}

/// Draws what stands in a line of hints.
pub fn parts(parts: &[Part], area: Area, skin: &Skin, buffer: &mut Buffer) {
    for part in parts {
        let role = match part.tone {
            Tone::Key => Role::Key,
            Tone::Label => Role::KeyHint,
            Tone::Text => Role::Text,
            Tone::Muted => Role::Muted,
            Tone::Accent => Role::Accent,
            Tone::Warning => Role::Warning,
        };
        let rest = Area::new(part.x, area.y, (area.x + area.w).saturating_sub(part.x), 1);
        Pen::new(buffer, rest, 0).put(&part.text, skin.style(role));
    }
}

/// Draws a message, if there is one; true if it did.
pub fn toast(app: &App, area: Area, skin: &Skin, buffer: &mut Buffer) -> bool {
    let Some(toast) = &app.toast else { return false };
    let (sign, role) = if toast.error { ("✗ ", Role::Error) } else { ("• ", Role::Good) };
    Pen::new(buffer, area, 0).put(sign, skin.style(role)).fit(&toast.text, skin.style(Role::Text));
    true
}
