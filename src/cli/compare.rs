//! `blockscope compare`: maps between runs, groups of seeds, agreement, and one
//! group against another. Computes only what is not there yet.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::args::{Common, CompareArgs, ShowFormat};
use super::compare_maps::{Subject, Work};
use super::{ExitCode, Failure, follow_with_meter, images};
use crate::data::{self, Dataset, ImageSet};
use crate::domain::contrast::contrast;
use crate::domain::predictions::{Predictions, agreement};
use crate::domain::record::DataRecord;
use crate::engine::{Engine, EvaluateRequest, Outcome, Request, SamplePlan};
use crate::report::compare::{self, Comparison, Group, Member};
use crate::runs::{PredictionsAnalysis, RunId, RunStore, Side};

/// Which runs, and which of them make groups (indices of runs).
struct Chosen {
    subjects: Vec<Subject>,
    groups: Vec<(&'static str, Vec<usize>)>,
}

pub fn run(common: &Common, args: &CompareArgs) -> Result<ExitCode, Failure> {
    let store = RunStore::locate(common.runs.clone());
    let Chosen { mut subjects, groups } = choose(&store, args)?;
    let plan = plan(args, &subjects)?;
    let mut work = Work::find(&store, args.without_pc1, &subjects, plan)?;
    let lacking: Vec<usize> = match args.skip_predictions {
        true => Vec::new(),
        false => (0..subjects.len()).filter(|k| subjects[*k].predictions().is_none()).collect(),
    };
    let mut notes = std::mem::take(&mut work.notes);
    if !(work.missing.is_empty() && lacking.is_empty()) {
        let dataset = test_images(args, &subjects)?;
        let data = DataRecord { train_examples: 0, ..dataset.record(1.0) };
        let images = Arc::new(dataset.test);
        let engine = Engine::start(common.device)?;
        if !work.missing.is_empty() {
            work.compute(&store, &engine, &subjects, &images, plan)?;
        }
        for k in lacking {
            predict(&store, &engine, &mut subjects[k], &images, &data, &mut notes)?;
        }
    }
    let comparison = assemble(args, subjects, groups, work, notes)?;
    if let Some(folder) = &args.out {
        write_files(folder, &comparison)?;
    }
    let text = match args.format {
        ShowFormat::Table | ShowFormat::Plain => compare::table(&comparison),
        ShowFormat::Json => compare::json(&comparison)?,
        ShowFormat::Csv => compare::csv(&comparison)?,
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Reads every run that is named, once, and sorts them into groups.
fn choose(store: &RunStore, args: &CompareArgs) -> Result<Chosen, Failure> {
    let named = args.names.iter().chain(&args.group_a).chain(&args.group_b);
    let mut ids: Vec<RunId> = Vec::new();
    for name in named.clone() {
        let id = store.resolve(name)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() || (ids.len() == 1 && named.count() == 1) {
        return Err(Failure::usage(
            "compare needs two runs or more (or one run twice, for its own map)",
        ));
    }
    let group = |names: &[String]| -> Result<Vec<usize>, Failure> {
        let mut members = BTreeSet::new();
        for name in names {
            let id = store.resolve(name)?;
            members.extend(ids.iter().position(|known| *known == id));
        }
        Ok(members.into_iter().collect())
    };
    let (a, b) = (group(&args.group_a)?, group(&args.group_b)?);
    if let Some(both) = a.iter().find(|k| b.contains(k)) {
        return Err(Failure::usage(format!(
            "{} is in both groups; a run belongs to one",
            ids[*both].name()
        )));
    }
    let groups: Vec<(&'static str, Vec<usize>)> = match (a.is_empty(), b.is_empty()) {
        (true, true) if ids.len() > 1 => vec![("all", (0..ids.len()).collect())],
        _ => [("A", a), ("B", b)].into_iter().filter(|(_, members)| !members.is_empty()).collect(),
    };
    let subjects: Vec<Subject> =
        ids.into_iter().map(|id| Subject::load(store, id)).collect::<Result<_, _>>()?;
    one_data(&subjects)?;
    for (name, members) in
        groups.iter().filter(|(name, members)| *name != "all" && members.len() > 1)
    {
        let sides: Vec<Side> = members.iter().map(|k| subjects[*k].side()).collect();
        let listed: Vec<_> =
            sides.iter().map(|s| (s.run.as_str(), &s.model, s.layers.as_slice())).collect();
        crate::domain::group::one_architecture(&listed)
            .map_err(|e| Failure::usage(format!("group {name}: {e}")))?;
    }
    Ok(Chosen { subjects, groups })
}

/// Refuses runs that were made with different test images.
fn one_data(subjects: &[Subject]) -> Result<(), Failure> {
    let print = |s: &Subject| s.run.manifest.data.fingerprint.clone();
    let first = &subjects[0];
    match subjects.iter().find(|s| print(s) != print(first)) {
        None => Ok(()),
        Some(other) => Err(Failure::usage(format!(
            "{} was made with {} images (fingerprint {}) and {} with {} images (fingerprint {}); similarities over different images do not belong together",
            first.name,
            first.run.manifest.data.title(),
            print(first),
            other.name,
            other.run.manifest.data.title(),
            print(other)
        ))),
    }
}

fn plan(args: &CompareArgs, subjects: &[Subject]) -> Result<SamplePlan, Failure> {
    let plan = SamplePlan {
        examples: args.examples,
        batch: args.batch,
        passes: args.passes,
        sample: args.sample.into(),
        seed: args.seed,
    };
    let available = subjects[0].run.manifest.data.test_examples;
    plan.batches(available).map_err(|e| Failure::usage(e.to_string()))?;
    Ok(SamplePlan { examples: Some(plan.examples.unwrap_or(available)), ..plan })
}

fn test_images(args: &CompareArgs, subjects: &[Subject]) -> Result<Dataset, Failure> {
    let manifest = &subjects[0].run.manifest;
    let dataset = data::load_test(&images::source(manifest, args.data.as_ref())?)?;
    images::same(manifest, &dataset)?;
    Ok(dataset)
}

/// Evaluates a run on all test images and keeps what it predicts.
fn predict(
    store: &RunStore,
    engine: &Engine,
    subject: &mut Subject,
    images: &Arc<ImageSet>,
    data: &DataRecord,
    notes: &mut Vec<String>,
) -> Result<(), Failure> {
    let job = engine.submit(Request::Predict(EvaluateRequest {
        spec: subject.run.manifest.model.clone(),
        state: Arc::clone(&subject.state),
        images: Arc::clone(images),
    }));
    let Outcome::Predicted(found) = follow_with_meter(&job, "predictions")?.0 else {
        return Err(Failure::usage("the engine answered another request"));
    };
    let analysis = PredictionsAnalysis::new(
        found.predictions,
        data.clone(),
        subject.weights_hash.clone(),
        found.device,
    );
    store.write_predictions(&subject.id, &analysis)?;
    notes.push(format!("predictions of {} were computed and kept", subject.name));
    subject.run.predictions = Some(analysis);
    Ok(())
}

fn assemble(
    args: &CompareArgs,
    subjects: Vec<Subject>,
    groups: Vec<(&'static str, Vec<usize>)>,
    work: Work,
    mut notes: Vec<String>,
) -> Result<Comparison, Failure> {
    notes.extend(work.notes);
    notes.extend(differences(&subjects));
    let predictions: Vec<&Predictions> = subjects.iter().filter_map(Subject::predictions).collect();
    let complete = !args.skip_predictions && predictions.len() == subjects.len();
    let pick = |name: &str| -> Option<Vec<&Predictions>> {
        let (_, members) = groups.iter().find(|(found, _)| *found == name)?;
        Some(members.iter().map(|k| predictions[*k]).collect())
    };
    let (mut agreeing, mut contrasted) = (None, None);
    if complete {
        agreeing = Some(agreement(&predictions)?);
        if let (Some(a), Some(b)) = (pick("A"), pick("B")) {
            contrasted = Some(contrast(&a, &b)?);
        }
    }
    let member = |s: &Subject| Member {
        name: s.name.clone(),
        model: s.run.manifest.model.clone(),
        layers: s.run.manifest.model.layers().len(),
        weights_hash: s.weights_hash.clone(),
        accuracy: s.predictions().map(Predictions::accuracy),
    };
    let mut comparison = Comparison {
        members: subjects.iter().map(member).collect(),
        data: work.data,
        plan: work.key,
        pairs: work.found,
        groups: Vec::new(),
        agreement: agreeing,
        contrast: contrasted,
        classes: subjects[0].run.manifest.data.classes.clone(),
        notes,
    };
    for (name, members) in groups {
        let statistics = comparison.statistics(&members).map_err(|e| e.to_string());
        comparison.groups.push(Group { name, members, statistics });
    }
    Ok(comparison)
}

/// In one line, in what the runs' layer lists and classes differ.
fn differences(subjects: &[Subject]) -> Vec<String> {
    let mut notes = Vec::new();
    let kinds = |of: &dyn Fn(&Subject) -> usize| -> Vec<String> {
        let values: BTreeSet<usize> = subjects.iter().map(of).collect();
        values.into_iter().map(|v| v.to_string()).collect()
    };
    let first = subjects[0].run.manifest.model.layers();
    let layers = kinds(&|s| s.run.manifest.model.layers().len());
    if subjects.iter().any(|s| s.run.manifest.model.layers() != first) {
        notes.push(format!(
            "layer lists differ ({} layers): maps are rectangular, and layers correspond by name",
            layers.join(", ")
        ));
    }
    let classes = kinds(&|s| s.run.manifest.model.classes);
    if classes.len() > 1 {
        notes.push(format!(
            "the networks tell {} classes apart: predictions beyond the images' classes count as wrong",
            classes.join(" and ")
        ));
    }
    notes
}

fn write_files(folder: &Path, comparison: &Comparison) -> Result<(), Failure> {
    fs::create_dir_all(folder)
        .map_err(|e| Failure::usage(format!("cannot create {}: {e}", folder.display())))?;
    for (name, bytes) in compare::files(comparison)? {
        crate::files::atomic(&folder.join(name), &bytes)?;
    }
    Ok(())
}
