//! `blockscope compare`: maps between runs, groups of seeds, agreement, and one
//! group against another. Computes only what is not there yet.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::args::{Common, CompareArgs, ShowFormat};
use super::{Failure, follow_with_meter, images};
use crate::data::{self, Dataset};
use crate::domain::contrast::contrast;
use crate::domain::cross::{ESTIMATOR, WITHOUT_PC1};
use crate::domain::predictions::{Predictions, agreement};
use crate::engine::{
    CompareRequest, ComparedModel, Engine, EvaluateRequest, Outcome, Request, SamplePlan,
};
use crate::model::StateDict;
use crate::model::weights::parse_safetensors;
use crate::report::compare::{self, Comparison, Group, Member, Pair};
use crate::runs::{
    self, ComparedImages, DataRecord, FORMAT, LoadedRun, PairAnalysis, PairKey, PairRecord,
    PredictionsAnalysis, RunError, RunId, RunStore, Sample, Seconds, Side,
};

/// A run that takes part.
struct Subject {
    id: RunId,
    name: String,
    run: LoadedRun,
    weights_hash: String,
    state: Arc<StateDict>,
}

impl Subject {
    fn side(&self) -> Side {
        Side {
            run: self.name.clone(),
            weights_hash: self.weights_hash.clone(),
            model: self.run.manifest.model.clone(),
            layers: self.run.manifest.model.layers(),
        }
    }

    /// Its predictions, if they are those of these weights over these images.
    fn predictions(&self) -> Option<&Predictions> {
        let kept = self.run.predictions.as_ref()?;
        let same = kept.record.weights_hash.as_ref() == Some(&self.weights_hash)
            && kept.record.data.fingerprint == self.run.manifest.data.fingerprint;
        same.then_some(&kept.predictions)
    }
}

/// Which runs, and which of them make groups (indices of runs).
struct Chosen {
    subjects: Vec<Subject>,
    groups: Vec<(&'static str, Vec<usize>)>,
}

pub fn run(common: &Common, args: &CompareArgs) -> Result<ExitCode, Failure> {
    let store = RunStore::locate(common.runs.clone());
    let Chosen { mut subjects, groups } = choose(&store, args)?;
    let plan = plan(args, &subjects)?;
    let mut work = Work::find(&store, args, &subjects, plan)?;
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
        ids.into_iter().map(|id| subject(store, id)).collect::<Result<_, _>>()?;
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

fn subject(store: &RunStore, id: RunId) -> Result<Subject, Failure> {
    let run = store.load(&id)?;
    let name = id.name();
    let bytes = store.weights(&id)?;
    let weights = parse_safetensors(&bytes, &format!("{name}/weights.safetensors"))?;
    weights.state.check(&run.manifest.model)?;
    let weights_hash = runs::hash::sha256_hex(&bytes);
    Ok(Subject { id, name, run, weights_hash, state: Arc::new(weights.state) })
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

/// The maps: those that were there, and those that are to be computed.
struct Work {
    without_pc1: bool,
    key: PairKey,
    data: ComparedImages,
    found: Vec<Pair>,
    missing: Vec<(usize, usize)>,
    notes: Vec<String>,
}

impl Work {
    fn find(
        store: &RunStore,
        args: &CompareArgs,
        subjects: &[Subject],
        plan: SamplePlan,
    ) -> Result<Work, Failure> {
        let manifest = &subjects[0].run.manifest;
        // The fraction is one of the training images.
        let title = DataRecord { fraction: 1.0, ..manifest.data.clone() }.title();
        let data = ComparedImages { title, fingerprint: manifest.data.fingerprint.clone() };
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
            without_pc1: args.without_pc1,
            key: key(0, 0),
            data: data.clone(),
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
                let own = || (a == b).then(|| own_map(&subjects[a], &key, &data)).flatten();
                let kept = kept
                    .or_else(own)
                    .filter(|pair| pair.without_pc1.is_some() || !args.without_pc1);
                match kept {
                    Some(pair) => work.found.push(Pair::new((a, b), pair, true)),
                    None => work.missing.push((a, b)),
                }
            }
        }
        Ok(work)
    }

    fn compute(
        &mut self,
        store: &RunStore,
        engine: &Engine,
        subjects: &[Subject],
        images: &Arc<crate::data::ImageSet>,
        plan: SamplePlan,
    ) -> Result<(), Failure> {
        let model = |s: &Subject| ComparedModel {
            spec: s.run.manifest.model.clone(),
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
            let analysis = PairAnalysis {
                record: PairRecord {
                    format: FORMAT,
                    program: runs::program(),
                    created: runs::now_rfc3339(),
                    device: compared.device.clone(),
                    rows: subjects[a].side(),
                    cols: subjects[b].side(),
                    data: self.data.clone(),
                    estimator: ESTIMATOR.into(),
                    without_pc1: pair.without_pc1.is_some().then(|| WITHOUT_PC1.into()),
                    examples: compared.examples,
                    dropped: compared.dropped,
                    batch: plan.batch,
                    batches: pair.estimate.batches,
                    passes: plan.passes,
                    sample: plan.sample,
                    seed: plan.seed,
                    seconds: compared.seconds,
                },
                cka: pair.estimate.cka,
                se: pair.estimate.se,
                without_pc1: pair.without_pc1,
            };
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
fn own_map(subject: &Subject, key: &PairKey, data: &ComparedImages) -> Option<PairAnalysis> {
    let analysis = subject.run.analysis.as_ref()?;
    let r = &analysis.record;
    let seed = |sample: Sample, seed: u64| if sample == Sample::First { 0 } else { seed };
    let same = r.weights_hash.as_ref() == Some(&key.rows)
        && r.data.fingerprint == key.fingerprint
        && (r.examples, r.batch, r.passes) == (key.examples, key.batch, key.passes)
        && (r.sample, seed(r.sample, r.seed)) == (key.sample, seed(key.sample, key.seed))
        && r.layers == subject.run.manifest.model.layers();
    same.then(|| PairAnalysis {
        record: PairRecord {
            format: FORMAT,
            program: r.program.clone(),
            created: r.created.clone(),
            device: r.device.clone(),
            rows: subject.side(),
            cols: subject.side(),
            data: data.clone(),
            estimator: r.estimator.clone(),
            without_pc1: None,
            examples: r.examples,
            dropped: r.dropped,
            batch: r.batch,
            batches: r.batches,
            passes: r.passes,
            sample: r.sample,
            seed: r.seed,
            seconds: r.seconds,
        },
        cka: analysis.cka.clone(),
        se: analysis.se.clone(),
        without_pc1: None,
    })
}

/// Evaluates a run on all test images and keeps what it predicts.
fn predict(
    store: &RunStore,
    engine: &Engine,
    subject: &mut Subject,
    images: &Arc<crate::data::ImageSet>,
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
        runs::atomic(&folder.join(name), &bytes)?;
    }
    Ok(())
}
