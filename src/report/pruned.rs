//! The maps of a run's pruned networks: which there are, how they were made, and what
//! is known of the network that they are of. The maps themselves are files, which
//! `blockscope export` turns into others.

use serde::Serialize;

use super::number::{percent, show};
use crate::domain::record::Seconds;
use crate::domain::{Bypass, MapKey, MapRecord};
use crate::runs::LoadedRun;
use crate::text::aligned;

/// A pruned map for programs.
#[derive(Serialize)]
pub(super) struct Pruned<'a> {
    blocks: Vec<String>,
    /// Within the run's folder.
    path: String,
    /// Mean absolute difference to the whole network's map.
    mean_difference: Option<f64>,
    /// Null until it was measured.
    accuracy: Option<f64>,
    /// Made from other weights, images or batches than the run's own map.
    stale: bool,
    estimator: &'a str,
    examples: usize,
    dropped: usize,
    batch: usize,
    batches: usize,
    passes: usize,
    sample: &'static str,
    seed: u64,
    weighting: &'a str,
    device: &'a str,
    data: String,
    fingerprint: &'a str,
    weights_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<usize>,
    program: &'a str,
    created: &'a str,
    seconds: Seconds,
}

/// All of a run, fewest blocks first.
pub(super) fn all(run: &LoadedRun) -> Vec<Pruned<'_>> {
    run.maps.pruned().filter_map(|(key, record)| one(run, key, record)).collect()
}

fn one<'a>(run: &LoadedRun, key: &MapKey, r: &'a MapRecord) -> Option<Pruned<'a>> {
    let deleted = key.blocks()?;
    Some(Pruned {
        blocks: deleted.iter().map(|block| block.to_string()).collect(),
        path: run.map_path(key),
        mean_difference: r.difference,
        accuracy: accuracy(run, deleted, r),
        stale: !run.pruned_fits(r),
        estimator: r.estimator.sentence(),
        examples: r.plan.examples,
        dropped: r.plan.dropped,
        batch: r.plan.batch,
        batches: r.plan.batches,
        passes: r.plan.passes,
        sample: r.plan.sample.name(),
        seed: r.plan.seed,
        weighting: &r.weighting,
        device: &r.provenance.device,
        data: r.data.title(),
        fingerprint: &r.data.fingerprint,
        weights_hash: r.rows.weights_hash.as_deref(),
        checkpoint: r.rows.checkpoint,
        program: &r.provenance.program,
        created: &r.provenance.created,
        seconds: r.seconds,
    })
}

/// The accuracy of the same network, 0 to 1, if the same weights were measured.
fn accuracy(run: &LoadedRun, deleted: &Bypass, r: &MapRecord) -> Option<f64> {
    let weights = &r.rows.weights_hash;
    let known = run.deletion.as_ref().filter(|d| d.record.weights_hash == *weights)?;
    known.table.of(deleted).map(|row| row.accuracy())
}

/// The section for people.
pub(super) fn section(run: &LoadedRun) -> Option<String> {
    let head = ["without", "difference", "accuracy", "examples", "file", "state"];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(run.maps.pruned().filter_map(|(key, r)| {
        let deleted = key.blocks()?;
        Some(vec![
            deleted.to_string(),
            show(r.difference),
            percent(accuracy(run, deleted, r)),
            r.plan.examples.to_string(),
            run.map_path(key),
            if run.pruned_fits(r) { "current" } else { "stale" }.to_string(),
        ])
    }));
    if rows.len() == 1 {
        return None;
    }
    let title =
        "maps of pruned networks, and their mean absolute difference to the whole network's\n";
    Some(title.to_string() + &aligned(&rows))
}

/// A sentence for each.
pub(super) fn lines(run: &LoadedRun) -> impl Iterator<Item = String> + '_ {
    run.maps.pruned().filter_map(|(key, r)| {
        let difference = r.difference.map_or_else(String::new, |d| {
            format!(", mean absolute difference to the whole network's {d:.4}")
        });
        let stale = match run.pruned_fits(r) {
            true => "",
            false => ", made from other weights, images or batches than the run's own map",
        };
        let (deleted, path, examples) = (key.blocks()?, run.map_path(key), r.plan.examples);
        Some(format!("map without {deleted}: {path}{difference}, {examples} examples{stale}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::{json, plain, table};
    use super::*;
    use crate::fixtures::demo::{synthetic_run, with_findings};
    use crate::runs::fixtures;

    #[test]
    fn every_form_tells_of_pruned_maps_and_which_are_stale() {
        let mut run = with_findings(synthetic_run(20));
        for text in [table(&run), plain(&run), json(&run).unwrap()] {
            assert!(!text.contains("pruned"), "{text}");
        }
        let map = fixtures::pruned(&run, "2.1").head();
        let mut other = fixtures::pruned(&run, "2.2,3.1").head();
        other.record.plan.examples = 7;
        run.maps.list(map);
        run.maps.list(other);
        let text = section(&run).unwrap();
        insta::assert_snapshot!(text);
        assert!(table(&run).contains(&text));
        let text = plain(&run);
        assert!(
            text.contains(
                "map without 2.1: analysis/maps/cka-without-blocks-2.1/values.npy, mean "
            ),
            "{text}"
        );
        assert!(text.contains("7 examples, made from other weights"), "{text}");
        let v: serde_json::Value = serde_json::from_str(&json(&run).unwrap()).unwrap();
        let found = &v["analyses"]["pruned"];
        assert_eq!(found[1]["blocks"], serde_json::json!(["2.2", "3.1"]));
        assert_eq!(found[1]["path"], "analysis/maps/cka-without-blocks-2.2+3.1/values.npy");
        assert_eq!((&found[0]["stale"], &found[1]["stale"]), (&false.into(), &true.into()));
        assert_eq!((&found[0]["accuracy"], &found[1]["accuracy"]), (&0.41.into(), &().into()));
        assert!(found[0]["mean_difference"].as_f64().unwrap() > 0.0);
        assert_eq!(found[0]["examples"], 10_000);
    }
}
