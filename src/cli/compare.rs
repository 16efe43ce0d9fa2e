//! `blockscope compare`: maps between runs, groups of seeds, agreement, and one
//! group against another. Computes only what is not there yet.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::args::{Common, CompareArgs, ShowFormat};
use super::{ExitCode, Failure, lab, output, watched, words};
use crate::domain::Layer;
use crate::domain::contrast::contrast;
use crate::domain::plan::SamplePlan;
use crate::domain::predictions::{Predictions, agreement};
use crate::lab::Lab;
use crate::lab::compare::{ComparisonPlan, Maps, Member, one_data};
use crate::report::compare::{self, Comparison, Group, Pair};
use crate::runs::RunId;

/// Which runs, and which of them make groups (indices of runs).
struct Chosen {
    members: Vec<Member>,
    groups: Vec<(&'static str, Vec<usize>)>,
}

pub fn run(common: &Common, args: &CompareArgs) -> Result<ExitCode, Failure> {
    let lab = lab(common, args.data.as_ref());
    let Chosen { mut members, groups } = choose(&lab, args)?;
    let plan = plan(args).check(&members).map_err(words::usage_if_unfit)?;
    lab.store().sweep(None);
    let maps = watched(|watch| lab.compare(&mut members, &plan, watch), |_| {})?;
    let comparison = assemble(args, &members, groups, maps)?;
    if let Some(folder) = &args.out {
        write_files(folder, &comparison)?;
    }
    let text = match args.format {
        ShowFormat::Table | ShowFormat::Plain => compare::table(&comparison),
        ShowFormat::Json => compare::json(&comparison)?,
        ShowFormat::Csv => compare::csv(&comparison)?,
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads every run that is named, once, and sorts them into groups.
fn choose(lab: &Lab, args: &CompareArgs) -> Result<Chosen, Failure> {
    let store = lab.store();
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
    let members: Vec<Member> = ids.iter().map(|id| lab.member(id)).collect::<Result<_, _>>()?;
    one_data(&members)?;
    for (name, seeds) in groups.iter().filter(|(name, seeds)| *name != "all" && seeds.len() > 1) {
        let layers: Vec<Vec<Layer>> =
            seeds.iter().map(|k| members[*k].subject.network.layers()).collect();
        let listed: Vec<_> = seeds
            .iter()
            .zip(&layers)
            .map(|(k, layers)| {
                let run = &members[*k].run;
                (run.manifest.name.as_str(), &run.manifest.model, layers.as_slice())
            })
            .collect();
        crate::domain::group::one_architecture(&listed)
            .map_err(|e| Failure::usage(format!("group {name}: {e}")))?;
    }
    Ok(Chosen { members, groups })
}

fn plan(args: &CompareArgs) -> ComparisonPlan {
    ComparisonPlan {
        sample: SamplePlan {
            examples: args.examples,
            batch: args.batch,
            passes: args.passes,
            sample: args.sample.into(),
            seed: args.seed,
        },
        without_pc1: args.without_pc1,
        predictions: !args.skip_predictions,
    }
}

fn assemble(
    args: &CompareArgs,
    members: &[Member],
    groups: Vec<(&'static str, Vec<usize>)>,
    maps: Maps,
) -> Result<Comparison, Failure> {
    let mut notes = maps.notes;
    notes.extend(differences(members));
    let predictions: Vec<&Predictions> = members.iter().filter_map(Member::predictions).collect();
    let complete = !args.skip_predictions && predictions.len() == members.len();
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
    let listed = |member: &Member| compare::Member {
        name: member.subject.name(),
        model: member.subject.manifest.model.clone(),
        layers: member.subject.manifest.model.layers().len(),
        weights_hash: member.subject.weights_hash.clone(),
        accuracy: member.predictions().map(Predictions::accuracy),
    };
    let pairs = maps.pairs.into_iter();
    let mut comparison = Comparison {
        members: members.iter().map(listed).collect(),
        data: maps.data,
        plan: maps.key,
        pairs: pairs.map(|pair| Pair::new(pair.members, pair.analysis, pair.reused)).collect(),
        groups: Vec::new(),
        agreement: agreeing,
        contrast: contrasted,
        classes: members[0].subject.manifest.data.classes.clone(),
        notes,
    };
    for (name, members) in groups {
        let statistics = comparison.statistics(&members).map_err(|e| e.to_string());
        comparison.groups.push(Group { name, members, statistics });
    }
    Ok(comparison)
}

/// In one line, in what the runs' layer lists and classes differ.
fn differences(members: &[Member]) -> Vec<String> {
    let mut notes = Vec::new();
    let kinds = |of: &dyn Fn(&Member) -> usize| -> Vec<String> {
        let values: BTreeSet<usize> = members.iter().map(of).collect();
        values.into_iter().map(|v| v.to_string()).collect()
    };
    let first = members[0].subject.manifest.model.layers();
    let layers = kinds(&|s| s.subject.manifest.model.layers().len());
    if members.iter().any(|s| s.subject.manifest.model.layers() != first) {
        notes.push(format!(
            "layer lists differ ({} layers): maps are rectangular, and layers correspond by name",
            layers.join(", ")
        ));
    }
    let classes = kinds(&|s| s.subject.manifest.model.classes);
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
