//! A run and its analyses as one JSON object on one line.
//!
//! The keys are part of the program's interface: add some, rename none.

use ndarray::ArrayView2;
use serde::Serialize;

use super::ReportError;
use crate::domain::block_structure::{StructureRule, detect};
use crate::domain::deletion::{DeletionRow, DeletionTable};
use crate::domain::measure::{CKA, PC1_SIMILARITY, WithoutKind};
use crate::domain::probes::Probe;
use crate::domain::record::{DataRecord, Recipe, Seconds};
use crate::domain::{Layer, Map, MapKey, MapRecord, Measure, ModelSpec, View};
use crate::runs::{ComponentsAnalysis, LoadedRun, ProbesAnalysis, RunMaps, RunState};

#[derive(Serialize)]
struct Run<'a> {
    name: &'a str,
    model: Model<'a>,
    /// A fraction; null if it was not measured.
    test_accuracy: Option<f64>,
    test_examples: Option<usize>,
    test_loss: Option<f64>,
    device: &'a str,
    data: Data<'a>,
    seed: Option<u64>,
    state: &'static str,
    epoch: Option<usize>,
    recipe: Option<&'a Recipe>,
    source: Option<&'a str>,
    weights_hash: Option<&'a str>,
    program: &'a str,
    created: &'a str,
    layers: &'a [Layer],
    analyses: Analyses<'a>,
}

#[derive(Serialize)]
struct Model<'a> {
    title: String,
    #[serde(flatten)]
    spec: &'a ModelSpec,
}

#[derive(Serialize)]
struct Data<'a> {
    title: String,
    #[serde(flatten)]
    record: &'a DataRecord,
}

#[derive(Serialize)]
struct Analyses<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cka: Option<Cka<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks: Option<Vec<Block<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<Suite<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probes: Option<Vec<ProbeRow<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probes_recipe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion: Option<Vec<Deletion>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    maps: Vec<Listed<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pruned: Vec<super::pruned::Pruned<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    problems: &'a [String],
}

/// A map of the run, whatever it is of.
#[derive(Serialize)]
struct Listed<'a> {
    id: String,
    name: String,
    measure: &'a str,
    /// Null if this program does not know the measure.
    definition: Option<&'static str>,
    precision: &'a str,
    /// Within the run's folder.
    path: String,
    estimator: &'a str,
    examples: usize,
    device: &'a str,
    program: &'a str,
    created: &'a str,
}

/// A block of the default rule (`domain::block_structure`).
#[derive(Serialize)]
struct Block<'a> {
    first: &'a str,
    last: &'a str,
    layers: usize,
    mean: f64,
    contrast: Option<f64>,
    tau: f64,
    min_len: usize,
}

#[derive(Serialize)]
struct Suite<'a> {
    estimator: &'a str,
    examples: usize,
    dominant_share: f64,
    device: &'a str,
    fingerprint: &'a str,
    weights_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<usize>,
    created: &'a str,
    images: &'a [u32],
    labels: &'a [u16],
    predictions: &'a [u16],
    shares: Vec<Vec<Option<f64>>>,
    zeros: &'a [Option<f64>],
    /// Null where a map could not be read.
    similarity: Option<Matrix>,
    cka_without_pc1: Option<Matrix>,
    cka_without_dominant: Option<Matrix>,
}

/// A matrix, row by row; undefined cells are null.
type Matrix = Vec<Vec<Option<f64>>>;

#[derive(Serialize)]
struct ProbeRow<'a> {
    layer: &'a str,
    post_residual: bool,
    test_accuracy: f64,
    held_out_accuracy: f64,
    learning_rate: f64,
    epoch: usize,
}

#[derive(Serialize)]
struct Deletion {
    experiment: &'static str,
    deleted: String,
    accuracy: f64,
    interval: (f64, f64),
    examples: usize,
    correct: usize,
    loss: f64,
    /// Against the whole network on the same images.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change_interval: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    won: Option<usize>,
}

fn blocks(analysis: &Map) -> Vec<Block<'_>> {
    let rule = StructureRule::of(View::All);
    let name = |l: usize| analysis.layers().get(l).map_or("", |l| l.name.as_str());
    let found = detect(&analysis.values, rule).into_iter();
    found
        .map(|block| Block {
            first: name(*block.span.start()),
            last: name(*block.span.end()),
            layers: block.len(),
            mean: block.mean,
            contrast: block.contrast,
            tau: rule.tau,
            min_len: rule.min_len,
        })
        .collect()
}

fn suite<'a>(analysis: &'a ComponentsAnalysis, maps: &RunMaps) -> Suite<'a> {
    let (r, c) = (&analysis.record, &analysis.components);
    let map =
        |measure: &Measure, without| maps.find(measure, without).map(|map| rows(map.values.view()));
    Suite {
        estimator: &r.estimator,
        examples: r.examples,
        dominant_share: r.dominant_share,
        device: &r.device,
        fingerprint: &r.data.fingerprint,
        weights_hash: r.weights_hash.as_deref(),
        checkpoint: r.checkpoint,
        created: &r.created,
        images: &c.images,
        labels: &c.labels,
        predictions: &c.predictions,
        shares: rows(c.shares.view()),
        zeros: &c.zeros,
        similarity: map(&PC1_SIMILARITY, WithoutKind::Nothing),
        cka_without_pc1: map(&CKA, WithoutKind::FirstComponent),
        cka_without_dominant: map(&CKA, WithoutKind::Dominant),
    }
}

fn probes(analysis: &ProbesAnalysis) -> Vec<ProbeRow<'_>> {
    let layers = &analysis.record.layers;
    let row = |probe: &Probe| {
        layers.get(probe.layer).map(|layer| ProbeRow {
            layer: &layer.name,
            post_residual: layer.post_residual,
            test_accuracy: probe.test_accuracy,
            held_out_accuracy: probe.held_out_accuracy,
            learning_rate: probe.learning_rate,
            epoch: probe.epoch,
        })
    };
    analysis.probes.iter().filter_map(row).collect()
}

fn deletion(table: &DeletionTable, row: &DeletionRow) -> Deletion {
    let cost = table.cost(row);
    Deletion {
        experiment: row.experiment.name(),
        deleted: row.deleted.to_string(),
        accuracy: row.accuracy(),
        interval: row.interval(),
        examples: row.examples,
        correct: row.correct,
        loss: row.loss,
        change: cost.map(|cost| cost.change),
        change_interval: cost.and_then(|cost| cost.interval),
        lost: row.flips.map(|flips| flips.lost),
        won: row.flips.map(|flips| flips.won),
    }
}

#[derive(Serialize)]
struct Cka<'a> {
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
    stale: bool,
    program: &'a str,
    created: &'a str,
    seconds: Seconds,
    values: Matrix,
    se: Option<Matrix>,
}

/// The run as JSON, ending in a line break. Undefined cells are null.
///
/// # Errors
/// [`ReportError::Json`] if it cannot be encoded.
pub fn json(run: &LoadedRun) -> Result<String, ReportError> {
    let m = &run.manifest;
    let (state, epoch) = match m.state {
        RunState::Training { epoch, .. } => ("training", Some(epoch)),
        RunState::Complete => ("complete", None),
    };
    let report = Run {
        name: &m.name,
        model: Model { title: m.model.title(), spec: &m.model },
        test_accuracy: m.test.map(|test| test.accuracy()),
        test_examples: m.test.map(|test| test.examples),
        test_loss: m.test.map(|test| test.loss).filter(|loss| loss.is_finite()),
        device: &m.device,
        data: Data { title: m.data.title(), record: &m.data },
        seed: m.seed,
        state,
        epoch,
        recipe: m.recipe.as_ref(),
        source: m.source.as_deref(),
        weights_hash: m.weights_hash.as_deref(),
        program: &m.program,
        created: &m.created,
        layers: &super::layers(run),
        analyses: Analyses {
            cka: run.cka().map(|map| cka(map, run.analysis_is_stale())),
            blocks: run.cka().map(blocks),
            components: run.components.as_ref().map(|found| suite(found, &run.maps)),
            probes: run.probes.as_ref().map(probes),
            probes_recipe: run.probes.as_ref().map(|found| found.record.effort()),
            deletion: run
                .deletion
                .as_ref()
                .map(|d| d.table.rows().iter().map(|row| deletion(&d.table, row)).collect()),
            maps: run.maps.heads().map(|(key, record)| listed(run, key, record)).collect(),
            pruned: super::pruned::all(run),
            problems: &run.problems,
        },
    };
    Ok(crate::text::json(&serde_json::to_string(&report)?) + "\n")
}

fn listed<'a>(run: &LoadedRun, key: &'a MapKey, record: &'a MapRecord) -> Listed<'a> {
    Listed {
        id: key.id(),
        name: key.title(),
        measure: key.measure.as_str(),
        definition: key.known().map(|measure| measure.definition),
        precision: key.precision.as_str(),
        path: run.map_path(key),
        estimator: record.estimator.sentence(),
        examples: record.plan.examples,
        device: &record.provenance.device,
        program: &record.provenance.program,
        created: &record.provenance.created,
    }
}

fn cka(analysis: &Map, stale: bool) -> Cka<'_> {
    let r = &analysis.record;
    Cka {
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
        stale,
        program: &r.provenance.program,
        created: &r.provenance.created,
        seconds: r.seconds,
        values: rows(analysis.values.view()),
        se: analysis.error.as_ref().map(|error| rows(error.view())),
    }
}

pub(super) fn rows(matrix: ArrayView2<'_, f64>) -> Vec<Vec<Option<f64>>> {
    let defined = |v: &f64| Some(*v).filter(|v| v.is_finite());
    matrix.rows().into_iter().map(|row| row.iter().map(defined).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::run;
    use serde_json::{Value, json};

    fn parsed(n: Option<usize>) -> Value {
        let text = super::json(&run(n)).unwrap();
        assert_eq!(text.lines().count(), 1);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_promised_keys_are_there() {
        let v = parsed(Some(6));
        assert_eq!(v["name"], "a");
        assert_eq!(v["model"]["depth"], 8);
        assert_eq!(v["model"]["shortcut"], "projection");
        assert_eq!(v["model"]["preset"], "paper");
        assert_eq!(v["model"]["residual"], true);
        assert_eq!(v["model"]["title"], "ResNet-8 x1");
        assert_eq!(v["test_accuracy"], 0.612);
        assert_eq!(v["test_examples"], 1000);
        assert_eq!(v["device"], "cpu (flex, 2 threads)");
        assert_eq!(v["data"]["title"], "CIFAR-10 1/64");
        assert_eq!(v["seed"], 7);
        assert_eq!(v["layers"][3]["name"], "layer1.0.conv1");
        assert_eq!(v["layers"][3]["shape"], json!([16, 32, 32]));
        assert_eq!(v["layers"][0]["stage"], Value::Null);
        let cka = &v["analyses"]["cka"];
        for key in [
            "estimator",
            "examples",
            "batch",
            "batches",
            "passes",
            "sample",
            "seed",
            "weighting",
            "device",
            "fingerprint",
        ] {
            assert!(!cka[key].is_null(), "{key}");
        }
        assert_eq!(cka["seconds"]["total"], 1.0);
        let maps = v["analyses"]["maps"].as_array().unwrap();
        assert_eq!(
            (maps.len(), &maps[0]["id"], &maps[0]["name"]),
            (1, &json!("cka"), &json!("CKA"))
        );
        assert_eq!(maps[0]["path"], "analysis/maps/cka/values.npy");
        assert_eq!(cka["values"].as_array().unwrap().len(), 6);
        assert_eq!(
            cka["values"][0],
            json!([1.0, null, -0.125, 0.5, 1.0 - 4.0 / 6.0, 1.0 - 5.0 / 6.0])
        );
        assert_eq!(cka["se"][0][1], Value::Null);
    }

    #[test]
    fn what_was_not_measured_is_null_or_left_out() {
        let mut run = run(None);
        run.manifest.test = None;
        run.manifest.seed = None;
        let v: Value = serde_json::from_str(&super::json(&run).unwrap()).unwrap();
        assert!(v["test_accuracy"].is_null() && v["seed"].is_null());
        assert_eq!(v["analyses"], json!({}));
        assert_eq!(v["layers"].as_array().unwrap().len(), 28);
    }
}
