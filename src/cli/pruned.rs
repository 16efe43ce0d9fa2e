//! Maps of pruned networks, for `prune --map` and for the explorer: over which images,
//! and what is kept of one. The plan is that of the run's own map, so that the two can
//! be laid beside each other.

use std::sync::Arc;

use super::{Failure, follow_with_meter};
use crate::data::ImageSet;
use crate::domain::Bypass;
use crate::domain::cka::ESTIMATOR;
use crate::engine::{AnalyzeRequest, Engine, Measured, Outcome, Request, SamplePlan};
use crate::model::StateDict;
use crate::runs::{self, AnalysisRecord, FORMAT, LoadedRun, PrunedMap, PrunedRecord, RunStore};

/// The images and batches of a run's own map.
pub fn plan(whole: &AnalysisRecord) -> SamplePlan {
    SamplePlan {
        examples: Some(whole.examples),
        batch: whole.batch,
        passes: whole.passes,
        sample: whole.sample,
        seed: whole.seed,
    }
}

/// What is kept of a measurement without `deleted`, made by the plan of the run's own
/// map with weights of the given hash; `None` if the run has no map of its own.
pub fn map(run: &LoadedRun, deleted: &Bypass, weights: &str, found: Measured) -> Option<PrunedMap> {
    let whole = run.analysis.as_ref()?;
    let like = &whole.record;
    let same = like.weights_hash.as_deref().is_none_or(|hash| hash == weights);
    let difference = if same { found.estimate.cka.mean_difference(&whole.cka) } else { None };
    let record = PrunedRecord {
        format: FORMAT,
        program: runs::program(),
        created: runs::now_rfc3339(),
        device: found.device,
        deleted: deleted.clone(),
        data: like.data.clone(),
        weights_hash: Some(weights.to_string()),
        estimator: ESTIMATOR.into(),
        weighting: "pairs".into(),
        batch: like.batch,
        batches: found.estimate.batches,
        examples: found.examples,
        dropped: found.dropped,
        passes: like.passes,
        sample: like.sample,
        seed: like.seed,
        seconds: found.seconds,
        difference,
    };
    Some(PrunedMap { record, cka: found.estimate.cka, se: found.estimate.se })
}

/// The run's own map, which a pruned one is made like; `fingerprint` is that of the
/// images that were given.
///
/// # Errors
/// A usage error with the remedy if there is none, or if it is of other images.
pub fn own_map<'a>(run: &'a LoadedRun, fingerprint: &str) -> Result<&'a AnalysisRecord, Failure> {
    let name = run.id.name();
    let again = format!("`blockscope analyze {name}` with the same --data makes one");
    let Some(whole) = run.analysis.as_ref().map(|a| &a.record) else {
        return Err(Failure::usage(format!(
            "--map: {name} has no map of its own to lay another beside; {again}"
        )));
    };
    match whole.data.fingerprint == fingerprint {
        true => Ok(whole),
        false => Err(Failure::usage(format!(
            "--map: the map of {name} is of other images than these; {again}"
        ))),
    }
}

/// A network whose pruned map is wanted.
pub struct Subject<'a> {
    /// Where it is kept.
    pub store: &'a RunStore,
    /// The run.
    pub run: &'a LoadedRun,
    /// Its weights.
    pub state: Arc<StateDict>,
    /// Their hash.
    pub weights_hash: &'a str,
    /// The images of the run's own map.
    pub images: Arc<ImageSet>,
}

/// Computes the map without `deleted` and keeps it in the run's folder, unless one that
/// fits is there.
///
/// # Errors
/// If it cannot be computed or written.
pub fn keep(subject: Subject<'_>, engine: &Engine, deleted: &Bypass) -> Result<(), Failure> {
    let Subject { store, run, state, weights_hash, images } = subject;
    let Some(whole) = run.analysis.as_ref().map(|a| &a.record) else { return Ok(()) };
    let known = store.pruned(&run.id, deleted).unwrap_or_else(|error| {
        eprintln!("computing the map anew: {error}");
        None
    });
    if let Some(map) = known.filter(|map| map.record.fits(whole, Some(weights_hash))) {
        let (created, path) = (&map.record.created, map.record.path());
        say!("map without {deleted}  from the run folder ({path}, {created})");
        return Ok(());
    }
    let request = Request::Analyze(AnalyzeRequest {
        network: Arc::new(run.manifest.model.network()),
        state,
        images,
        plan: plan(whole),
        bypass: deleted.clone(),
        suite: None,
    });
    let (outcome, _) = follow_with_meter(&engine.submit(request), "CKA")?;
    let Outcome::Measured(found) = outcome else {
        return Err(Failure::usage("the engine answered another request"));
    };
    let Some(map) = map(run, deleted, weights_hash, *found) else { return Ok(()) };
    let folder = store.write_pruned(&run.id, &map)?;
    let record = &map.record;
    say!(
        "map without {deleted}  {} examples in {} batches, {:.2} s on {}",
        record.examples,
        record.batches,
        record.seconds.total,
        record.device
    );
    if let Some(difference) = record.difference {
        say!("  mean absolute difference to the whole network's map {difference:.4}");
    }
    say!("written to {}", folder.display());
    Ok(())
}
