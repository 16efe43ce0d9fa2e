//! The list of cuts: every residual block that can be deleted, what deleting it costs,
//! and what those cost together that are ticked.

use ratatui::buffer::Buffer;

use crate::app::App;
use crate::app::action::Action;
use crate::app::explorer::Explorer;
use crate::app::explorer::cuts::{Cut, CutOrder, CutsLayout, first_row};
use crate::app::layout::Area;
use crate::domain::deletion::Cost;
use crate::theme::Role;

use super::bars::{self, percent, thousands};
use super::prompt;
use crate::ui::Skin;
use crate::ui::pen::Pen;

/// Columns of the mark, the block, the change, its interval and the images.
const COLUMNS: [usize; 4] = [10, 8, 18, 9];
/// What stands before a block inside of a block structure.
const INSIDE: &str = "■";

/// Draws the screen.
pub fn draw(app: &App, explorer: &Explorer, size: (u16, u16), skin: &Skin, buffer: &mut Buffer) {
    let places = CutsLayout::new(size);
    let manifest = &explorer.run().manifest;
    bars::top(app, places.top, &manifest.name, &bars::facts(manifest), skin, buffer);
    let cuts = explorer.cuts();
    let selected = explorer.cut_selected(&cuts);
    let first = first_row(cuts.len(), selected, places.list.h);
    let shown = usize::from(places.list.h).min(cuts.len() - first);
    header(explorer, &cuts, first..first + shown, places.header, skin, buffer);
    let worst = cuts.iter().filter_map(|cut| cut.cost).map(|c| -c.change).fold(0.01, f64::max);
    for (row, cut) in cuts.iter().skip(first).take(shown).enumerate() {
        let area = Area { y: places.list.y + row as u16, h: 1, ..places.list };
        entry(cut, first + row == selected, worst, area, skin, buffer);
    }
    together(app, explorer, places.sum, skin, buffer);
    if !prompt::asked(app, places.message, skin, buffer)
        && !bars::toast(app, places.message, skin, buffer)
    {
        legend(&cuts, places.message, skin, buffer);
    }
    bars::bottom(app, skin, buffer);
}

fn header(
    explorer: &Explorer,
    cuts: &[Cut],
    shown: std::ops::Range<usize>,
    area: Area,
    skin: &Skin,
    buffer: &mut Buffer,
) {
    let muted = skin.style(Role::Muted);
    let mut pen = Pen::new(buffer, area, 0);
    let order = match explorer.cut_order() {
        CutOrder::Network => "by place",
        CutOrder::Cost => "by cost",
    };
    let [block, change, interval, images] = COLUMNS;
    pen.skip(2).field("block", block, muted).number("points", change, muted);
    pen.skip(2).field("95 % interval", interval, muted).number("images", images, muted);
    let rows = match shown.len() == cuts.len() {
        true => format!("{} blocks {order}", cuts.len()),
        false => format!("{} to {} of {} {order}", shown.start + 1, shown.end, cuts.len()),
    };
    pen.skip(2).right(&rows, muted);
}

fn entry(cut: &Cut, here: bool, worst: f64, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let (muted, accent, bad) =
        (skin.style(Role::Muted), skin.style(Role::Accent), skin.style(Role::Bad));
    let text = if here { skin.style(Role::Selection) } else { skin.style(Role::Text) };
    let mut pen = Pen::new(buffer, area, 0);
    pen.put(if here { "▸ " } else { "  " }, accent);
    pen.put(if cut.ticked { "[x] " } else { "[ ] " }, if cut.ticked { bad } else { muted });
    let [block, change, interval, images] = COLUMNS;
    pen.field(&cut.block.to_string(), block - 6, text)
        .put(if cut.inside { INSIDE } else { " " }, accent);
    pen.skip(1);
    let Some(cost) = cut.cost else {
        pen.number("not measured", change + 2 + interval, muted);
        return;
    };
    pen.number(&points(cost.change), change, text).skip(2);
    let known = cost.interval.map_or_else(|| "unknown".to_string(), between);
    pen.field(&known, interval, muted).number(&thousands(cost.examples), images, muted).skip(2);
    let cells = pen.left();
    let full = ((-cost.change).max(0.0) / worst * cells as f64).round() as usize;
    pen.put(&"▆".repeat(full.min(cells)), bad);
}

/// What is deleted together, predicted and measured.
fn together(app: &App, explorer: &Explorer, area: Area, skin: &Skin, buffer: &mut Buffer) {
    let (muted, text) = (skin.style(Role::Muted), skin.style(Role::Text));
    let pruning = &explorer.pruning;
    let (deleted, table) = (pruning.deleted(), pruning.table());
    let key = |action| app.keymap.way_to(action);
    let mut pen = Pen::new(buffer, area, 0);
    if deleted.is_empty() {
        pen.fit(
            &format!("nothing is deleted; {} ticks the selected block", key(Action::Choose)),
            muted,
        );
    } else {
        let count = deleted.len();
        let blocks = if count == 1 { "block" } else { "blocks" };
        pen.put(&format!("{count} {blocks} deleted: "), muted).fit(&deleted.to_string(), text);
        let mut pen = Pen::new(buffer, area, 1);
        if let Some(sum) = table.predicted(deleted).filter(|_| count > 1) {
            pen.put("predicted ", muted).put(&points(sum), text).put(", ", muted);
        }
        match (table.of(deleted), pruning.cost(deleted)) {
            (Some(row), Some(cost)) => {
                let accuracy = row.accuracy();
                let whole = percent(accuracy - cost.change);
                pen.put("measured ", muted)
                    .fit(&format!("{}, {whole} to {}", measured(cost), percent(accuracy)), text);
            }
            _ => drop(pen.put("not measured yet", muted)),
        }
    }
    let line = explorer.cheap_blocks().unwrap_or_else(|| {
        format!("{} measures what each block costs alone", key(Action::Lesions))
    });
    Pen::new(buffer, area, 2).fit(&line, muted);
}

fn legend(cuts: &[Cut], area: Area, skin: &Skin, buffer: &mut Buffer) {
    let muted = skin.style(Role::Muted);
    let mut pen = Pen::new(buffer, area, 0);
    if cuts.iter().any(|cut| cut.inside) {
        pen.put(INSIDE, skin.style(Role::Accent)).put(" inside a block structure   ", muted);
    }
    pen.fit("points of accuracy on the same images with and without the block", muted);
}

/// `-0.23`.
pub fn points(change: f64) -> String {
    format!("{:+.2}", 100.0 * change)
}

fn between((low, high): (f64, f64)) -> String {
    format!("{} to {}", points(low), points(high))
}

/// `-0.30 (-0.52 to -0.08, n 10,000)`.
pub fn measured(cost: Cost) -> String {
    let interval = cost.interval.map_or_else(String::new, |i| format!("{}, ", between(i)));
    format!("{} ({interval}n {})", points(cost.change), thousands(cost.examples))
}
