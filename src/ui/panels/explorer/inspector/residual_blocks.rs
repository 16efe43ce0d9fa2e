//! The tab of block structures and residual blocks: the detected structures, and what
//! deleting residual blocks costs.

use crate::app::App;
use crate::app::action::Action;
use crate::app::explorer::Explorer;
use crate::domain::Bypass;
use crate::domain::block_structure::BlockStructure;
use crate::domain::deletion::{Cost, DeletionRow, DeletionTable, Experiment, SMALL_COST};
use crate::theme::Role;

use super::Pane;
use crate::ui::panels::bars::percent;
use crate::ui::panels::cuts::{measured, points};

/// Draws the tab.
pub fn draw(pane: &mut Pane<'_>, app: &App, explorer: &Explorer) {
    detected(pane, app, explorer);
    pane.gap(true);
    deletions(pane, app, explorer);
}

/// `layer2.0.add to layer2.5.relu2`.
fn names(explorer: &Explorer, structure: &BlockStructure) -> String {
    let name = |p: usize| explorer.layer(p).map_or("?", |l| l.name.as_str());
    format!("{} to {}", name(*structure.span.start()), name(*structure.span.end()))
}

fn detected(pane: &mut Pane<'_>, app: &App, explorer: &Explorer) {
    let rule = explorer.rule();
    let found = &explorer.structures().found;
    let (muted, text, accent) =
        (pane.style(Role::Muted), pane.style(Role::Text), pane.style(Role::Accent));
    pane.heading(&format!(
        "block structures, CKA ≥ {:.2}, {} layers or more",
        rule.tau, rule.min_len
    ));
    // at other sizes it stands above the map
    if pane.left() < 20 {
        pane.remark(&explorer.verdict());
    }
    if found.is_empty() {
        pane.heading("none; < lowers the threshold");
    }
    let row = explorer.position().0;
    for (at, structure) in found.iter().enumerate().take(4) {
        let here = structure.span.contains(&row);
        let mut pen = pane.pen();
        pen.put(if here { "▸ " } else { "  " }, accent);
        pen.put(&format!("structure {}", at + 1), text);
        pen.put(&format!("  {} layers  mean {:.3}", structure.len(), structure.mean), text);
        pane.pen().skip(4).fit(&names(explorer, structure), muted);
        let contrast = structure.contrast.map_or(String::new(), |c| format!("contrast {c:.2}"));
        let share = explorer.components().and_then(|components| {
            let shares: Vec<f64> = structure
                .span
                .clone()
                .filter_map(|p| components.share(*explorer.indices().get(p)?))
                .collect();
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            (!shares.is_empty()).then(|| format!("  PC1 {}", percent(mean)))
        });
        pane.pen().skip(4).fit(&format!("{contrast}{}", share.unwrap_or_default()), muted);
    }
    // the structure under the cursor, or the first
    let at = found.iter().find(|b| b.span.contains(&row)).or(found.first());
    let centre = at.map_or(row, |b| (b.span.start() + b.span.end()) / 2);
    let lengths: Vec<String> = explorer
        .structures()
        .by_tau
        .iter()
        .map(|(_, structures)| {
            let here = structures.iter().find(|b| b.span.contains(&centre));
            here.map_or("·".to_string(), |b| b.len().to_string())
        })
        .collect();
    pane.heading("its length for 0.80, 0.82 … 0.98");
    let line = lengths.join(" ");
    pane.pen().skip(2).fit(&line, text);
    if let Some(structure) = at {
        inside(pane, app, explorer, structure);
    }
}

/// What deleting the residual blocks inside a block structure costs. That layers are alike
/// says nothing about it.
fn inside(pane: &mut Pane<'_>, app: &App, explorer: &Explorer, structure: &BlockStructure) {
    let blocks = explorer.blocks_inside(structure);
    if blocks.is_empty() {
        return;
    }
    let count = blocks.len();
    let plural = if count == 1 { "block" } else { "blocks" };
    pane.heading(&format!("{count} residual {plural} inside the block structure:"));
    let text = pane.style(Role::Text);
    pane.pen().skip(2).fit(&blocks.to_string(), text);
    let table = explorer.pruning.table();
    let costs: Option<Vec<Cost>> =
        blocks.iter().map(|b| table.cost_of(&[b].into_iter().collect())).collect();
    let Some(costs) = costs else {
        let key = app.keymap.way_to(Action::Lesions);
        pane.heading(&format!("  {key} measures what each costs"));
        return;
    };
    let all_cheap = table.cheap(SMALL_COST);
    let cheap: Bypass = blocks.iter().filter(|block| all_cheap.contains(*block)).collect();
    let together = match (table.cost_of(&cheap), table.predicted(&cheap)) {
        (Some(cost), _) => format!(", together {}", points(cost.change)),
        (None, Some(sum)) => format!(", together {} if costs add up", points(sum)),
        (None, None) => String::new(),
    };
    let dearest = costs.iter().map(|cost| cost.change).fold(0.0, f64::min);
    pane.heading(&match cheap.len() {
        0 => format!("  none costs surely under 1 point; up to {}", points(dearest)),
        1 => "  1 costs surely under 1 point".to_string(),
        n => format!("  {n} cost under 1 point each{together}"),
    });
}

fn deletions(pane: &mut Pane<'_>, app: &App, explorer: &Explorer) {
    let pruning = &explorer.pruning;
    let (muted, text) = (pane.style(Role::Muted), pane.style(Role::Text));
    let (deleted, table) = (pruning.deleted(), pruning.table());
    if deleted.is_empty() {
        let key = app.keymap.way_to(Action::Delete);
        pane.heading(&format!("{key} deletes a residual block"));
    } else {
        pane.pen().put("deleted ", muted).fit(&deleted.to_string(), text);
        match (table.of(deleted), pruning.cost(deleted)) {
            (Some(row), Some(cost)) => {
                pane.pen().skip(2).fit(&measured(cost), text);
                let accuracy = row.accuracy();
                let line = format!("{} to {}", percent(accuracy - cost.change), percent(accuracy));
                pane.pen().skip(2).fit(&line, muted);
            }
            _ => pane.heading("  not measured yet"),
        }
    }
    let rows = sorted(table);
    if rows.is_empty() || pane.left() < 3 {
        return;
    }
    pane.gap(pane.left() > 4);
    pane.heading("cost of deleting, in points");
    let worst = rows.iter().map(|(_, cost)| -cost.change).fold(0.01, f64::max);
    let bad = pane.style(Role::Bad);
    let room = usize::from(pane.left());
    let shown = if rows.len() > room { room.saturating_sub(1) } else { rows.len() };
    for (row, cost) in &rows[..shown] {
        let name = match row.experiment {
            Experiment::Sweep => format!(
                "… {} ({})",
                row.deleted.first().map_or(String::new(), |b| b.to_string()),
                row.deleted.len()
            ),
            _ => row.deleted.to_string(),
        };
        let mut pen = pane.pen();
        pen.field(&name, 12, text).number(&points(cost.change), 7, text).skip(1);
        let cells = pen.left();
        let full = ((-cost.change).max(0.0) / worst * cells as f64).round() as usize;
        pen.put(&"▆".repeat(full.min(cells)), bad);
    }
    if shown < rows.len() {
        let key = app.keymap.way_to(Action::Cuts);
        pane.heading(&format!("… {} more: {key} lists all", rows.len() - shown));
    }
}

/// Each set of blocks with its cost: those that were chosen, then single ones, the
/// cheapest first, then stages from their end.
fn sorted(table: &DeletionTable) -> Vec<(&DeletionRow, Cost)> {
    let mut rows: Vec<(&DeletionRow, Cost)> =
        table.costs().into_iter().filter_map(|(row, cost)| Some((row, cost?))).collect();
    let rank = |row: &DeletionRow| match row.experiment {
        Experiment::Chosen => 0,
        Experiment::Baseline | Experiment::Lesion => 1,
        Experiment::Sweep => 2,
    };
    rows.sort_by(|(a, x), (b, y)| {
        let cheapest = || match a.experiment {
            Experiment::Sweep => std::cmp::Ordering::Equal,
            _ => y.change.total_cmp(&x.change),
        };
        rank(a).cmp(&rank(b)).then_with(cheapest)
    });
    rows
}
