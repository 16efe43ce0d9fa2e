//! Linear probes of a run, kept in its folder.

use std::sync::Arc;

use super::plan::CheckedProbes;
use super::{Event, Lab, LabError, Provenance, Subject, Watch, records};
use crate::data::Dataset;
use crate::domain::probes::Effort;
use crate::engine::ProbeRequest;

/// Trains the probes.
///
/// # Errors
/// If they cannot be trained or written.
pub(super) fn run(
    lab: &Lab,
    subject: &Subject,
    dataset: &Dataset,
    plan: CheckedProbes,
    watch: &mut Watch<'_>,
) -> Result<(), LabError> {
    let CheckedProbes { recipe, subset, data } = plan;
    let effort = Effort::words(recipe.epochs, subset.len(), data.train_examples);
    watch.tell(Event::Note(format!(
        "probes, {effort}; how long that takes is said as soon as the first batches are done"
    )));
    let request = ProbeRequest {
        network: Arc::clone(&subject.network),
        state: Arc::clone(&subject.state),
        train: Arc::clone(&dataset.train),
        subset,
        test: Arc::clone(&dataset.test),
        recipe: recipe.clone(),
    };
    let probed = lab.run("probes", request, watch)?;
    let seconds = probed.seconds;
    let from = Provenance::of(subject, &*probed.device, data);
    let analysis =
        records::probes(from, recipe, subject.network.layers(), dataset.test.len(), probed);
    watch.tell(Event::Probes(Box::new(analysis.clone()), seconds));
    lab.store.write_probes(&subject.id, &analysis)?;
    Ok(())
}
