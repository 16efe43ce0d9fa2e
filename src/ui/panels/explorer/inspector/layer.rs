//! The tab of the layer under the cursor: what it is, its first components, and
//! the images that drive the first of them.

use ratatui::widgets::Widget;

use crate::app::explorer::Explorer;
use crate::app::explorer::SHOWN_IMAGES;
use crate::app::explorer::gallery::Driver;
use crate::domain::components::Components;
use crate::domain::{Absent, Layer};
use crate::theme::Role;

use super::{LABEL, Pane};
use crate::app::layout::Area;
use crate::ui::panels::bars::percent;
use crate::ui::pen::{fit, fit_end, rect, width};
use crate::ui::widgets::Thumbnail;

/// Columns of a picture, large and small.
const SIDES: [u16; 2] = [16, 8];

/// Draws the tab.
pub fn draw(pane: &mut Pane<'_>, explorer: &Explorer, tall: bool) {
    let (row, col) = explorer.position();
    pane.describe("row", explorer.layer(row));
    pane.describe("column", explorer.layer(col));
    pane.gap(tall);
    match (explorer.components(), explorer.layer(row)) {
        (Some(components), Some(layer)) => {
            shares(pane, components, layer);
            pane.gap(tall);
            images(pane, explorer, components, layer);
        }
        _ => row_profile(pane, explorer, if tall { 5 } else { 3 }),
    }
}

impl Pane<'_> {
    fn describe(&mut self, which: &str, layer: Option<&Layer>) {
        let Some(layer) = layer else { return };
        let (muted, title) = (self.style(Role::Muted), self.style(Role::Title));
        let room = self.width().saturating_sub(LABEL);
        self.pen().field(which, LABEL, muted).put(&fit_end(&layer.name, room), title);
        let place = match (layer.stage, layer.block) {
            (Some(stage), Some(block)) => format!("block {stage}.{block}"),
            _ if layer.shape.len() == 3 => "stem".to_string(),
            _ => "head".to_string(),
        };
        let (kind, shape) = (layer.kind.name(), layer.shape_text());
        let long = format!("{place}, {shape}, {kind}");
        // the name tells the kind where there is no room
        let text = if width(&long) <= room { long } else { format!("{place}, {shape}") };
        self.pen().skip(LABEL).fit(&text, muted);
    }
}

/// The cursor's row of the map along the layers.
fn row_profile(pane: &mut Pane<'_>, explorer: &Explorer, height: u16) {
    let (row, col) = explorer.position();
    let Some(matrix) = explorer.matrix() else { return };
    let values: Vec<Option<f64>> = (0..matrix.cols()).map(|j| matrix.get(row, j)).collect();
    pane.heading(&format!("{} of the row along the layers", explorer.mode().name()));
    pane.curve(&values, explorer.range(), col, height);
    pane.gap(true);
    pane.remark("`blockscope analyze` adds principal components and dominant images");
}

/// Shares of variance of the leading components, and of zeros.
fn shares(pane: &mut Pane<'_>, components: &Components, layer: &Layer) {
    let (muted, text, accent) =
        (pane.style(Role::Muted), pane.style(Role::Text), pane.style(Role::Accent));
    let Some(first) = components.share(layer.index) else {
        let undefined = pane.style(Role::Undefined);
        let why = match components.absent(layer.index) {
            Some(Absent::NotFinite) => "not finite: its activations are no finite numbers",
            _ => "no variance: the layer gives the same for all images",
        };
        pane.pen().fit(why, undefined);
        return;
    };
    let mut pen = pane.pen();
    pen.put("first component", muted).skip(1).number(&percent(first), 7, text).skip(1);
    let cells = pen.left();
    let full = (first * cells as f64).round() as usize;
    pen.put(&"█".repeat(full), accent).put(&"░".repeat(cells.saturating_sub(full)), muted);
    let rest: Vec<String> = components
        .shares
        .row(layer.index)
        .iter()
        .skip(1)
        .map(|share| format!("{:.0}", 100.0 * share))
        .collect();
    let mut line = format!("then {} %", rest.join(" · "));
    if let Some(Some(zeros)) = components.zeros.get(layer.index) {
        line.push_str(&format!("   zeros {}", percent(*zeros)));
    }
    pane.pen().fit(&line, muted);
}

fn images(pane: &mut Pane<'_>, explorer: &Explorer, components: &Components, layer: &Layer) {
    let shown = explorer.drivers(layer.index, 0, SHOWN_IMAGES);
    if shown.is_empty() {
        return;
    }
    pane.heading("images that drive it");
    if explorer.album.is_hidden() {
        return;
    }
    if let Some(problem) = explorer.album.problem() {
        list(pane, &shown, pane.left().saturating_sub(3));
        pane.gap(pane.left() > 3);
        pane.remark(problem);
    } else {
        let side = SIDES
            .into_iter()
            .find(|side| pane.left() > side / 2 && pane.width() > 2 * usize::from(*side));
        match side {
            None => list(pane, &shown, pane.left()),
            Some(side) => pictures(pane, explorer, &shown, side),
        }
    }
    let col = explorer.position().1;
    let count = (components.examples() / 100).max(4);
    if let (Some(other), true) = (explorer.layer(col), pane.left() > 0)
        && other.index != layer.index
        && let Some(share) = components.overlap(layer.index, other.index, count)
    {
        let both = (share * count as f64).round() as usize;
        pane.heading(&format!("{both} of the top {count} are the column's too"));
    }
}

/// Pictures side by side with a line each: label and a cross if it was taken for
/// something else.
fn pictures(pane: &mut Pane<'_>, explorer: &Explorer, shown: &[Driver], side: u16) {
    let across = (pane.width() + 1) / (usize::from(side) + 1);
    let (text, bad) = (pane.style(Role::Text), pane.style(Role::Bad));
    let muted = pane.style(Role::Muted);
    for row in shown.chunks(across.max(1)) {
        if pane.left() < side / 2 + 1 {
            break;
        }
        let area = pane.take(side / 2);
        let caption = pane.take(1);
        for (at, image) in row.iter().enumerate() {
            let x = at as u16 * (side + 1);
            let place = Area { x: area.x + x, w: side.min(area.w.saturating_sub(x)), ..area };
            let skin = pane.skin;
            let picture = explorer.album.get(image.image);
            Thumbnail { picture, skin, waiting: muted }.render(rect(place), pane.buffer);
            let below = Area { x: caption.x + x, w: place.w, ..caption };
            let mut pen = super::Pen::new(pane.buffer, below, 0);
            if image.wrong.is_some() {
                pen.put("✗", bad);
            }
            let room = pen.left();
            pen.put(&fit(&image.label, room), text);
        }
    }
}

/// The same as lines of text.
fn list(pane: &mut Pane<'_>, shown: &[Driver], rows: u16) {
    let (text, muted, bad) =
        (pane.style(Role::Text), pane.style(Role::Muted), pane.style(Role::Bad));
    for image in shown.iter().take(usize::from(rows)) {
        let mut pen = pane.pen();
        pen.number(&format!("#{}", image.image), 6, muted).skip(1);
        pen.field(&image.label, 10, text);
        pen.number(&format!("{:+.0}", image.score), 6, text);
        pen.put(&format!("  norm {:.1}x", image.norm), muted);
        if let Some(wrong) = &image.wrong {
            pen.skip(1).put("✗ ", bad).fit(wrong, bad);
        }
    }
}
