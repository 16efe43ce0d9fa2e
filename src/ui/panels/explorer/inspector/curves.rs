//! The tabs of curves along the layers: first components, and linear probes.

use crate::app::MapMode;
use crate::app::explorer::Explorer;
use crate::theme::Role;

use crate::ui::panels::bars::percent;
use crate::ui::panels::bars::thousands;

use super::Pane;

/// The first component's share of variance along the layers.
pub fn components(pane: &mut Pane<'_>, explorer: &Explorer, tall: bool) {
    let Some(components) = explorer.components() else {
        pane.remark(
            "no principal components yet: `blockscope analyze` computes them (and the dominant images) beside the map",
        );
        return;
    };
    let (row, col) = explorer.position();
    let values: Vec<Option<f64>> =
        explorer.indices().iter().map(|l| components.share(*l)).collect();
    pane.heading("first component's share of variance");
    let height = if tall { 9 } else { 5 };
    pane.curve(&values, (0.0, 1.0), row, height);
    pane.gap(tall);
    let share = |p: usize| values.get(p).copied().flatten();
    let text = |p: usize| share(p).map_or("undefined".to_string(), percent);
    let place = |p: usize| explorer.layer(p).map_or(String::new(), |l| l.name.clone());
    pane.fact("row", &format!("{}  {}", text(row), place(row)));
    pane.fact("column", &format!("{}  {}", text(col), place(col)));
    if let (Some(a), Some(b)) = (explorer.layer(row), explorer.layer(col)) {
        let show = |v: Option<f64>| v.map_or("undefined".to_string(), |v| format!("{v:.3}"));
        pane.gap(tall);
        pane.heading("of this pair");
        for (label, mode) in [
            ("CKA", MapMode::CKA),
            ("PC1 cos²", MapMode::PC_SIMILARITY),
            ("no PC1", MapMode::WITHOUT_PC1),
            ("no domin.", MapMode::WITHOUT_DOMINANT),
        ] {
            let map = explorer.full_map_in(mode);
            pane.fact(label, &show(map.and_then(|map| map.get(a.index, b.index))));
        }
    }
    let most =
        (0..values.len()).filter_map(|p| Some((share(p)?, p))).max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((share, p)) = most {
        pane.gap(tall);
        pane.fact("largest", &format!("{}  {}", percent(share), place(p)));
    }
}

/// Accuracy of linear probes after and before the residual connection.
pub fn probes(pane: &mut Pane<'_>, explorer: &Explorer, tall: bool) {
    let Some(probes) = &explorer.run().probes else {
        pane.remark(
            "no linear probes yet: `blockscope analyze RUN --probes` trains one at every residual sum and at the norm before it",
        );
        return;
    };
    let layers = &probes.record.layers;
    let row = explorer.position().0;
    let cursor = explorer.layer(row).map_or(0, |l| l.index);
    let height = if tall { 7 } else { 4 };
    let least = probes.probes.iter().map(|p| p.test_accuracy).fold(1.0, f64::min);
    let most = probes.probes.iter().map(|p| p.test_accuracy).fold(0.0, f64::max);
    // from zero the rise would be flat
    let range = ((least - 0.1 * (most - least)).max(0.0), most.max(least + 1e-3));
    for (after, title) in [(true, "after the residual sum"), (false, "before it")] {
        let side: Vec<_> = probes
            .probes
            .iter()
            .filter(|p| layers.get(p.layer).is_some_and(|l| l.post_residual == after))
            .collect();
        if side.is_empty() {
            continue;
        }
        let near = side.iter().enumerate().min_by_key(|(_, p)| p.layer.abs_diff(cursor));
        let Some((mark, nearest)) = near else { continue };
        let values: Vec<Option<f64>> = side.iter().map(|p| Some(p.test_accuracy)).collect();
        let (muted, text) = (pane.style(Role::Muted), pane.style(Role::Text));
        pane.pen().put(title, muted).skip(2).put(&percent(nearest.test_accuracy), text);
        pane.curve(&values, range, mark, height);
        let name = layers.get(nearest.layer).map_or("", |l| l.name.as_str());
        pane.heading(&format!("{name}, lr {}, epoch {}", nearest.learning_rate, nearest.epoch));
        pane.gap(tall);
    }
    pane.heading(&format!("scale {} to {}", percent(range.0), percent(range.1)));
    pane.remark(&format!(
        "{}; test accuracy; epoch and rate chosen on {} held-out training images",
        probes.record.effort(),
        thousands(probes.record.held_out_examples)
    ));
}
