//! The tab that tells how the map was made.

use crate::app::explorer::Explorer;
use crate::domain::MapRecord;
use crate::runs::RunManifest;
use crate::text::duration;

use crate::ui::panels::bars;
use crate::ui::panels::bars::thousands;

use super::Pane;

/// Draws the tab.
pub fn draw(pane: &mut Pane<'_>, explorer: &Explorer) {
    let run = explorer.run();
    if let Some(analysis) = explorer.analysis() {
        about(pane, &run.manifest, &analysis.record);
    }
    if let Some(suite) = &run.components {
        let record = &suite.record;
        pane.gap(true);
        pane.fact("PC images", &thousands(record.examples));
        pane.fact("dominant", &format!("top {} %", 100.0 * record.dominant_share));
    }
    if let Some(probes) = &run.probes {
        pane.gap(true);
        let record = &probes.record;
        pane.fact("probes", &format!("{} recipe", record.effort_name()));
        pane.fact("passes", &format!("{} epochs", record.epochs));
        pane.fact("trained", &thousands(record.train_examples));
        pane.fact("chosen", &format!("on {} held out", thousands(record.held_out_examples)));
    }
    if let Some(from) = &run.manifest.pruned_from {
        pane.gap(true);
        pane.fact("cut from", &from.run);
        pane.fact("without", &from.deleted.to_string());
    }
    for problem in &run.problems {
        pane.gap(true);
        pane.remark(problem);
    }
}

fn about(pane: &mut Pane<'_>, manifest: &RunManifest, record: &MapRecord) {
    let digest = |hash: &str| hash.chars().take(8).collect::<String>();
    let weights = match (&manifest.source, &manifest.recipe) {
        (Some(source), _) => source.clone(),
        (None, Some(recipe)) => format!("trained for {} epochs", recipe.epochs),
        (None, None) => "unknown".to_string(),
    };
    let plan = &record.plan;
    let passes =
        if plan.passes == 1 { String::new() } else { format!(" in {} passes", plan.passes) };
    let sample = match plan.sample {
        crate::domain::record::Sample::First => "the first".to_string(),
        crate::domain::record::Sample::Random => format!("random, seed {}", plan.seed),
    };
    let accuracy = manifest.test.as_ref().map_or_else(
        || "not evaluated".to_string(),
        |t| format!("{} of {}", bars::percent(t.accuracy()), thousands(t.examples)),
    );
    // the batches are told below, and details in brackets are for exports
    let sentence = record.estimator.sentence();
    let estimator = sentence.split(" (").next().unwrap_or(sentence);
    let estimator = estimator.strip_prefix("minibatch ").unwrap_or(estimator);
    pane.fact("examples", &format!("{}, {sample}", thousands(plan.examples)));
    pane.fact("batches", &format!("{} of {}{passes}", plan.batches, plan.batch));
    pane.fact("test", &accuracy);
    pane.fact("data", &format!("{} · {}", record.data.title(), digest(&record.data.fingerprint)));
    pane.fact("weights", &weights);
    {
        pane.fact("estimator", estimator);
        pane.fact("weighting", &format!("by {}", record.weighting));
        pane.fact("device", &record.provenance.device);
        pane.fact("time", &duration(record.seconds.total));
    }
}
