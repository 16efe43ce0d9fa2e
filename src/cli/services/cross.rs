//! The job that computes CKA between two runs for the explorer, over the images
//! and with the plan of the first one's own map, and keeps the result.

use std::sync::Arc;

use super::{Inner, lock, parse_safetensors};
use crate::app::jobs::{JobRequest, JobUpdate};
use crate::domain::{MapPlan, MapRecord, Side, measure};
use crate::engine::{
    CancelToken, CompareRequest, ComparedModel, EngineError, Event, Outcome, Request,
};
use crate::model::StateDict;
use crate::runs::{self, LoadedRun, PairMaps, RunId};
use crate::terminal::JobNews;

impl Inner {
    /// A run with its weights and their hash.
    fn with_weights(&self, id: &RunId) -> Result<(LoadedRun, StateDict, String), String> {
        let run = self.store.load(id).map_err(|e| e.to_string())?;
        let bytes = self.store.weights(id).map_err(|e| e.to_string())?;
        let origin = format!("{}/weights.safetensors", id.name());
        let weights = parse_safetensors(&bytes, &origin).map_err(|e| e.to_string())?;
        Ok((run, weights.state, runs::hash::sha256_hex(&bytes)))
    }

    /// Computes the map between the request's run (rows) and `other` (columns).
    pub(super) fn cross(
        &self,
        request: &JobRequest,
        other: &RunId,
        token: &CancelToken,
        news: &JobNews,
    ) -> Result<JobUpdate, String> {
        let (a, first, rows_hash) = self.with_weights(&request.run)?;
        let (b, second, cols_hash) = self.with_weights(other)?;
        let like = &a.cka().ok_or("the first run has no map yet")?.record;
        let data = self.images_of(&a.manifest, &like.data.fingerprint)?;
        let plan = super::super::pruned::plan(like);
        let model = |run: &LoadedRun, state| ComparedModel {
            network: Arc::new(run.manifest.model.network()),
            state: Arc::new(state),
        };
        let ask = CompareRequest {
            models: vec![model(&a, first), model(&b, second)],
            images: Arc::new(data.test.clone()),
            plan,
            pairs: vec![(0, 1)],
            without_pc1: false,
        };
        let job = self.engine()?.submit(Request::Compare(ask));
        {
            let mut running = lock(&self.running);
            running.insert(request.id, job.cancel.clone());
            if token.is_cancelled() {
                job.cancel.cancel();
            }
        }
        let side = |run: &LoadedRun, weights_hash: String| Side {
            run: run.manifest.name.clone(),
            weights_hash: Some(weights_hash),
            model: Some(run.manifest.model.clone()),
            layers: run.manifest.model.layers(),
        };
        for event in &job.events {
            match event {
                Event::Progress(p) => {
                    let (done, total, unit) = (p.done, p.total, p.unit);
                    news.send(JobUpdate::Progress { done, total, unit });
                }
                Event::Finished(Err(EngineError::Cancelled)) => return Ok(JobUpdate::Cancelled),
                Event::Finished(Err(error)) => return Err(error.to_string()),
                Event::Finished(Ok(Outcome::Compared(found))) => {
                    let Some(map) = found.pairs.first() else { break };
                    let record = MapRecord {
                        provenance: runs::provenance(&*found.device),
                        data: like.data.clone(),
                        rows: side(&a, rows_hash),
                        cols: Some(side(&b, cols_hash)),
                        plan: MapPlan {
                            examples: found.examples,
                            dropped: found.dropped,
                            batches: map.estimate.batches,
                            ..like.plan.clone()
                        },
                        weighting: measure::CKA.adds.name().into(),
                        seconds: found.seconds,
                        estimator: measure::CKA_BETWEEN.id(),
                        left_out: None,
                        difference: None,
                    };
                    let (cka, se) = (map.estimate.cka.clone(), map.estimate.se.clone());
                    let pair = PairMaps::new(record, cka, se, None);
                    // shown even if it cannot be kept
                    let kept = self.store.write_pair(&pair);
                    news.send(JobUpdate::Cross(Box::new(pair)));
                    return match kept {
                        Ok(_) => Ok(JobUpdate::Done),
                        Err(error) => Err(format!("the comparison was not kept: {error}")),
                    };
                }
                Event::Finished(Ok(_)) => break,
                _ => {}
            }
        }
        Err("the compute thread ended; restart blockscope".into())
    }
}
