//! Small runs for tests.

use ndarray::Array2;

use super::layout::FORMAT;
use super::manifest::*;
use super::parts::Parts;
use super::store::LoadedRun;
use crate::domain::measure::{CKA_MINIBATCH, EstimatorId};
use crate::domain::predictions::Predictions;
use crate::domain::record::{DataRecord, Evaluation, Provenance, Recipe, Sample, Seconds};
use crate::domain::{
    Bypass, Map, MapKey, MapPlan, MapRecord, ModelSpec, Preset, Side, SimilarityMatrix,
};

/// A finished run of a ResNet-8.
pub(crate) fn manifest(name: &str) -> RunManifest {
    RunManifest {
        format: FORMAT,
        name: name.into(),
        program: super::program(),
        created: "2026-08-14T09:30:05Z".into(),
        state: RunState::Complete,
        model: ModelSpec::new(Preset::Paper, 8, 1.0, 10, [3, 32, 32]).unwrap(),
        data: data(),
        recipe: Some(Recipe {
            epochs: 100,
            batch: 128,
            learning_rate: 0.01,
            momentum: 0.9,
            weight_decay: 1e-4,
            augmentation: "random flip".into(),
            ..Recipe::default()
        }),
        seed: Some(7),
        device: "cpu (flex, 2 threads)".into(),
        source: None,
        weights_hash: Some("ab".repeat(32)),
        test: Some(Evaluation { examples: 1000, correct: 612, loss: 1.25 }),
        pruned_from: None,
        training: None,
    }
}

/// CIFAR-10, one 64th.
pub(crate) fn data() -> DataRecord {
    DataRecord {
        source: "cifar10".into(),
        classes: ["frog", "ship"].map(String::from).to_vec(),
        train_examples: 780,
        test_examples: 1000,
        fraction: 1.0 / 64.0,
        fingerprint: "cd".repeat(32),
    }
}

/// An analysis of the first `n` layers of the ResNet-8 (at most 28): a block of
/// similar layers, a row that is undefined (layer 1), a negative cell.
pub(crate) fn analysis(n: usize) -> Map {
    let mut layers = manifest("a").model.layers();
    layers.truncate(n);
    let n = layers.len();
    let value = |i: usize, j: usize| match (i, j) {
        (1, _) | (_, 1) => f64::NAN,
        (0, 2) | (2, 0) => -0.125,
        _ => 1.0 - i.abs_diff(j) as f64 / n as f64,
    };
    let cka = Array2::from_shape_fn((n, n), |(i, j)| value(i, j));
    let se = cka.mapv(|v| if v.is_nan() { v } else { 0.002 });
    let record = MapRecord {
        provenance: Provenance {
            program: super::program(),
            created: "2026-08-14T10:00:00Z".into(),
            device: "cpu (flex, 2 threads)".into(),
        },
        data: data(),
        rows: Side {
            run: "a".into(),
            weights_hash: Some("ab".repeat(32)),
            checkpoint: None,
            model: None,
            layers,
            not_finite: Vec::new(),
        },
        cols: None,
        plan: MapPlan {
            examples: 1000,
            dropped: 0,
            batch: 256,
            batches: 4,
            passes: 1,
            sample: Sample::First,
            seed: 0,
        },
        weighting: "pairs".into(),
        seconds: Seconds { forward: 0.5, gram: 0.25, pairs: 0.125, total: 1.0 },
        estimator: EstimatorId::from_sentence("minibatch unbiased linear CKA"),
        left_out: None,
        difference: None,
    };
    Map {
        key: MapKey::cka(),
        values: SimilarityMatrix::new(cka),
        error: Some(SimilarityMatrix::new(se)),
        record,
    }
}

/// The map of an analysed run without some blocks: half of every defined cell.
pub(crate) fn pruned(run: &LoadedRun, deleted: &str) -> Map {
    let deleted: Bypass = deleted.parse().unwrap();
    let whole = run.cka().unwrap();
    let gone: Vec<bool> = whole.layers().iter().map(|l| deleted.contains_layer(l)).collect();
    let value = |(i, j): (usize, usize)| match gone[i] || gone[j] {
        true => f64::NAN,
        false => whole.values.get(i, j).map_or(f64::NAN, |v| v * 0.5),
    };
    let values = SimilarityMatrix::new(Array2::from_shape_fn((gone.len(), gone.len()), value));
    let mut record = MapRecord {
        estimator: CKA_MINIBATCH.id(),
        difference: values.mean_difference(&whole.values),
        ..whole.record.clone()
    };
    record.rows.weights_hash = run.manifest.weights_hash.clone();
    Map { key: MapKey::pruned(deleted), error: Some(values.clone()), values, record }
}

/// The maps of a run that holds these.
pub(crate) fn maps(read: impl IntoIterator<Item = Map>) -> super::RunMaps {
    super::RunMaps::new(read.into_iter().collect(), Vec::new())
}

/// A store over a fresh folder, which lives as long as the first value.
pub(crate) fn store() -> (tempfile::TempDir, super::RunStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = super::RunStore::new(dir.path().join("runs"));
    (dir, store)
}

/// Predictions of three images, of the weights of [`manifest`].
pub(crate) fn predictions() -> PredictionsAnalysis {
    let predictions = Predictions {
        images: vec![0, 1, 2],
        labels: vec![1, 0, 1],
        predicted: vec![1, 1, 1],
        confidence: vec![0.75, 1.0 / 3.0, 1.0],
    };
    let record = PredictionsRecord {
        format: super::FORMAT,
        program: super::program(),
        created: "2026-08-14T10:00:00Z".into(),
        device: "cpu".into(),
        data: data(),
        weights_hash: Some("ab".repeat(32)),
        checkpoint: None,
        examples: predictions.len(),
        parts: Parts::default(),
    };
    PredictionsAnalysis { record, predictions }
}
