//! Which runs go side by side: the best partner of a run, and why two runs are
//! refused.

use crate::runs::{LoadedRun, RunId, RunSummary};

/// Why two runs are not compared, in one line.
pub fn refusal(a: &LoadedRun, b: &LoadedRun) -> Option<String> {
    let names = (&a.manifest.name, &b.manifest.name);
    for run in [a, b] {
        if run.cka().is_none() {
            return Some(format!(
                "{0} has no CKA map yet: run `blockscope analyze {0}`",
                run.manifest.name
            ));
        }
    }
    let (ours, theirs) = (&a.cka()?.record.data, &b.cka()?.record.data);
    if ours.fingerprint == theirs.fingerprint {
        return None;
    }
    let short = |text: &str| text.chars().take(12).collect::<String>();
    Some(format!(
        "{} was analysed on other images ({}, {}) than {} ({}, {}): analyze both on the same",
        names.0,
        ours.title(),
        short(&ours.fingerprint),
        names.1,
        theirs.title(),
        short(&theirs.fingerprint),
    ))
}

/// The run that goes best beside run `id`: the same network and images with
/// another seed, else the same images, else any with a map.
pub fn partner(runs: &[RunSummary], id: &RunId) -> Option<RunId> {
    let mine = runs.iter().find(|r| r.id == *id)?.manifest.as_ref().ok()?;
    let score = |run: &RunSummary| -> Option<u8> {
        let other = run.manifest.as_ref().ok()?;
        if run.id == *id || !run.analysis {
            return None;
        }
        let images = other.data.fingerprint == mine.data.fingerprint;
        let model = other.model == mine.model;
        let seed = model && other.seed != mine.seed;
        Some(4 * u8::from(images) + 2 * u8::from(model) + u8::from(seed))
    };
    // the first of the best
    let best = runs.iter().filter_map(score).max()?;
    runs.iter().find(|run| score(run) == Some(best)).map(|run| run.id.clone())
}
