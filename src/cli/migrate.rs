//! `blockscope migrate`: runs and comparisons of format 1 become those of the present
//! format, in place.

use super::args::{Common, MigrateArgs};
use super::{ExitCode, FAILURE, Failure};
use crate::runs::COMPARISONS;
use crate::runs::{FORMAT, Migrated, RunError, RunId, RunStore};

pub fn run(common: &Common, args: &MigrateArgs) -> Result<ExitCode, Failure> {
    let store = RunStore::locate(common.runs.clone());
    store.sweep(None);
    if !args.all {
        for name in &args.names {
            told(name, one(&store, name)?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    // one that is damaged does not keep the others from being converted
    let mut failed = None;
    let mut names: Vec<String> = store
        .list()
        .into_iter()
        .filter(|run| matches!(run.id, RunId::Disk(_)) && run.manifest.is_ok())
        .map(|run| run.name)
        .collect();
    names.extend(store.comparisons()?.into_iter().map(|name| format!("{COMPARISONS}/{name}")));
    for name in &names {
        match one(&store, name) {
            Ok(done) => told(name, done),
            Err(error) => {
                if let Some(before) = failed.replace(error.to_string()) {
                    super::output::aside(&format!("blockscope: {before}"));
                }
            }
        }
    }
    if names.is_empty() {
        say!("there are no runs in {}", crate::text::one_line(&store.root().display().to_string()));
    }
    match failed {
        None => Ok(ExitCode::SUCCESS),
        Some(message) => Err(Failure { message, code: FAILURE }),
    }
}

/// Converts a run, or a comparison as `comparisons/NAME`.
fn one(store: &RunStore, name: &str) -> Result<Migrated, RunError> {
    let comparison = name.strip_prefix(COMPARISONS).and_then(|rest| rest.strip_prefix('/'));
    match comparison {
        Some(pair) => store.migrate_comparison(pair.trim_end_matches('/')),
        None => {
            let id = store.resolve(name)?;
            store.sweep(Some(&id));
            store.migrate(&id)
        }
    }
}

fn told(name: &str, done: Migrated) {
    let name = crate::text::one_line(name);
    match done {
        Migrated::Nothing => say!("{name}  is of format {FORMAT}: there is nothing to do"),
        Migrated::Converted { maps: 1 } => say!("{name}  is of format {FORMAT} now: 1 map"),
        Migrated::Converted { maps } => say!("{name}  is of format {FORMAT} now: {maps} maps"),
        Migrated::Completed => say!("{name}  is of format {FORMAT}: old files were removed"),
    }
}
