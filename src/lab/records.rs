//! What is written about a result: every record of a run folder is built here, from one
//! [`Provenance`] and what the experiment gave.

use super::Provenance;
use super::compare::Member;
use crate::domain::cka::{CkaEstimate, ESTIMATOR};
use crate::domain::plan::{SamplePlan, SuitePlan};
use crate::domain::predictions::Predictions;
use crate::domain::record::{DataRecord, Recipe, Seconds};
use crate::domain::{Bypass, Layer, ModelSpec, cross, suite};
use crate::engine::{Compared, ComparedPair, Measured, MeasuredComponents, ProbeRecipe, Probed};
use crate::runs::{
    AnalysisRecord, CkaAnalysis, ComparedImages, ComponentsAnalysis, ComponentsRecord,
    DeletionRecord, FORMAT, PairAnalysis, PairRecord, PredictionsAnalysis, PredictionsRecord,
    ProbesAnalysis, ProbesRecord, PrunedMap, PrunedRecord, RunManifest, RunState, Side,
};

/// How batches are weighted.
const WEIGHTING: &str = "pairs";

/// Which batches a map was summed over.
struct Summed {
    plan: SamplePlan,
    batches: usize,
    examples: usize,
    dropped: usize,
    seconds: Seconds,
}

impl Summed {
    fn of(plan: &SamplePlan, measured: &Measured) -> Summed {
        let Measured { examples, dropped, seconds, .. } = *measured;
        let batches = measured.estimate.batches;
        Summed { plan: *plan, batches, examples, dropped, seconds }
    }
}

/// The map of a network.
pub fn analysis(
    from: Provenance,
    plan: &SamplePlan,
    layers: Vec<Layer>,
    measured: Measured,
) -> CkaAnalysis {
    let summed = Summed::of(plan, &measured);
    let CkaEstimate { cka, se, .. } = measured.estimate;
    let record = AnalysisRecord {
        format: FORMAT,
        program: from.program,
        created: from.created,
        device: from.device,
        data: from.data,
        weights_hash: Some(from.weights_hash),
        estimator: ESTIMATOR.into(),
        weighting: WEIGHTING.into(),
        batch: summed.plan.batch,
        batches: summed.batches,
        examples: summed.examples,
        dropped: summed.dropped,
        passes: summed.plan.passes,
        sample: summed.plan.sample,
        seed: summed.plan.seed,
        seconds: summed.seconds,
        layers,
    };
    CkaAnalysis { record, cka, se }
}

/// The map of a network without some blocks, made by the plan of `whole`, its own map.
pub fn pruned(
    from: Provenance,
    plan: &SamplePlan,
    whole: &CkaAnalysis,
    deleted: &Bypass,
    measured: Measured,
) -> PrunedMap {
    let summed = Summed::of(plan, &measured);
    let CkaEstimate { cka, se, .. } = measured.estimate;
    let like = whole.record.weights_hash.as_ref();
    let same = like.is_none_or(|hash| *hash == from.weights_hash);
    let record = PrunedRecord {
        format: FORMAT,
        program: from.program,
        created: from.created,
        device: from.device,
        deleted: deleted.clone(),
        data: from.data,
        weights_hash: Some(from.weights_hash),
        estimator: ESTIMATOR.into(),
        weighting: WEIGHTING.into(),
        batch: summed.plan.batch,
        batches: summed.batches,
        examples: summed.examples,
        dropped: summed.dropped,
        passes: summed.plan.passes,
        sample: summed.plan.sample,
        seed: summed.plan.seed,
        seconds: summed.seconds,
        difference: if same { cka.mean_difference(&whole.cka) } else { None },
    };
    PrunedMap { record, cka, se }
}

/// The first-component suite of a sample.
pub fn components(
    from: Provenance,
    sample: &SamplePlan,
    plan: &SuitePlan,
    layers: Vec<Layer>,
    measured: MeasuredComponents,
) -> ComponentsAnalysis {
    let record = ComponentsRecord {
        format: FORMAT,
        program: from.program,
        created: from.created,
        device: from.device,
        data: from.data,
        weights_hash: Some(from.weights_hash),
        estimator: suite::ESTIMATOR.into(),
        examples: plan.examples,
        components: plan.components,
        dominant_share: plan.dominant_share,
        sample: sample.sample,
        seed: sample.seed,
        seconds: measured.seconds,
        layers,
    };
    ComponentsAnalysis { record, components: measured.components }
}

/// What a network predicts.
pub fn predictions(from: Provenance, predictions: Predictions) -> PredictionsAnalysis {
    let record = PredictionsRecord {
        format: FORMAT,
        program: from.program,
        created: from.created,
        device: from.device,
        data: from.data,
        weights_hash: Some(from.weights_hash),
        examples: predictions.len(),
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
    let record = ProbesRecord {
        format: FORMAT,
        program: from.program,
        created: from.created,
        device: from.device,
        data: from.data,
        weights_hash: Some(from.weights_hash),
        recipe: recipe.words(),
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
    };
    ProbesAnalysis { record, probes: probed.probes }
}

/// What deleting blocks costs.
pub fn deletion(from: Provenance) -> DeletionRecord {
    DeletionRecord {
        format: FORMAT,
        program: from.program,
        created: from.created,
        device: from.device,
        data: from.data,
        weights_hash: Some(from.weights_hash),
    }
}

/// A run as one side of a comparison.
pub fn side(member: &Member) -> Side {
    let model = member.subject.manifest.model.clone();
    Side {
        run: member.subject.name(),
        weights_hash: member.subject.weights_hash.clone(),
        layers: member.subject.network.layers(),
        model,
    }
}

/// The images of a comparison.
pub fn compared_images(data: &DataRecord) -> ComparedImages {
    // The fraction is one of the training images.
    let title = DataRecord { fraction: 1.0, ..data.clone() }.title();
    ComparedImages { title, fingerprint: data.fingerprint.clone() }
}

/// The map of two runs, of a request that may have made others too. `from` names the
/// images; each side has weights of its own.
pub fn pair(
    from: Provenance,
    plan: &SamplePlan,
    (rows, cols): (Side, Side),
    compared: &Compared,
    found: ComparedPair,
) -> PairAnalysis {
    let record = PairRecord {
        format: FORMAT,
        program: from.program,
        created: from.created,
        device: from.device,
        rows,
        cols,
        data: compared_images(&from.data),
        estimator: cross::ESTIMATOR.into(),
        without_pc1: found.without_pc1.is_some().then(|| cross::WITHOUT_PC1.into()),
        examples: compared.examples,
        dropped: compared.dropped,
        batch: plan.batch,
        batches: found.estimate.batches,
        passes: plan.passes,
        sample: plan.sample,
        seed: plan.seed,
        seconds: compared.seconds,
    };
    let CkaEstimate { cka, se, .. } = found.estimate;
    PairAnalysis { record, cka, se, without_pc1: found.without_pc1 }
}

/// A run's own map as a comparison with itself.
pub fn own_pair(side: Side, data: ComparedImages, own: &CkaAnalysis) -> PairAnalysis {
    let r = &own.record;
    let record = PairRecord {
        format: FORMAT,
        program: r.program.clone(),
        created: r.created.clone(),
        device: r.device.clone(),
        rows: side.clone(),
        cols: side,
        data,
        estimator: r.estimator.clone(),
        without_pc1: None,
        examples: r.examples,
        dropped: r.dropped,
        batch: r.batch,
        batches: r.batches,
        passes: r.passes,
        sample: r.sample,
        seed: r.seed,
        seconds: r.seconds,
    };
    PairAnalysis { record, cka: own.cka.clone(), se: own.se.clone(), without_pc1: None }
}

/// A finished run that was neither trained nor pruned here, to be changed where it was.
pub fn manifest(from: Provenance, name: &str, model: ModelSpec) -> RunManifest {
    RunManifest {
        format: FORMAT,
        name: name.to_string(),
        program: from.program,
        created: from.created,
        state: RunState::Complete,
        model,
        data: from.data,
        recipe: None,
        seed: None,
        device: from.device,
        source: None,
        weights_hash: Some(from.weights_hash),
        test: None,
        pruned_from: None,
    }
}

/// A run whose training begins. It has no weights yet that a hash could tell.
pub fn training(
    from: Provenance,
    name: &str,
    model: ModelSpec,
    recipe: Recipe,
    seed: u64,
) -> RunManifest {
    RunManifest {
        state: RunState::Training { epoch: 0, epochs: recipe.epochs },
        recipe: Some(recipe),
        seed: Some(seed),
        weights_hash: None,
        ..manifest(from, name, model)
    }
}
