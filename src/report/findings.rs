//! What an analysis found beside the map, as sections of lines: block structures,
//! first components and sparsity, linear probes, deletions.

use super::deletions::cost_table;
use super::number::percent;
use crate::domain::View;
use crate::domain::block_structure::{StructureRule, detect, sensitivity};
use crate::runs::LoadedRun;
use crate::text::aligned;

/// All sections that the run has something for, each with a heading and a blank
/// line before it.
pub(super) fn sections(run: &LoadedRun) -> String {
    let parts = [
        structures(run),
        components(run),
        probes(run),
        deletion(run),
        super::pruned::section(run),
        problems(run),
    ];
    parts.into_iter().flatten().map(|part| format!("\n{part}")).collect()
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(String::from).to_vec()
}

fn structures(run: &LoadedRun) -> Option<String> {
    let analysis = run.cka()?;
    let layers = analysis.layers();
    let rule = StructureRule::of(View::All);
    let found = detect(&analysis.values, rule);
    let mut out = format!(
        "block structures: {} with a mean CKA of at least {} over {} layers or more\n",
        found.len(),
        rule.tau,
        rule.min_len
    );
    if !found.is_empty() {
        let mut rows = vec![row(["from", "to", "layers", "mean", "contrast", "PC1"])];
        for structure in &found {
            let shares: Vec<f64> = run
                .components
                .iter()
                .flat_map(|c| structure.span.clone().filter_map(|l| c.components.share(l)))
                .collect();
            let mean = shares.iter().sum::<f64>() / shares.len() as f64;
            rows.push(vec![
                layers[*structure.span.start()].name.clone(),
                layers[*structure.span.end()].name.clone(),
                structure.len().to_string(),
                format!("{:.4}", structure.mean),
                structure.contrast.map_or_else(|| "-".into(), |c| format!("{c:.4}")),
                percent(Some(mean)),
            ]);
        }
        out.push_str(&aligned(&rows));
    }
    let longest = sensitivity(&analysis.values, rule.min_len).into_iter().map(|(tau, found)| {
        let most = found.iter().map(|s| s.len()).max().unwrap_or(0);
        format!("{tau:.2}: {most}")
    });
    let longest: Vec<String> = longest.collect();
    if longest.iter().any(|text| !text.ends_with(": 0")) {
        out.push_str(&format!("longest block structure by threshold: {}\n", longest.join(", ")));
    }
    Some(out)
}

fn components(run: &LoadedRun) -> Option<String> {
    let suite = run.components.as_ref()?;
    let record = &suite.record;
    let mut out = format!("first components: {} examples; {}\n", record.examples, record.estimator);
    let mut rows = vec![row(["layer", "PC1", "PC2", "PC3", "zeros", "dominant images"])];
    let classes = &record.data.classes;
    for layer in &record.layers {
        let found = &suite.components;
        let share = |k: usize| percent(found.shares.get((layer.index, k)).copied());
        let images: Vec<String> = found
            .dominant(layer.index, 3)
            .into_iter()
            .map(|at| {
                let label = usize::from(found.labels[at]);
                let name = classes.get(label).cloned().unwrap_or_else(|| label.to_string());
                format!("{name} {}", found.images[at])
            })
            .collect();
        rows.push(vec![
            layer.name.clone(),
            share(0),
            share(1),
            share(2),
            percent(found.zeros[layer.index]),
            images.join(", "),
        ]);
    }
    out.push_str(&aligned(&rows));
    Some(out)
}

fn probes(run: &LoadedRun) -> Option<String> {
    let probes = run.probes.as_ref()?;
    let record = &probes.record;
    let mut out = format!(
        "linear probes: {}\n{} training images, {} held out to choose epoch and rate, {} test images\n",
        record.words(),
        record.train_examples,
        record.held_out_examples,
        record.test_examples
    );
    let mut rows = vec![row(["layer", "residual", "test", "held out", "rate", "epoch"])];
    for probe in &probes.probes {
        let Some(layer) = record.layers.get(probe.layer) else { continue };
        rows.push(vec![
            layer.name.clone(),
            if layer.post_residual { "after" } else { "before" }.to_string(),
            percent(Some(probe.test_accuracy)),
            percent(Some(probe.held_out_accuracy)),
            probe.learning_rate.to_string(),
            probe.epoch.to_string(),
        ]);
    }
    out.push_str(&aligned(&rows));
    Some(out)
}

fn deletion(run: &LoadedRun) -> Option<String> {
    let table = &run.deletion.as_ref()?.table;
    Some(format!(
        "deleted residual blocks (costs are differences on the same images, in points)\n{}",
        cost_table(table)
    ))
}

fn problems(run: &LoadedRun) -> Option<String> {
    let lines: Vec<String> =
        run.problems.iter().map(|p| format!("warning   {}\n", crate::text::one_line(p))).collect();
    (!lines.is_empty()).then(|| lines.concat())
}

#[cfg(test)]
mod tests {
    use crate::fixtures::demo::{synthetic_run, with_findings};

    #[test]
    fn every_finding_has_its_section_and_its_json() {
        let run = with_findings(synthetic_run(20));
        let text = super::sections(&run);
        for part in [
            "block structures: ",
            "longest block structure by threshold: 0.80: 19",
            "first components: 200 examples",
            "linear probes: full recipe: 30 epochs of all 780 training images; softmax regression",
            "after     ",
            "deleted residual blocks",
            "lesion      2.1",
            "41.00 %",
            "-0.23",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
        let json: serde_json::Value =
            serde_json::from_str(&super::super::json(&run).unwrap()).unwrap();
        let found = &json["analyses"];
        assert_eq!(found["components"]["shares"].as_array().unwrap().len(), 70);
        assert_eq!(found["deletion"][0]["experiment"], "baseline");
        assert!(found["probes"][0]["test_accuracy"].as_f64().unwrap() > 0.0);
        assert!(found["blocks"].is_array() && found.get("problems").is_none());
    }
}
