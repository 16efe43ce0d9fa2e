//! One layer with all that is known of it: what the inspector shows, as lines of
//! `label: value`.

use super::ReportError;
use super::number::{mean_of, others, percent, show};
use crate::domain::block_structure::{StructureRule, detect};
use crate::domain::bypass::ResidualBlock;
use crate::domain::{Layer, View};
use crate::runs::LoadedRun;
use crate::text::{nearest, one_line};

/// Layers that are named as the most similar.
const NEIGHBOURS: usize = 5;
/// Dominant images that are named.
const IMAGES: usize = 8;

/// The report on the layer of that name.
///
/// # Errors
/// [`ReportError::NoLayer`] with the name that looks most like it.
pub fn layer(run: &LoadedRun, name: &str) -> Result<String, ReportError> {
    let layers = super::layers(run);
    let Some(layer) = layers.iter().find(|layer| layer.name == name) else {
        let near = nearest(name, layers.iter().map(|layer| layer.name.as_str()));
        return Err(ReportError::NoLayer {
            run: one_line(&run.manifest.name),
            name: one_line(name),
            near: near.map(one_line),
        });
    };
    let mut lines = vec![
        format!("layer: {}", layer.name),
        format!("run: {}", run.manifest.name),
        format!("position: {} of {}", layer.index + 1, layers.len()),
        format!("kind: {}", layer.kind.name()),
        format!("place: {}", place(layer)),
        format!("shape: {}, {} features", layer.shape_text(), layer.features()),
    ];
    similarity(run, &layers, layer, &mut lines);
    components(run, layer, &mut lines);
    probe(run, layer, &mut lines);
    deletion(run, layer, &mut lines);
    Ok(lines.iter().map(|line| one_line(line) + "\n").collect())
}

/// `block 2.1, before the residual connection`.
pub(super) fn place(layer: &Layer) -> String {
    match (layer.stage, layer.block) {
        (Some(stage), Some(block)) => {
            let side = if layer.post_residual { "after" } else { "before" };
            format!("residual block {stage}.{block}, {side} its connection")
        }
        _ if layer.shape.len() == 3 => "stem".into(),
        _ => "head".into(),
    }
}

fn similarity(run: &LoadedRun, layers: &[Layer], layer: &Layer, lines: &mut Vec<String>) {
    let Some(analysis) = run.cka() else {
        lines.push("CKA: none yet; `blockscope analyze` makes it".into());
        return;
    };
    let at = layer.index;
    if let Some(why) = analysis.absent(at) {
        lines.push(format!("CKA: undefined, {}", why.words()));
        return;
    }
    let pair = |other: usize| match (analysis.values.get(at, other), analysis.error_at(at, other)) {
        (Some(cka), Some(se)) => format!("{cka:.4}, standard error {se:.4}"),
        (value, _) => show(value),
    };
    if let Some(before) = at.checked_sub(1) {
        lines.push(format!("CKA with the layer before, {}: {}", layers[before].name, pair(before)));
    }
    if let Some(after) = layers.get(at + 1) {
        lines.push(format!("CKA with the layer after, {}: {}", after.name, pair(at + 1)));
    }
    lines.push(format!("mean CKA with the others: {}", show(mean_of(others(analysis, at)))));
    let mut ranked: Vec<(f64, &Layer)> = layers
        .iter()
        .filter(|other| other.index != at)
        .filter_map(|other| Some((analysis.values.get(at, other.index)?, other)))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names = |ranked: &[(f64, &Layer)]| {
        let names = ranked.iter().map(|(cka, other)| format!("{} {cka:.4}", other.name));
        names.collect::<Vec<_>>().join(", ")
    };
    lines.push(format!("most similar: {}", names(&ranked[..ranked.len().min(NEIGHBOURS)])));
    ranked.reverse();
    lines.push(format!("least similar: {}", names(&ranked[..ranked.len().min(NEIGHBOURS)])));
    let block = detect(&analysis.values, StructureRule::of(View::All))
        .into_iter()
        .find(|block| block.span.contains(&at));
    lines.push(match block {
        Some(block) => format!(
            "block structure: {} to {}, {} layers, mean CKA {:.4}",
            layers[*block.span.start()].name,
            layers[*block.span.end()].name,
            block.len(),
            block.mean
        ),
        None => "block structure: none".into(),
    });
}

fn components(run: &LoadedRun, layer: &Layer, lines: &mut Vec<String>) {
    let Some(suite) = &run.components else { return };
    let found = &suite.components;
    if suite.record.layers.get(layer.index).map(|l| &l.name) != Some(&layer.name) {
        return;
    }
    let shares = found.shares.row(layer.index);
    let shares: Vec<String> = shares.iter().map(|share| percent(Some(*share))).collect();
    lines.push(format!("variance of the first components: {}", shares.join(", ")));
    if let Some(Some(zeros)) = found.zeros.get(layer.index) {
        lines.push(format!("zeros: {}", percent(Some(*zeros))));
    }
    let class = |label: u16| {
        let known = suite.record.data.classes.get(usize::from(label)).cloned();
        known.unwrap_or_else(|| label.to_string())
    };
    for at in found.dominant(layer.index, IMAGES) {
        let (label, taken) = (found.labels[at], found.predictions[at]);
        let wrong = match label == taken {
            true => String::new(),
            false => format!(", taken for {}", class(taken)),
        };
        lines.push(format!(
            "image that drives the first component: {} {}{wrong}, score {:+.1}",
            class(label),
            found.images[at],
            found.scores[(layer.index, at)]
        ));
    }
}

fn probe(run: &LoadedRun, layer: &Layer, lines: &mut Vec<String>) {
    let Some(suite) = &run.probes else { return };
    let named = |probe: &&crate::domain::probes::Probe| {
        suite.record.layers.get(probe.layer).is_some_and(|l| l.name == layer.name)
    };
    if let Some(probe) = suite.probes.iter().find(named) {
        lines.push(format!(
            "linear probe: {} of the test images, {} held out ({})",
            percent(Some(probe.test_accuracy)),
            percent(Some(probe.held_out_accuracy)),
            suite.record.effort()
        ));
    }
}

fn deletion(run: &LoadedRun, layer: &Layer, lines: &mut Vec<String>) {
    let (Some(suite), Some(block)) = (&run.deletion, ResidualBlock::of(layer)) else { return };
    lines.extend(super::deletions::of_block(&suite.table, block));
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::fixtures::demo::{synthetic_run, with_findings};

    #[test]
    fn everything_known_of_a_layer_is_a_line() {
        let run = with_findings(synthetic_run(20));
        let text = layer(&run, "layer2.1.relu2").unwrap();
        for part in [
            "layer: layer2.1.relu2\n",
            "place: residual block 2.1, after its connection\n",
            "CKA with the layer before, layer2.1.add: ",
            "standard error",
            "most similar: layer",
            "block structure: ",
            "variance of the first components: ",
            "zeros: ",
            "image that drives the first component: class ",
            "accuracy without residual block 2.1: 41.0 %",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        assert!(text.lines().all(|line| line.contains(": ")));
        assert!(layer(&run, "layer2.1.add").unwrap().contains("linear probe: "));
        let error = layer(&run, "layer2.1.relu3").unwrap_err().to_string();
        assert!(error.contains("did you mean \"layer2.1.relu"), "{error}");
        assert!(layer(&fixtures::run(Some(5)), "bn1").unwrap().contains("undefined"));
        assert!(layer(&fixtures::run(None), "conv1").unwrap().contains("analyze"));
    }
}
