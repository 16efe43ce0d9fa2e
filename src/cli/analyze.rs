//! `blockscope analyze`: all-pairs CKA of a run, its first-component suite and,
//! if asked for, its linear probes, kept in its folder.

use std::sync::Arc;

use super::args::{AnalyzeArgs, Common};
use super::{ExitCode, Failure, follow_with_meter, images, probes};
use crate::data::{self, ImageSet};
use crate::domain::measure::CKA_MINIBATCH;
use crate::domain::record::DataRecord;
use crate::domain::{Bypass, Map, MapKey, MapPlan, MapRecord, ModelSpec, Side, measure};
use crate::domain::{pca, suite};
use crate::engine::components::DEFAULT_EXAMPLES;
use crate::engine::{
    AnalyzeRequest, ComponentsRequest, Engine, EvaluateRequest, MeasuredComponents, Outcome,
    Request, SamplePlan, SuitePlan,
};
use crate::model::StateDict;
use crate::model::weights::parse_safetensors;
use crate::runs::{
    self, ComponentsAnalysis, ComponentsRecord, FORMAT, PredictionsAnalysis, RunId, RunStore,
};

/// Share of the examples that counts as dominant (the follow-up paper's 1 %).
const DOMINANT_SHARE: f64 = 0.01;
/// Components whose share of variance is kept.
const COMPONENTS: usize = 5;

/// What every part of an analysis works on.
struct Subject<'a> {
    args: &'a AnalyzeArgs,
    store: &'a RunStore,
    id: &'a RunId,
    engine: &'a Engine,
    name: String,
    spec: ModelSpec,
    state: Arc<StateDict>,
    images: Arc<ImageSet>,
    data: DataRecord,
    weights_hash: String,
}

pub fn run(common: &Common, args: &AnalyzeArgs) -> Result<ExitCode, Failure> {
    let store = RunStore::locate(common.runs.clone());
    let id = store.resolve(&args.run)?;
    let loaded = store.load(&id)?;
    let spec = loaded.manifest.model.clone();
    let bytes = store.weights(&id)?;
    let weights = parse_safetensors(&bytes, &format!("{}/weights.safetensors", args.run))?;
    weights.state.check(&spec.network())?;
    let source = images::source(&loaded.manifest, args.data.as_ref())?;
    // Probes need the training images too; what cannot be probed is refused
    // before anything is computed.
    let dataset = if args.probes { data::load(&source)? } else { data::load_test(&source)? };
    let plan = match args.probes {
        true => Some(probes::plan(args, &loaded.manifest, &dataset)?),
        false => None,
    };
    let examples = pc_examples(args, dataset.test.len())?;
    let data = DataRecord { train_examples: 0, ..dataset.record(1.0) };
    let train = Arc::new(dataset.train);
    // Computing for minutes and then having nowhere to write would be unkind.
    let folder = store.writable(&id)?;
    let engine = Engine::start(common.device)?;
    let subject = Subject {
        args,
        store: &store,
        id: &id,
        engine: &engine,
        name: loaded.manifest.name.clone(),
        spec,
        state: Arc::new(weights.state),
        images: Arc::new(dataset.test),
        data,
        weights_hash: runs::hash::sha256_hex(&bytes),
    };
    let suite = examples.map(|examples| SuitePlan {
        examples,
        components: COMPONENTS,
        dominant_share: DOMINANT_SHARE,
    });
    match (args.skip_cka, suite) {
        (false, suite) => cka(&subject, suite)?,
        (true, Some(suite)) => components(&subject, suite)?,
        (true, None) => {}
    }
    if !args.skip_predictions {
        predictions(&subject, loaded.predictions.as_ref())?;
    }
    if let Some(plan) = plan {
        let Subject { spec, state, images, weights_hash, .. } = subject;
        let subject = probes::Subject { spec, state, weights_hash, train, test: images };
        store.write_probes(&id, &probes::run(&engine, plan, subject)?)?;
    }
    say!("written to {}", folder.display());
    say!("next: blockscope {}", args.run);
    Ok(ExitCode::SUCCESS)
}

/// Images of the first-component suite; `None` to leave it out.
fn pc_examples(args: &AnalyzeArgs, available: usize) -> Result<Option<usize>, Failure> {
    match args.pc_examples {
        Some(0) => Ok(None),
        None => Ok(Some(DEFAULT_EXAMPLES.min(available))),
        Some(n) if n > available => Err(Failure::usage(format!(
            "--pc-examples {n}: there are only {available} test images"
        ))),
        Some(n) if n < pca::MIN_EXAMPLES => Err(Failure::usage(format!(
            "--pc-examples {n} is too few: at least {} are needed",
            pca::MIN_EXAMPLES
        ))),
        Some(n) => Ok(Some(n)),
    }
}

/// The map and, if it is wanted, the suite of the same sample.
fn cka(subject: &Subject<'_>, suite: Option<SuitePlan>) -> Result<(), Failure> {
    let args = subject.args;
    let request = Request::Analyze(AnalyzeRequest {
        network: Arc::new(subject.spec.network()),
        state: Arc::clone(&subject.state),
        images: Arc::clone(&subject.images),
        plan: SamplePlan {
            examples: args.examples,
            batch: args.batch,
            passes: args.passes,
            sample: args.sample.into(),
            seed: args.seed,
        },
        bypass: Bypass::none(),
        suite,
    });
    let Outcome::Measured(measured) = follow_with_meter(&subject.engine.submit(request), "CKA")?.0
    else {
        return Err(Failure::usage("the engine answered another request"));
    };
    let seconds = measured.seconds;
    let map = Map {
        key: MapKey::cka(),
        values: measured.estimate.cka,
        error: Some(measured.estimate.se),
        record: MapRecord {
            provenance: runs::provenance(&*measured.device),
            data: subject.data.clone(),
            rows: Side {
                run: subject.name.clone(),
                weights_hash: Some(subject.weights_hash.clone()),
                model: None,
                layers: subject.spec.layers(),
            },
            cols: None,
            plan: MapPlan {
                examples: measured.examples,
                dropped: measured.dropped,
                batch: args.batch,
                batches: measured.estimate.batches,
                passes: args.passes,
                sample: args.sample.into(),
                seed: args.seed,
            },
            weighting: measure::CKA.adds.name().into(),
            seconds,
            estimator: CKA_MINIBATCH.id(),
            left_out: None,
            difference: None,
        },
    };
    subject.store.write_map(subject.id, &map)?;
    say!(
        "CKA  {} layers, {} examples in {} batches, on {}",
        map.layers().len(),
        map.record.plan.examples,
        map.record.plan.batches,
        measured.device
    );
    say!(
        "  {:.2} s: forward {:.2}, Gram {:.2}, pairs {:.2}",
        seconds.total,
        seconds.forward,
        seconds.gram,
        seconds.pairs
    );
    match (suite, measured.suite) {
        (None, _) => Ok(()),
        (Some(plan), Some(found)) => keep_components(subject, &plan, found),
        // the map is safe by now
        (Some(plan), None) => components(subject, plan),
    }
}

/// One pass over all test images, unless predictions of these weights over these
/// images are there already.
fn predictions(subject: &Subject<'_>, known: Option<&PredictionsAnalysis>) -> Result<(), Failure> {
    let same = |known: &PredictionsAnalysis| {
        known.record.weights_hash.as_ref() == Some(&subject.weights_hash)
            && known.record.data.fingerprint == subject.data.fingerprint
    };
    if known.is_some_and(same) {
        return Ok(());
    }
    let request = Request::Predict(EvaluateRequest {
        network: Arc::new(subject.spec.network()),
        state: Arc::clone(&subject.state),
        images: Arc::clone(&subject.images),
    });
    let (outcome, _) = follow_with_meter(&subject.engine.submit(request), "predictions")?;
    let Outcome::Predicted(found) = outcome else {
        return Err(Failure::usage("the engine answered another request"));
    };
    let analysis = PredictionsAnalysis::new(
        found.predictions,
        subject.data.clone(),
        subject.weights_hash.clone(),
        found.device,
    );
    subject.store.write_predictions(subject.id, &analysis)?;
    say!(
        "predictions  {} test images, {:.2} % right",
        found.test.examples,
        100.0 * found.test.accuracy()
    );
    Ok(())
}

/// The suite alone.
fn components(subject: &Subject<'_>, plan: SuitePlan) -> Result<(), Failure> {
    let args = subject.args;
    let request = Request::Components(ComponentsRequest {
        network: Arc::new(subject.spec.network()),
        state: Arc::clone(&subject.state),
        images: Arc::clone(&subject.images),
        sample: args.sample.into(),
        seed: args.seed,
        plan,
    });
    let (outcome, _) = follow_with_meter(&subject.engine.submit(request), "components")?;
    let Outcome::Components(measured) = outcome else {
        return Err(Failure::usage("the engine answered another request"));
    };
    keep_components(subject, &plan, *measured)
}

fn keep_components(
    subject: &Subject<'_>,
    plan: &SuitePlan,
    measured: MeasuredComponents,
) -> Result<(), Failure> {
    let args = subject.args;
    let analysis = ComponentsAnalysis {
        record: ComponentsRecord {
            format: FORMAT,
            program: runs::program(),
            created: runs::now_rfc3339(),
            device: measured.device.clone(),
            data: subject.data.clone(),
            weights_hash: Some(subject.weights_hash.clone()),
            estimator: suite::ESTIMATOR.into(),
            examples: plan.examples,
            components: plan.components,
            dominant_share: plan.dominant_share,
            sample: args.sample.into(),
            seed: args.seed,
            seconds: measured.seconds,
            layers: subject.spec.layers(),
        },
        components: measured.components,
    };
    for map in runs::suite_maps(&analysis.record, &subject.name, measured.maps) {
        subject.store.write_map(subject.id, &map)?;
    }
    subject.store.write_components(subject.id, &analysis)?;
    let largest = (0..analysis.components.layers())
        .filter_map(|l| Some((analysis.components.share(l)?, l)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    say!(
        "first components  {} examples in {:.2} s, on {}",
        plan.examples,
        measured.seconds,
        measured.device
    );
    if let Some((share, layer)) = largest {
        let name = &analysis.record.layers[layer].name;
        say!("  largest share of variance {:.1} % in {name}", 100.0 * share);
    }
    Ok(())
}
