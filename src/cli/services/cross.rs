//! The job that computes CKA between two runs for the explorer, over the images
//! and with the plan of the first one's own map, and keeps the result.

use std::sync::Arc;

use super::{Inner, lock, parse_safetensors};
use crate::app::jobs::{JobRequest, JobUpdate};
use crate::engine::{
    CancelToken, CompareRequest, ComparedModel, EngineError, Event, Outcome, Request,
};
use crate::model::StateDict;
use crate::runs::{self, ComparedImages, FORMAT, LoadedRun, PairAnalysis, PairRecord, RunId, Side};
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
        let like = &a.analysis.as_ref().ok_or("the first run has no map yet")?.record;
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
            weights_hash,
            model: run.manifest.model.clone(),
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
                    let pair = PairAnalysis {
                        record: PairRecord {
                            format: FORMAT,
                            program: runs::program(),
                            created: runs::now_rfc3339(),
                            device: found.device.clone(),
                            rows: side(&a, rows_hash),
                            cols: side(&b, cols_hash),
                            data: ComparedImages {
                                title: like.data.title(),
                                fingerprint: like.data.fingerprint.clone(),
                            },
                            estimator: crate::domain::cka::ESTIMATOR.into(),
                            without_pc1: None,
                            examples: found.examples,
                            dropped: found.dropped,
                            batch: like.batch,
                            batches: map.estimate.batches,
                            passes: like.passes,
                            sample: like.sample,
                            seed: like.seed,
                            seconds: found.seconds,
                        },
                        cka: map.estimate.cka.clone(),
                        se: map.estimate.se.clone(),
                        without_pc1: None,
                    };
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
