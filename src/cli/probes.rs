//! `blockscope analyze --probes`: linear probes of a run, kept in its folder.

use std::sync::Arc;

use super::args::AnalyzeArgs;
use super::{Failure, follow_with_meter};
use crate::data::{Dataset, ImageSet};
use crate::domain::probes::{Probe, balanced};
use crate::domain::record::DataRecord;
use crate::domain::{Layer, LayerKind, ModelSpec};
use crate::engine::{Engine, Outcome, ProbeRecipe, ProbeRequest, Request};
use crate::model::StateDict;
use crate::runs::{self, FORMAT, ProbesAnalysis, ProbesRecord, RunManifest};
use crate::text::padded;

/// What the probes of a run are trained on and how.
pub struct Plan {
    recipe: ProbeRecipe,
    subset: Vec<u32>,
    data: DataRecord,
}

/// Checks that `dataset` can train the probes that `args` asks for.
///
/// # Errors
/// One line if the images are not the run's own, there are no training images
/// or too few, or the recipe makes no sense.
pub fn plan(
    args: &AnalyzeArgs,
    manifest: &RunManifest,
    dataset: &Dataset,
) -> Result<Plan, Failure> {
    let mut recipe = ProbeRecipe { seed: args.seed, ..ProbeRecipe::default() };
    recipe.epochs = args.probe_epochs.unwrap_or(recipe.epochs);
    recipe.check()?;
    let own = &manifest.data;
    if dataset.fingerprint != own.fingerprint {
        let digest = |text: &str| text.chars().take(12).collect::<String>();
        return Err(Failure::usage(format!(
            "{}: these are not the images of {} (it has {} {}, these are {} {}); probes need the data it was trained on",
            dataset.source,
            args.run,
            own.source,
            digest(&own.fingerprint),
            dataset.source.kind(),
            digest(&dataset.fingerprint)
        )));
    }
    let mut subset = dataset.balanced_subset(own.fraction)?;
    if let Some(count) = args.probe_train {
        if count > subset.len() {
            return Err(Failure::usage(format!(
                "--probe-train {count}: the run has only {} training images",
                subset.len()
            )));
        }
        subset = balanced(&subset, dataset.train.labels(), count);
    }
    let classes = dataset.classes.len();
    if subset.len() < 2 * classes {
        return Err(Failure::usage(format!(
            "{} training images are too few for probes of {classes} classes: two of each are needed, one to train and one to choose by",
            subset.len()
        )));
    }
    Ok(Plan { recipe, subset, data: dataset.record(own.fraction) })
}

/// The network and images that are probed.
pub struct Subject {
    pub spec: ModelSpec,
    pub state: Arc<StateDict>,
    /// SHA-256 of the weights file.
    pub weights_hash: String,
    pub train: Arc<ImageSet>,
    pub test: Arc<ImageSet>,
}

/// Trains the probes, with progress.
///
/// # Errors
/// As the engine.
pub fn run(engine: &Engine, plan: Plan, subject: Subject) -> Result<ProbesAnalysis, Failure> {
    let Plan { recipe, subset, data } = plan;
    let layers = subject.spec.layers();
    let test_examples = subject.test.len();
    let job = engine.submit(Request::Probe(ProbeRequest {
        spec: subject.spec,
        state: subject.state,
        train: subject.train,
        subset,
        test: subject.test,
        recipe: recipe.clone(),
    }));
    let (outcome, _) = follow_with_meter(&job, "probes")?;
    let Outcome::Probed(probed) = outcome else {
        return Err(Failure::usage("the engine answered another request"));
    };
    let seconds = probed.seconds;
    say!(
        "probes: {} layers, {} training and {} held-out images, {} epochs, on {}",
        probed.probes.len(),
        probed.split.train.len(),
        probed.split.held_out.len(),
        recipe.epochs,
        probed.device
    );
    print_table(&layers, &probed.probes);
    say!("{:.2} s: forward {:.2}, probes {:.2}", seconds.total, seconds.forward, seconds.probes);
    Ok(ProbesAnalysis {
        record: ProbesRecord {
            format: FORMAT,
            program: runs::program(),
            created: runs::now_rfc3339(),
            device: probed.device,
            data,
            weights_hash: Some(subject.weights_hash),
            recipe: recipe.words(),
            epochs: recipe.epochs,
            batch: probed.batch,
            momentum: recipe.momentum,
            learning_rates: recipe.learning_rates,
            train_examples: probed.split.train.len(),
            held_out_examples: probed.split.held_out.len(),
            test_examples,
            seed: recipe.seed,
            seconds: seconds.total,
            layers,
        },
        probes: probed.probes,
    })
}

/// Test accuracies by block, before and after the residual connection.
fn print_table(layers: &[Layer], probes: &[Probe]) {
    let kind = |probe: &Probe| layers.get(probe.layer).map(|layer| layer.kind);
    let after = |at: usize| probes.get(at).filter(|probe| kind(probe) == Some(LayerKind::Add));
    let residual = probes.iter().any(|probe| kind(probe) == Some(LayerKind::Add));
    say!("test accuracy  before{}", if residual { "     after" } else { "" });
    for (at, probe) in probes.iter().enumerate() {
        if kind(probe) == Some(LayerKind::Add) {
            continue;
        }
        let name = layers.get(probe.layer).map_or("", |layer| layer.name.as_str());
        let block = name.rsplit_once('.').map_or(name, |(block, _)| block);
        let percent = |probe: &Probe| format!("{:6.2} %", 100.0 * probe.test_accuracy);
        let after = after(at + 1).map(|probe| format!("  {}", percent(probe))).unwrap_or_default();
        say!("{}{}{after}", padded(block, 13), percent(probe));
    }
}
