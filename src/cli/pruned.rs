//! Maps of pruned networks, for `prune --map` and for the explorer: over which images,
//! and what is kept of one. The plan is that of the run's own map, so that the two can
//! be laid beside each other.

use std::sync::Arc;

use super::{Failure, follow_with_meter};
use crate::data::ImageSet;
use crate::domain::{Bypass, Map, MapKey, MapPlan, MapRecord, Side, measure};
use crate::engine::{AnalyzeRequest, Engine, Measured, Outcome, Request, SamplePlan};
use crate::model::StateDict;
use crate::runs::{self, LoadedRun, RunStore};

/// The images and batches of a run's own map.
pub fn plan(whole: &MapRecord) -> SamplePlan {
    let MapPlan { examples, batch, passes, sample, seed, .. } = whole.plan;
    SamplePlan { examples: Some(examples), batch, passes, sample, seed }
}

/// What is kept of a measurement without `deleted`, made by the plan of the run's own
/// map with weights of the given hash; `None` if the run has no map of its own.
pub fn map(run: &LoadedRun, deleted: &Bypass, weights: &str, found: Measured) -> Option<Map> {
    let whole = run.cka()?;
    let like = &whole.record;
    let same = like.rows.weights_hash.as_deref().is_none_or(|hash| hash == weights);
    let values = found.estimate.cka;
    let difference = if same { values.mean_difference(&whole.values) } else { None };
    let record = MapRecord {
        provenance: runs::provenance(found.device),
        data: like.data.clone(),
        rows: Side {
            run: run.manifest.name.clone(),
            weights_hash: Some(weights.to_string()),
            model: None,
            layers: run.manifest.model.layers(),
        },
        cols: None,
        plan: MapPlan {
            examples: found.examples,
            dropped: found.dropped,
            batches: found.estimate.batches,
            ..like.plan.clone()
        },
        weighting: measure::CKA.adds.name().into(),
        seconds: found.seconds,
        estimator: measure::CKA_MINIBATCH.id(),
        left_out: None,
        difference,
    };
    let error = Some(found.estimate.se);
    Some(Map { key: MapKey::pruned(deleted.clone()), values, error, record })
}

/// The run's own map, which a pruned one is made like; `fingerprint` is that of the
/// images that were given.
///
/// # Errors
/// A usage error with the remedy if there is none, or if it is of other images.
pub fn own_map<'a>(run: &'a LoadedRun, fingerprint: &str) -> Result<&'a MapRecord, Failure> {
    let name = run.id.name();
    let again = format!("`blockscope analyze {name}` with the same --data makes one");
    let Some(whole) = run.cka().map(|map| &map.record) else {
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
    let Some(whole) = run.cka().map(|map| &map.record) else { return Ok(()) };
    let known = store.map(&run.id, &MapKey::pruned(deleted.clone())).unwrap_or_else(|error| {
        eprintln!("computing the map anew: {error}");
        None
    });
    if let Some(map) = known.filter(|map| map.record.fits(whole, Some(weights_hash))) {
        let (created, path) = (&map.record.provenance.created, runs::map_path(&map.key));
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
    let folder = store.write_map(&run.id, &map)?;
    let record = &map.record;
    say!(
        "map without {deleted}  {} examples in {} batches, {:.2} s on {}",
        record.plan.examples,
        record.plan.batches,
        record.seconds.total,
        record.provenance.device
    );
    if let Some(difference) = record.difference {
        say!("  mean absolute difference to the whole network's map {difference:.4}");
    }
    say!("written to {}", folder.display());
    Ok(())
}
