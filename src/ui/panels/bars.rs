//! The top line (what is open, on which device) and the bottom line (keys).

use ratatui::buffer::Buffer;

use crate::app::action::{Action, HINTS, Hint, Scopes};
use crate::app::layout::Area;
use crate::app::{App, Screen};
use crate::runs::{RunManifest, RunState};
use crate::theme::Role;

use crate::ui::Skin;
use crate::ui::pen::{Pen, width};

/// `41.2 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `10,000`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
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

/// Draws as many hints as fit. Without a map only those that work anywhere.
pub fn hints(app: &App, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, area, 0);
    let mapless = matches!(app.screen, Screen::Opening(_));
    let pruned = app.compare().is_some_and(|c| c.pruned().is_some());
    let fits = |h: &&Hint| {
        let useful = !mapless || h.scopes == Scopes::EVERYWHERE || h.actions == [Action::Back];
        // beside a pruned network there is one third map
        let idle = pruned && h.actions == [Action::Third];
        h.scopes.has(app.scope()) && useful && !idle
    };
    let shown: Vec<(&Hint, String)> = HINTS
        .iter()
        .filter(fits)
        .map(|hint| (hint, app.keymap.hint(hint.actions)))
        .filter(|(_, keys)| !keys.is_empty())
        .collect();
    let columns = |(hint, keys): &(&Hint, String)| width(keys) + 1 + width(hint.label);
    // help and the ways out stand at the end of every line, whatever else there is room for
    let out = |(hint, _): &&(&Hint, String)| {
        [Action::Help, Action::Back, Action::Quit]
            .map(|action| [action])
            .iter()
            .any(|only| hint.actions == only)
    };
    let kept: usize = shown.iter().filter(out).map(|hint| columns(hint) + GAP).sum();
    let put = |hint: &(&Hint, String), pen: &mut Pen<'_>| {
        pen.put(&hint.1, skin.style(Role::Key))
            .skip(1)
            .put(hint.0.label, skin.style(Role::KeyHint))
            .skip(GAP);
    };
    for hint in shown.iter().filter(|hint| !out(hint)) {
        if columns(hint) + GAP + kept > pen.left() + GAP {
            break;
        }
        put(hint, &mut pen);
    }
    for hint in shown.iter().filter(out) {
        if columns(hint) <= pen.left() {
            put(hint, &mut pen);
        }
    }
}

/// Columns between two hints.
const GAP: usize = 3;

/// Draws a message, if there is one; true if it did.
pub fn toast(app: &App, area: Area, skin: &Skin, buffer: &mut Buffer) -> bool {
    let Some(toast) = &app.toast else { return false };
    let (sign, role) = if toast.error { ("✗ ", Role::Error) } else { ("• ", Role::Good) };
    Pen::new(buffer, area, 0).put(sign, skin.style(role)).fit(&toast.text, skin.style(Role::Text));
    true
}
