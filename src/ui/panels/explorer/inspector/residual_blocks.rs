//! The tab of block structures and residual blocks: the detected structures, and what
//! deleting residual blocks costs.

use crate::app::explorer::Explorer;
use crate::domain::block_structure::BlockStructure;
use crate::domain::deletion::{DeletionRow, Experiment};
use crate::domain::{Bypass, ResidualBlock};
use crate::theme::Role;

use super::Pane;
use crate::ui::panels::bars::{percent, thousands};

/// Draws the tab.
pub fn draw(pane: &mut Pane<'_>, explorer: &Explorer) {
    detected(pane, explorer);
    pane.gap(true);
    deletions(pane, explorer);
}

/// `layer2.0.add to layer2.5.relu2`.
fn names(explorer: &Explorer, structure: &BlockStructure) -> String {
    let name = |p: usize| explorer.layer(p).map_or("?", |l| l.name.as_str());
    format!("{} to {}", name(*structure.span.start()), name(*structure.span.end()))
}

fn detected(pane: &mut Pane<'_>, explorer: &Explorer) {
    let rule = explorer.rule();
    let found = &explorer.structures().found;
    let (muted, text, accent) =
        (pane.style(Role::Muted), pane.style(Role::Text), pane.style(Role::Accent));
    pane.heading(&format!(
        "block structures, CKA ≥ {:.2}, {} layers or more",
        rule.tau, rule.min_len
    ));
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
        suggestion(pane, explorer, structure);
    }
}

/// What the residual blocks that lie inside a block structure would cost.
fn suggestion(pane: &mut Pane<'_>, explorer: &Explorer, structure: &BlockStructure) {
    let network = explorer.run().manifest.model.network();
    let inside: Vec<usize> =
        structure.span.clone().filter_map(|p| explorer.indices().get(p).copied()).collect();
    let whole = |id: &ResidualBlock| {
        let mut layers = explorer.layers().iter().filter(|l| ResidualBlock::of(l) == Some(*id));
        layers.all(|l| inside.first() <= Some(&l.index) && Some(&l.index) <= inside.last())
    };
    let redundant: Bypass = network.deletable().into_iter().filter(whole).collect();
    if redundant.is_empty() {
        return;
    }
    pane.heading(&format!("{} residual blocks look redundant:", redundant.len()));
    let text = pane.style(Role::Text);
    pane.pen().skip(2).fit(&redundant.to_string(), text);
    let points = |v: Option<f64>| v.map_or("?".to_string(), |v| format!("{:+.1}", 100.0 * v));
    let pruning = &explorer.pruning;
    let (predicted, measured) = (pruning.predicted(&redundant), pruning.cost(&redundant));
    pane.heading(&match (predicted, measured) {
        (None, None) => "  L measures what each costs".to_string(),
        _ => format!("  predicted {}, measured {} points", points(predicted), points(measured)),
    });
}

fn deletions(pane: &mut Pane<'_>, explorer: &Explorer) {
    let pruning = &explorer.pruning;
    let (muted, text) = (pane.style(Role::Muted), pane.style(Role::Text));
    let deleted = pruning.deleted();
    if deleted.is_empty() {
        pane.heading("x deletes a residual block");
    } else {
        pane.pen().put("deleted ", muted).fit(&deleted.to_string(), text);
        match pruning.table().of(deleted) {
            Some(row) => {
                let (low, high) = row.interval();
                let whole = pruning.table().baseline().map(|w| percent(w.accuracy()) + " to ");
                pane.pen().skip(2).fit(
                    &format!(
                        "{}{} ({:.1}–{:.1}, n {})",
                        whole.unwrap_or_default(),
                        percent(row.accuracy()),
                        100.0 * low,
                        100.0 * high,
                        thousands(row.examples)
                    ),
                    text,
                );
            }
            None => pane.heading("  not measured yet"),
        }
    }
    let table = pruning.table();
    let Some(whole) = table.baseline() else { return };
    let rows: Vec<&DeletionRow> =
        table.rows().iter().filter(|row| !row.deleted.is_empty()).collect();
    if rows.is_empty() || pane.left() < 2 {
        return;
    }
    pane.gap(pane.left() > 4);
    pane.heading(&format!("cost of deleting, from {}", percent(whole.accuracy())));
    let worst = rows.iter().map(|r| whole.accuracy() - r.accuracy()).fold(0.01, f64::max);
    let order = [Experiment::Chosen, Experiment::Lesion, Experiment::Sweep];
    let sorted = order.iter().flat_map(|e| rows.iter().filter(move |r| r.experiment == *e));
    let bad = pane.style(Role::Bad);
    for row in sorted {
        if pane.left() == 0 {
            break;
        }
        let change = row.accuracy() - whole.accuracy();
        let name = match row.experiment {
            Experiment::Sweep => format!(
                "… {} ({})",
                row.deleted.first().map_or(String::new(), |b| b.to_string()),
                row.deleted.len()
            ),
            _ => row.deleted.to_string(),
        };
        let mut pen = pane.pen();
        pen.field(&name, 12, text).number(&format!("{:+.1}", 100.0 * change), 7, text).skip(1);
        let cells = pen.left();
        let full = ((-change).max(0.0) / worst * cells as f64).round() as usize;
        pen.put(&"▆".repeat(full.min(cells)), bad);
    }
}
