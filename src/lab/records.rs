//! What is written about a result: every record of a run folder is built here, from one
//! [`Provenance`] and what the experiment gave.

use super::compare::Member;
use super::{Provenance, Subject};
use crate::domain::cka::CkaEstimate;
use crate::domain::measure::{self, Estimator};
use crate::domain::plan::{SamplePlan, SuitePlan};
use crate::domain::predictions::Predictions;
use crate::domain::probes::Effort;
use crate::domain::record::{DataRecord, Recipe, Seconds};
use crate::domain::{Bypass, Layer, Map, MapKey, MapPlan, MapRecord, ModelSpec, Side, suite};
use crate::engine::{Compared, ComparedPair, Measured, MeasuredComponents, ProbeRecipe, Probed};
use crate::runs::{
    ComparedImages, ComponentsAnalysis, ComponentsRecord, DeletionRecord, FORMAT, PairMaps, Parts,
    PredictionsAnalysis, PredictionsRecord, ProbesAnalysis, ProbesRecord, RunManifest, RunState,
    TrainingRecord, suite_maps,
};

/// How a map was made.
fn map_record(
    from: Provenance,
    (rows, cols): (Side, Option<Side>),
    plan: MapPlan,
    seconds: Seconds,
    estimator: &Estimator,
) -> MapRecord {
    MapRecord {
        provenance: from.made,
        data: from.data,
        rows,
        cols,
        plan,
        weighting: measure::CKA.adds.name().into(),
        seconds,
        estimator: estimator.id(),
        left_out: None,
        difference: None,
    }
}

/// The batches of `plan` that were summed.
fn summed(plan: &SamplePlan, examples: usize, dropped: usize, batches: usize) -> MapPlan {
    let SamplePlan { batch, passes, sample, seed, .. } = *plan;
    MapPlan { examples, dropped, batch, batches, passes, sample, seed }
}

/// A network's map with itself, whole or without what `key` says.
fn own_map(
    from: Provenance,
    key: MapKey,
    plan: &SamplePlan,
    subject: &Subject,
    measured: Measured,
) -> Map {
    let Measured { estimate, examples, dropped, seconds, .. } = measured;
    let plan = summed(plan, examples, dropped, estimate.batches);
    let rows = Side {
        run: subject.manifest.name.clone(),
        weights_hash: Some(from.weights_hash.clone()),
        checkpoint: from.checkpoint,
        model: None,
        layers: subject.network.layers(),
        not_finite: estimate.not_finite,
    };
    let record = map_record(from, (rows, None), plan, seconds, &measure::CKA_MINIBATCH);
    Map { key, values: estimate.cka, error: Some(estimate.se), record }
}

/// The map of a network.
pub fn analysis(from: Provenance, plan: &SamplePlan, subject: &Subject, measured: Measured) -> Map {
    own_map(from, MapKey::cka(), plan, subject, measured)
}

/// The map of a network without some blocks, made by the plan of `whole`, its own map.
pub fn pruned(
    from: Provenance,
    plan: &SamplePlan,
    (subject, whole): (&Subject, &Map),
    deleted: &Bypass,
    measured: Measured,
) -> Map {
    let like = whole.record.rows.weights_hash.as_ref();
    let same = like.is_none_or(|hash| *hash == from.weights_hash);
    let mut map = own_map(from, MapKey::pruned(deleted.clone()), plan, subject, measured);
    if same {
        map.record.difference = map.values.mean_difference(&whole.values);
    }
    map
}

/// The first-component suite of a sample, and the maps that were made with it.
pub fn components(
    from: Provenance,
    sample: &SamplePlan,
    plan: &SuitePlan,
    subject: &Subject,
    measured: MeasuredComponents,
) -> (ComponentsAnalysis, [Map; 3]) {
    let record = ComponentsRecord {
        format: FORMAT,
        program: from.made.program,
        created: from.made.created,
        device: from.made.device,
        data: from.data,
        weights_hash: Some(from.weights_hash),
        checkpoint: from.checkpoint,
        estimator: suite::ESTIMATOR.into(),
        examples: plan.examples,
        components: plan.components,
        dominant_share: plan.dominant_share,
        sample: sample.sample,
        seed: sample.seed,
        seconds: measured.seconds,
        layers: subject.network.layers(),
        parts: Parts::default(),
    };
    let maps = suite_maps(&record, &subject.manifest.name, measured.maps);
    (ComponentsAnalysis { record, components: measured.components }, maps)
}

/// What a network predicts.
pub fn predictions(from: Provenance, predictions: Predictions) -> PredictionsAnalysis {
    let record = PredictionsRecord {
        format: FORMAT,
        program: from.made.program,
        created: from.made.created,
        device: from.made.device,
        data: from.data,
        weights_hash: Some(from.weights_hash),
        checkpoint: from.checkpoint,
        examples: predictions.len(),
        parts: Parts::default(),
    };
    PredictionsAnalysis { record, predictions }
}

/// Linear probes, tested on `test_examples` images.
pub fn probes(
    from: Provenance,
    recipe: ProbeRecipe,
    layers: Vec<Layer>,
    test_examples: usize,
    probed: Probed,
) -> ProbesAnalysis {
    let images = probed.split.train.len() + probed.split.held_out.len();
    let effort = Effort::words(recipe.epochs, images, from.data.train_examples);
    let record = ProbesRecord {
        format: FORMAT,
        program: from.made.program,
        created: from.made.created,
        device: from.made.device,
        data: from.data,
        weights_hash: Some(from.weights_hash),
        checkpoint: from.checkpoint,
        recipe: format!("{effort}; {}", recipe.words()),
        epochs: recipe.epochs,
        batch: probed.batch,
        momentum: recipe.momentum,
        learning_rates: recipe.learning_rates,
        train_examples: probed.split.train.len(),
        held_out_examples: probed.split.held_out.len(),
        test_examples,
        seed: recipe.seed,
        seconds: probed.seconds.total,
        layers,
        parts: Parts::default(),
    };
    ProbesAnalysis { record, probes: probed.probes }
}

/// What deleting blocks costs.
pub fn deletion(from: Provenance) -> DeletionRecord {
    DeletionRecord {
        format: FORMAT,
        program: from.made.program,
        created: from.made.created,
        device: from.made.device,
        data: from.data,
        weights_hash: Some(from.weights_hash),
        checkpoint: from.checkpoint,
        parts: Parts::default(),
    }
}

/// A run as one side of a comparison.
pub fn side(member: &Member) -> Side {
    Side {
        run: member.subject.name(),
        weights_hash: Some(member.subject.weights_hash.clone()),
        checkpoint: member.subject.checkpoint,
        model: Some(member.subject.manifest.model.clone()),
        layers: member.subject.network.layers(),
        not_finite: Vec::new(),
    }
}

/// The images of a comparison, as its maps record them.
pub fn compared_data(data: &DataRecord) -> DataRecord {
    // Both are of the training images.
    DataRecord { fraction: 1.0, train_examples: 0, ..data.clone() }
}

/// The images of a comparison.
pub fn compared_images(data: &DataRecord) -> ComparedImages {
    let data = compared_data(data);
    ComparedImages { title: data.title(), fingerprint: data.fingerprint }
}

/// The maps of two runs, of a request that may have made others too. `from` names the
/// images; each side has weights of its own.
pub fn pair(
    from: Provenance,
    plan: &SamplePlan,
    (rows, cols): (Side, Side),
    compared: &Compared,
    found: ComparedPair,
) -> PairMaps {
    let from = Provenance { data: compared_data(&from.data), ..from };
    let CkaEstimate { cka, se, batches, not_finite, cols_not_finite } = found.estimate;
    let rows = Side { not_finite, ..rows };
    let cols = Side { not_finite: cols_not_finite, ..cols };
    let plan = summed(plan, compared.examples, compared.dropped, batches);
    let sides = (rows, Some(cols));
    let record = map_record(from, sides, plan, compared.seconds, &measure::CKA_BETWEEN);
    PairMaps::new(record, cka, se, found.without_pc1)
}

/// A run's own map as a comparison with itself; `None` if it has no standard errors.
pub fn own_pair(side: Side, own: &Map) -> Option<PairMaps> {
    let side = Side { not_finite: own.record.rows.not_finite.clone(), ..side };
    let record = MapRecord { rows: side.clone(), cols: Some(side), ..own.record.clone() };
    Some(PairMaps::new(record, own.values.clone(), own.error.clone()?, None))
}

/// A finished run that was neither trained nor pruned here, to be changed where it was.
pub fn manifest(from: Provenance, name: &str, model: ModelSpec) -> RunManifest {
    RunManifest {
        format: FORMAT,
        name: name.to_string(),
        program: from.made.program,
        created: from.made.created,
        state: RunState::Complete,
        model,
        data: from.data,
        recipe: None,
        seed: None,
        device: from.made.device,
        source: None,
        weights_hash: Some(from.weights_hash),
        test: None,
        pruned_from: None,
        training: None,
    }
}

/// A run whose training begins. It has no weights yet that a hash could tell.
pub fn training(
    from: Provenance,
    name: &str,
    model: ModelSpec,
    recipe: Recipe,
    (seed, training): (u64, TrainingRecord),
) -> RunManifest {
    RunManifest {
        state: RunState::Training { epoch: 0, epochs: recipe.epochs },
        recipe: Some(recipe),
        seed: Some(seed),
        weights_hash: None,
        training: Some(training),
        ..manifest(from, name, model)
    }
}
