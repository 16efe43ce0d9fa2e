//! The maps of `blockscope compare`: which are kept, which a run's own analysis
//! holds, and one request for the rest.

use std::sync::Arc;

use super::{Failure, follow_with_meter};
use crate::data::ImageSet;
use crate::domain::cka::CkaEstimate;
use crate::domain::predictions::Predictions;
use crate::domain::record::{DataRecord, Seconds};
use crate::domain::{MapPlan, MapRecord, Side, measure};
use crate::engine::{CompareRequest, ComparedModel, Engine, Outcome, Request, SamplePlan};
use crate::model::StateDict;
use crate::model::weights::parse_safetensors;
use crate::report::compare::Pair;
use crate::runs::{self, ComparedImages, LoadedRun, PairKey, PairMaps, RunError, RunId, RunStore};

/// A run that takes part.
pub struct Subject {
    pub id: RunId,
    /// As the user knows it.
    pub name: String,
    pub run: LoadedRun,
    /// SHA-256 of the weights file as it is.
    pub weights_hash: String,
    pub state: Arc<StateDict>,
}

impl Subject {
    /// Reads a run and its weights.
    pub fn load(store: &RunStore, id: RunId) -> Result<Subject, Failure> {
        let run = store.load(&id)?;
        let name = id.name();
        let bytes = store.weights(&id)?;
        let weights = parse_safetensors(&bytes, &format!("{name}/weights.safetensors"))?;
        weights.state.check(&run.manifest.model.network())?;
        let weights_hash = runs::hash::sha256_hex(&bytes);
        Ok(Subject { id, name, run, weights_hash, state: Arc::new(weights.state) })
    }

    /// How a comparison records it.
    pub fn side(&self) -> Side {
        Side {
            run: self.name.clone(),
            weights_hash: Some(self.weights_hash.clone()),
            model: Some(self.run.manifest.model.clone()),
            layers: self.run.manifest.model.layers(),
        }
    }

    /// Its predictions, if they are those of these weights over these images.
    pub fn predictions(&self) -> Option<&Predictions> {
        let kept = self.run.predictions.as_ref()?;
        let same = kept.record.weights_hash.as_ref() == Some(&self.weights_hash)
            && kept.record.data.fingerprint == self.run.manifest.data.fingerprint;
        same.then_some(&kept.predictions)
    }
}

/// The maps: those that were there, and those that are to be computed.
pub struct Work {
    without_pc1: bool,
    /// What the maps have in common; its hashes are the first run's.
    pub key: PairKey,
    pub data: ComparedImages,
    /// How the maps record them.
    images: DataRecord,
    pub found: Vec<Pair>,
    pub missing: Vec<(usize, usize)>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

impl Work {
    /// Looks for the maps of all pairs.
    pub fn find(
        store: &RunStore,
        without_pc1: bool,
        subjects: &[Subject],
        plan: SamplePlan,
    ) -> Result<Work, Failure> {
        let manifest = &subjects[0].run.manifest;
        // The fraction is one of the training images.
        let images = DataRecord { fraction: 1.0, train_examples: 0, ..manifest.data.clone() };
        let data =
            ComparedImages { title: images.title(), fingerprint: images.fingerprint.clone() };
        let key = |a: usize, b: usize| PairKey {
            rows: subjects[a].weights_hash.clone(),
            cols: subjects[b].weights_hash.clone(),
            fingerprint: data.fingerprint.clone(),
            examples: plan.examples.unwrap_or_default(),
            batch: plan.batch,
            passes: plan.passes,
            sample: plan.sample,
            seed: plan.seed,
        };
        let mut work = Work {
            without_pc1,
            key: key(0, 0),
            data: data.clone(),
            images,
            found: Vec::new(),
            missing: Vec::new(),
            notes: Vec::new(),
        };
        for a in 0..subjects.len() {
            for b in a..subjects.len() {
                let key = key(a, b);
                let kept = match store.find_exact_pair(&key) {
                    Ok(kept) => kept,
                    Err(RunError::Newer { path, found }) => {
                        return Err(RunError::Newer { path, found }.into());
                    }
                    Err(error) => {
                        work.notes.push(format!("computed anew: {error}"));
                        None
                    }
                };
                let own = || (a == b).then(|| own_map(&subjects[a], &key)).flatten();
                let kept =
                    kept.or_else(own).filter(|pair| pair.without_pc1().is_some() || !without_pc1);
                match kept {
                    Some(pair) => work.found.push(Pair::new((a, b), pair, true)),
                    None => work.missing.push((a, b)),
                }
            }
        }
        Ok(work)
    }

    /// Computes and keeps what is missing, in one pass.
    pub fn compute(
        &mut self,
        store: &RunStore,
        engine: &Engine,
        subjects: &[Subject],
        images: &Arc<ImageSet>,
        plan: SamplePlan,
    ) -> Result<(), Failure> {
        let model = |s: &Subject| ComparedModel {
            network: Arc::new(s.run.manifest.model.network()),
            state: Arc::clone(&s.state),
        };
        let job = engine.submit(Request::Compare(CompareRequest {
            models: subjects.iter().map(model).collect(),
            images: Arc::clone(images),
            plan,
            pairs: self.missing.clone(),
            without_pc1: self.without_pc1,
        }));
        let Outcome::Compared(compared) = follow_with_meter(&job, "comparing")?.0 else {
            return Err(Failure::usage("the engine answered another request"));
        };
        for pair in compared.pairs {
            let (a, b) = pair.pair;
            let record = MapRecord {
                provenance: runs::provenance(&*compared.device),
                data: self.images.clone(),
                rows: subjects[a].side(),
                cols: Some(subjects[b].side()),
                plan: MapPlan {
                    examples: compared.examples,
                    dropped: compared.dropped,
                    batch: plan.batch,
                    batches: pair.estimate.batches,
                    passes: plan.passes,
                    sample: plan.sample,
                    seed: plan.seed,
                },
                weighting: measure::CKA.adds.name().into(),
                seconds: compared.seconds,
                estimator: measure::CKA_BETWEEN.id(),
                left_out: None,
                difference: None,
            };
            let CkaEstimate { cka, se, .. } = pair.estimate;
            let analysis = PairMaps::new(record, cka, se, pair.without_pc1);
            store.write_pair(&analysis)?;
            self.found.push(Pair::new((a, b), analysis, false));
        }
        self.found.sort_by_key(|pair| pair.members);
        let Seconds { forward, gram, pairs, total } = compared.seconds;
        self.notes.push(format!(
            "{} maps computed in {total:.2} s (forward {forward:.2}, Gram {gram:.2}, pairs {pairs:.2}) on {}",
            self.missing.len(),
            compared.device
        ));
        Ok(())
    }
}

/// A run's own map as a comparison with itself, if `analyze` made it from the
/// same weights, images and batches.
fn own_map(subject: &Subject, key: &PairKey) -> Option<PairMaps> {
    let own = subject.run.cka()?;
    let same = own.record.rows.weights_hash.as_ref() == Some(&key.rows)
        && key.covers(&own.record)
        && own.layers() == subject.run.manifest.model.layers();
    let record =
        MapRecord { rows: subject.side(), cols: Some(subject.side()), ..own.record.clone() };
    let errors = own.error.clone().filter(|_| same)?;
    Some(PairMaps::new(record, own.values.clone(), errors, None))
}
