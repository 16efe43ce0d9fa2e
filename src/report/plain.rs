//! A run for the ear: one fact or one layer per line, each line complete in itself,
//! with no columns to keep in mind, no drawing characters and no colour.

use super::deletions;
use super::layer::place;
use super::number::{mean_of, others, percent, show};
use super::stages::stages;
use super::table::{about_analysis, about_run};
use super::verdict::verdict;
use crate::domain::block_structure::{StructureRule, detect, sensitivity};
use crate::domain::{Layer, View};
use crate::runs::LoadedRun;
use crate::text::one_line;

/// The run in plain lines.
pub fn plain(run: &LoadedRun) -> String {
    let mut lines: Vec<String> = about_run(run)
        .into_iter()
        .chain(run.cka().into_iter().flat_map(|a| about_analysis(a, run.analysis_is_stale())))
        .map(|(label, value)| format!("{label}: {value}"))
        .collect();
    if run.cka().is_none() {
        lines.push("cka: none yet; `blockscope analyze` makes it".into());
    }
    map(run, &mut lines);
    structures(run, &mut lines);
    deletion(run, &mut lines);
    lines.extend(super::pruned::lines(run));
    lines.extend(run.problems.iter().map(|problem| format!("warning: {problem}")));
    lines.extend(super::layers(run).iter().map(|layer| one_layer(run, layer)));
    lines.iter().map(|line| one_line(line) + "\n").collect()
}

fn map(run: &LoadedRun, lines: &mut Vec<String>) {
    let Some(found) = stages(run) else { return };
    for (i, name) in found.names.iter().enumerate() {
        for (j, other) in found.names.iter().enumerate().skip(i) {
            let mean = show(found.means[i][j]);
            if found.means[i][j].is_some() {
                lines.push(match i == j {
                    true => format!("mean CKA within the {name}: {mean}"),
                    false => format!("mean CKA between the {name} and the {other}: {mean}"),
                });
            }
        }
    }
}

fn structures(run: &LoadedRun, lines: &mut Vec<String>) {
    let Some(analysis) = run.cka() else { return };
    let layers = analysis.layers();
    let rule = StructureRule::of(View::All);
    let found = detect(&analysis.values, rule);
    let shares = run.components.as_ref().filter(|suite| suite.record.layers.len() == layers.len());
    lines.push(format!(
        "verdict: {}",
        verdict(
            &found,
            &sensitivity(&analysis.values, rule.min_len),
            rule,
            |at| layers[at].name.as_str(),
            |at| shares.and_then(|suite| suite.components.share(at)),
        )
    ));
    lines.push(format!("block structures: {}", found.len()));
    for (at, structure) in found.iter().enumerate() {
        let contrast =
            structure.contrast.map_or_else(String::new, |c| format!(", contrast {c:.4}"));
        lines.push(format!(
            "block structure {}: from {} to {}, {} layers, mean CKA {:.4}{contrast}",
            at + 1,
            layers[*structure.span.start()].name,
            layers[*structure.span.end()].name,
            structure.len(),
            structure.mean
        ));
    }
}

fn deletion(run: &LoadedRun, lines: &mut Vec<String>) {
    lines.extend(run.deletion.iter().flat_map(|suite| deletions::lines(&suite.table)));
}

fn one_layer(run: &LoadedRun, layer: &Layer) -> String {
    let mut text = format!(
        "layer {}, {}: {}, {}, shape {}",
        layer.index + 1,
        layer.name,
        layer.kind.name(),
        place(layer),
        layer.shape_text()
    );
    if let Some(analysis) = run.cka() {
        let at = layer.index;
        if let Some(why) = analysis.absent(at) {
            text.push_str(&format!("; CKA undefined, {}", why.words()));
        } else {
            let next = analysis.values.get(at, at + 1);
            let mean = mean_of(others(analysis, at));
            text.push_str(&format!("; CKA with the next {}, mean {}", show(next), show(mean)));
        }
    }
    let same = |l: Option<&Layer>| l.is_some_and(|l| l.name == layer.name);
    if let Some(suite) =
        run.components.as_ref().filter(|suite| same(suite.record.layers.get(layer.index)))
    {
        let share = percent(suite.components.share(layer.index));
        text.push_str(&format!("; first component {share}"));
    }
    if let Some(suite) = &run.probes
        && let Some(probe) =
            suite.probes.iter().find(|probe| same(suite.record.layers.get(probe.layer)))
    {
        let (accuracy, name) = (percent(Some(probe.test_accuracy)), suite.record.effort_name());
        text.push_str(&format!("; probe accuracy {accuracy} ({name} recipe)"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use crate::fixtures::demo::{synthetic_run, with_findings};

    #[test]
    fn every_line_stands_on_its_own() {
        let run = with_findings(synthetic_run(20));
        let text = plain(&run);
        assert!(text.lines().all(|line| line.contains(": ") && !line.contains("  ")), "{text}");
        assert!(text.is_ascii(), "no drawing characters");
        for part in [
            "run: resnet20-w2-cifar10-64th-s0\n",
            "mean CKA within the stage 2: 0.",
            "mean CKA between the stage 1 and the stage 3: 0.",
            "verdict: no block structure at 0.90; 12 layers at 0.86",
            "block structures: 0\n",
            "accuracy with all residual blocks: 41.23 %, 95 % interval ",
            "accuracy without 2.1 (lesion): 41.00 %",
            ", change -0.23 points, 95 % interval -0.42 to -0.05, 10000 images",
            "layer 1, conv1: conv, stem, shape 32x32x32; CKA with the next ",
            "; first component ",
            "; probe accuracy ",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        let bare = plain(&fixtures::run(None));
        assert!(bare.contains("cka: none yet") && !bare.contains("mean CKA"));
    }
}
