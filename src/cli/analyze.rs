//! `blockscope analyze`: all-pairs CKA of a run, its first-component suite, its
//! predictions and, if asked for, its linear probes, kept in its folder.

use super::args::{AnalyzeArgs, Common};
use super::words::next;
use super::{ExitCode, Failure, lab, watched};
use crate::domain::plan::SamplePlan;
use crate::domain::probes::{Effort, Probe};
use crate::domain::{Layer, LayerKind, Map};
use crate::engine::probes::ProbeSeconds;
use crate::lab::Event;
use crate::lab::plan::{AnalysisPlan, ProbePlan};
use crate::runs::{ComponentsAnalysis, ProbesAnalysis};
use crate::text::{duration, padded};

pub fn run(common: &Common, args: &AnalyzeArgs) -> Result<ExitCode, Failure> {
    let lab = lab(common, args.data.as_ref());
    // what cannot be opened is not analysed either
    let id = lab.store().resolve(&args.run)?;
    lab.store().load(&id)?;
    lab.store().sweep(Some(&id));
    let subject = lab.open(&args.run)?;
    let dataset = lab.images_for(&subject.manifest, args.probes.is_some())?;
    let plan = plan(args).check(&subject, &dataset)?;
    let folder = watched(
        |watch| lab.analyze(&subject, &dataset, plan, watch),
        |event| match event {
            Event::Analysis(found) => print_map(found),
            Event::Components(found) => print_components(found),
            Event::Predictions(test) => say!(
                "predictions  {} test images, {:.2} % right",
                test.examples,
                100.0 * test.accuracy()
            ),
            Event::Probes(found, seconds) => print_probes(found, seconds),
            _ => {}
        },
    )?;
    say!("written to {}", folder.display());
    say!("{}", next(common, None, &[&args.run], args.data.as_ref()));
    Ok(ExitCode::SUCCESS)
}

fn plan(args: &AnalyzeArgs) -> AnalysisPlan {
    let probes = args.probes.map(|recipe| ProbePlan {
        effort: recipe.into(),
        epochs: args.probe_epochs,
        images: args.probe_train,
        seed: args.seed,
    });
    AnalysisPlan {
        sample: SamplePlan {
            examples: args.examples,
            batch: args.batch,
            passes: args.passes,
            sample: args.sample.into(),
            seed: args.seed,
        },
        map: !args.skip_cka,
        suite: args.pc_examples,
        predictions: !args.skip_predictions,
        probes,
    }
}

fn print_map(found: &Map) {
    let record = &found.record;
    say!(
        "CKA  {} layers, {} examples in {} batches, on {}",
        found.layers().len(),
        record.plan.examples,
        record.plan.batches,
        record.provenance.device
    );
    say!(
        "  {}: forward {}, Gram {}, pairs {}",
        duration(record.seconds.total),
        duration(record.seconds.forward),
        duration(record.seconds.gram),
        duration(record.seconds.pairs)
    );
}

fn print_components(found: &ComponentsAnalysis) {
    let ComponentsAnalysis { record, components } = found;
    let largest = (0..components.layers())
        .filter_map(|l| Some((components.share(l)?, l)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    say!(
        "first components  {} examples in {}, on {}",
        record.examples,
        duration(record.seconds),
        record.device
    );
    if let Some((share, layer)) = largest {
        let name = &record.layers[layer].name;
        say!("  largest share of variance {:.1} % in {name}", 100.0 * share);
    }
}

fn print_probes(found: &ProbesAnalysis, seconds: &ProbeSeconds) {
    let record = &found.record;
    say!(
        "probes: {} layers, {}, {} of them held out, on {}",
        found.probes.len(),
        record.effort(),
        record.held_out_examples,
        record.device
    );
    print_table(&record.layers, &found.probes);
    say!(
        "{}: forward {}, probes {}",
        duration(seconds.total),
        duration(seconds.forward),
        duration(seconds.probes)
    );
    if record.effort_name() == Effort::Quick.name() {
        say!("--probes=full trains on all of the run's training images, for 30 epochs");
    }
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
