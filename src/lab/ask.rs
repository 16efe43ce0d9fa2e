//! What a screen asks about a run, one question at a time.

use super::plan::DeletionPlan;
use super::{Lab, LabError, Watch};
use crate::domain::{Bypass, MapKey};
use crate::runs::RunId;

/// What to compute about a run.
#[derive(Debug, Clone, PartialEq)]
pub enum JobKind {
    /// Accuracy without some blocks: first on the first 512 test images, then
    /// on all.
    Evaluate(Bypass),
    /// Accuracy without each block that can be deleted, one at a time.
    Lesions,
    /// Accuracy of a stage pruned backwards from its end, one block more at a
    /// time.
    Sweep(usize),
    /// The network without some blocks as a run of that name, or, where the name is that of
    /// a `.safetensors` file, as its weights.
    Cut(Bypass, String),
    /// The CKA map without some blocks, over the images of the run's own map.
    Map(Bypass),
    /// CKA between the layers of the run and of another one, over the images of
    /// the run's own map.
    Cross(RunId),
}

impl Lab {
    /// Computes what is asked, tells it, and keeps it.
    ///
    /// # Errors
    /// [`LabError`], when everything that could be told was.
    pub fn answer(
        &self,
        run: &RunId,
        kind: &JobKind,
        watch: &mut Watch<'_>,
    ) -> Result<(), LabError> {
        let chosen = |deleted: &Bypass| (!deleted.is_empty()).then(|| deleted.clone());
        let plan = match kind {
            JobKind::Cross(other) => return self.cross(run, other, watch),
            JobKind::Map(deleted) => {
                let whole = self.store.map(run, &MapKey::cka())?;
                let whole = whole.ok_or(LabError::refused("this run has no map yet"))?;
                return self.pruned_map(&*self.subject(run)?, &whole, deleted, watch).map(|_| ());
            }
            JobKind::Cut(deleted, name) => return self.save_cut(run, deleted, name, watch),
            JobKind::Evaluate(deleted) => {
                DeletionPlan { chosen: chosen(deleted), ..DeletionPlan::default() }
            }
            JobKind::Lesions => DeletionPlan { lesions: true, ..DeletionPlan::default() },
            JobKind::Sweep(stage) => {
                DeletionPlan { sweeps: vec![*stage], ..DeletionPlan::default() }
            }
        };
        let subject = self.subject(run)?;
        let plan = DeletionPlan { quick: true, ..plan };
        let plan = plan.check(&subject.network)?;
        let own = &subject.manifest.data.fingerprint;
        let dataset = self.images_of(&subject.manifest, own)?;
        self.delete(&subject, &dataset, plan, watch).map(|_| ())
    }
}
