//! What is known of one run: its map and first-component suite, from one pass where their
//! images allow it, its predictions and its probes, each kept in its folder.

use std::path::PathBuf;
use std::sync::Arc;

use super::plan::CheckedAnalysis;
use super::subject::tested;
use super::{Event, Lab, LabError, Provenance, Subject, Watch, probes, records};
use crate::data::Dataset;
use crate::domain::Bypass;
use crate::domain::plan::SuitePlan;
use crate::engine::{
    AnalyzeRequest, ComponentsRequest, EvaluateRequest, MeasuredComponents, Predicted,
};
use crate::runs::PredictionsAnalysis;

impl Lab {
    /// Analyses a run over the images of `dataset` and returns its folder. What is there
    /// already of predictions is not computed again.
    ///
    /// # Errors
    /// If something cannot be computed or written; what was written before stays.
    pub fn analyze(
        &self,
        subject: &Subject,
        dataset: &Dataset,
        plan: CheckedAnalysis,
        watch: &mut Watch<'_>,
    ) -> Result<PathBuf, LabError> {
        // Computing for minutes and then having nowhere to write would be unkind.
        let folder = self.store.writable(&subject.id)?;
        // map, components and predictions of one run are those of one analysis
        let _held = self.store.work_on(&folder)?;
        subject.tell_note(watch);
        plan.left_out.iter().for_each(|why| watch.tell(Event::Note(why.clone())));
        match (plan.map, plan.suite) {
            (true, _) => self.map(subject, dataset, &plan, watch)?,
            (false, Some(suite)) => self.suite(subject, dataset, &plan, &suite, watch)?,
            (false, None) => {}
        }
        if plan.predictions {
            let known = self.store.predictions(&subject.id).ok().flatten();
            if !known.is_some_and(|known| are_of(&known, subject, &dataset.fingerprint)) {
                self.predictions(subject, dataset, watch)?;
            }
        }
        if let Some(plan) = plan.probes {
            probes::run(self, subject, dataset, plan, watch)?;
        }
        Ok(folder)
    }

    /// The map and, if it is wanted, the suite of the same sample.
    fn map(
        &self,
        subject: &Subject,
        dataset: &Dataset,
        plan: &CheckedAnalysis,
        watch: &mut Watch<'_>,
    ) -> Result<(), LabError> {
        let request = AnalyzeRequest {
            network: Arc::clone(&subject.network),
            state: Arc::clone(&subject.state),
            images: Arc::clone(&dataset.test),
            plan: plan.sample,
            bypass: Bypass::none(),
            suite: plan.suite,
        };
        let mut measured = self.run("CKA", request, watch)?;
        let beside = measured.suite.take();
        let from = of_tested(subject, dataset, &measured.device);
        let map = records::analysis(from, &plan.sample, subject, measured);
        self.store.write_map(&subject.id, &map)?;
        watch.tell(Event::Analysis(Box::new(map)));
        match (plan.suite, beside) {
            (None, _) => Ok(()),
            (Some(suite), Some(found)) => {
                self.keep_suite(subject, dataset, plan, &suite, found, watch)
            }
            // the map is safe by now
            (Some(suite), None) => self.suite(subject, dataset, plan, &suite, watch),
        }
    }

    /// The suite alone.
    fn suite(
        &self,
        subject: &Subject,
        dataset: &Dataset,
        plan: &CheckedAnalysis,
        suite: &SuitePlan,
        watch: &mut Watch<'_>,
    ) -> Result<(), LabError> {
        let request = ComponentsRequest {
            network: Arc::clone(&subject.network),
            state: Arc::clone(&subject.state),
            images: Arc::clone(&dataset.test),
            sample: plan.sample.sample,
            seed: plan.sample.seed,
            plan: *suite,
        };
        let found = self.run("components", request, watch)?;
        self.keep_suite(subject, dataset, plan, suite, found, watch)
    }

    fn keep_suite(
        &self,
        subject: &Subject,
        dataset: &Dataset,
        plan: &CheckedAnalysis,
        suite: &SuitePlan,
        found: MeasuredComponents,
        watch: &mut Watch<'_>,
    ) -> Result<(), LabError> {
        let from = of_tested(subject, dataset, &found.device);
        let (analysis, maps) = records::components(from, &plan.sample, suite, subject, found);
        for map in &maps {
            self.store.write_map(&subject.id, map)?;
        }
        self.store.write_components(&subject.id, &analysis)?;
        watch.tell(Event::Components(Box::new(analysis)));
        Ok(())
    }

    /// One pass over all test images; what is predicted for each is kept.
    pub(super) fn predictions(
        &self,
        subject: &Subject,
        dataset: &Dataset,
        watch: &mut Watch<'_>,
    ) -> Result<PredictionsAnalysis, LabError> {
        let request = EvaluateRequest {
            network: Arc::clone(&subject.network),
            state: Arc::clone(&subject.state),
            images: Arc::clone(&dataset.test),
        };
        let Predicted { test, predictions, device } = self.run("predictions", request, watch)?;
        let analysis = records::predictions(of_tested(subject, dataset, &device), predictions);
        self.store.write_predictions(&subject.id, &analysis)?;
        watch.tell(Event::Predictions(test));
        Ok(analysis)
    }
}

/// True if predictions are those of the weights that a subject holds, over the images of
/// that fingerprint.
pub(super) fn are_of(known: &PredictionsAnalysis, subject: &Subject, fingerprint: &str) -> bool {
    known.record.weights_hash.as_ref() == Some(&subject.weights_hash)
        && known.record.data.fingerprint == fingerprint
}

/// Made of a subject and the test images of `dataset`.
fn of_tested(subject: &Subject, dataset: &Dataset, device: &str) -> Provenance {
    Provenance::of(subject, device, tested(dataset))
}
