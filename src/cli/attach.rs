//! `blockscope attach`: follows the training of a run by its journal, whoever trains it, also
//! over a file system that several machines share. Looks at size and time alone while nothing
//! changes; ending it ends nothing else.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::args::{AttachArgs, Common};
use super::words::next;
use super::{ExitCode, FAILURE, Failure, lab};
use crate::runs::journal::{Entry, epochs, this_host};
use crate::runs::{self, Happened, MetricsRow, Owner, RunId, RunState, RunStore};
use crate::text::duration;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// So long may a process of another machine be silent, and ten epochs more.
const SILENCE: Duration = Duration::from_secs(120);

pub fn run(common: &Common, args: &AttachArgs) -> Result<ExitCode, Failure> {
    let lab = lab(common, None);
    let store = lab.store();
    let (mut folder, total) = place(store, &args.run)?;
    let (mut seen, mut told, mut changed) = (None, 0, Instant::now());
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        // asked before the journal is read: what is written last is not missed
        let owner = store.owner(&folder);
        let stamp = stamp(&folder);
        if stamp.is_none() {
            // the run that it replaces has given it its place
            folder = store.root().join(&args.run);
        }
        if stamp != seen {
            (seen, changed) = (stamp, Instant::now());
            entries = runs::read_journal(&folder)?;
            told = tell(&entries, told, total);
        }
        let resume = next(common, Some("train"), &["--resume", &args.run], None);
        let resume = resume.trim_start_matches("next: ").to_string();
        let fails = |why: String| {
            Err(Failure { message: format!("{why}; `{resume}` goes on"), code: FAILURE })
        };
        match entries.last().map(|entry| &entry.happened) {
            Some(Happened::Ended { seconds }) => {
                say!("{} is complete after {}", args.run, duration(*seconds));
                return Ok(ExitCode::SUCCESS);
            }
            // killed when nothing was left but to say so
            _ if owner.is_none() && complete(store, &folder) => {
                say!("{} is complete", args.run);
                return Ok(ExitCode::SUCCESS);
            }
            Some(Happened::Stopped { signal }) if owner.is_none() => {
                let by = signal.as_deref().unwrap_or("whoever ran it");
                return fails(format!("the training of {} was stopped by {by}", args.run));
            }
            Some(Happened::Failed { why }) if owner.is_none() => {
                return fails(format!("the training of {} failed: {why}", args.run));
            }
            Some(Happened::Diverged { epoch, step }) => {
                let message =
                    format!("the training of {} diverged in epoch {epoch}, step {step}", args.run);
                return Err(Failure { message, code: FAILURE });
            }
            None if owner.is_none() => {
                let message = format!("{} has no journal that could be followed", args.run);
                return Err(Failure { message, code: FAILURE });
            }
            _ if owner.is_none() => {
                let trainer = trainer(&entries);
                let here = trainer.is_none_or(|owner| owner.host == this_host());
                // a lock of another machine is not seen on every file system
                let epoch = epochs(&entries)
                    .last()
                    .map_or(0.0, |row| 10.0 * row.seconds / row.epoch.max(1) as f64);
                let patience = SILENCE + Duration::try_from_secs_f64(epoch).unwrap_or_default();
                if here || changed.elapsed() > patience {
                    let who = trainer.map_or("the process".to_string(), |owner| {
                        format!("process {} on {}", owner.pid, owner.host)
                    });
                    return fails(format!("{who}, which trained {}, has ended", args.run));
                }
            }
            _ => {}
        }
        std::thread::sleep(PAUSE);
    }
}

/// The folder of the training, and its epochs: that of the run which is to replace the one
/// of that name, if it is on its way.
fn place(store: &RunStore, name: &str) -> Result<(PathBuf, usize), Failure> {
    let beside = RunId::Disk(store.root().join(runs::beside(name)));
    let id = match store.manifest(&beside) {
        Ok(manifest) if manifest.state != RunState::Complete => beside,
        _ => store.resolve(name)?,
    };
    let manifest = store.manifest(&id)?;
    match id {
        RunId::Disk(folder) => Ok((folder, manifest.recipe.map_or(0, |recipe| recipe.epochs))),
        RunId::Embedded(_) => {
            let message = format!("{name} is inside the program: nobody trains it");
            Err(Failure { message, code: FAILURE })
        }
    }
}

/// True if the run in `folder` has its final weights.
fn complete(store: &RunStore, folder: &Path) -> bool {
    let manifest = store.manifest(&RunId::Disk(folder.to_path_buf()));
    manifest.is_ok_and(|manifest| manifest.state == RunState::Complete)
}

/// What tells a journal from one with more in it.
fn stamp(folder: &Path) -> Option<(u64, Option<SystemTime>)> {
    let meta = std::fs::metadata(runs::journal::path(folder)).ok()?;
    Some((meta.len(), meta.modified().ok()))
}

/// Who trained last.
fn trainer(entries: &[Entry]) -> Option<&Owner> {
    entries.iter().rev().find_map(|entry| match &entry.happened {
        Happened::Started(owner) | Happened::Resumed { owner, .. } => Some(owner),
        _ => None,
    })
}

/// Prints what is new since `told` entries; returns how many there are now.
fn tell(entries: &[Entry], told: usize, total: usize) -> usize {
    for entry in entries.iter().skip(told) {
        match &entry.happened {
            Happened::Started(owner) => say!("started by {}", words(owner)),
            Happened::Resumed { owner, epoch, step } => {
                say!("gone on by {} behind epoch {epoch}, step {step}", words(owner));
            }
            Happened::Epoch(row) => say!("{}", epoch_line(row, total)),
            _ => {}
        }
    }
    entries.len()
}

fn words(owner: &Owner) -> String {
    let Owner { pid, host, program, device } = owner;
    format!("process {pid} on {host}, {program}, on {device}")
}

/// An epoch in a line, with the time that is left if the rest goes as it went so far.
fn epoch_line(row: &MetricsRow, total: usize) -> String {
    let mut line = format!(
        "epoch {:>3}/{total}  train loss {:.4}  train accuracy {:5.1} %",
        row.epoch,
        row.train_loss,
        100.0 * row.train_accuracy
    );
    if let Some(accuracy) = row.test_accuracy {
        line.push_str(&format!("  test {:.1} %", 100.0 * accuracy));
    }
    let left = total.saturating_sub(row.epoch) as f64 * row.seconds / row.epoch.max(1) as f64;
    match total > row.epoch {
        true => format!("{line}  {} left", duration(left)),
        false => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_says_what_is_left_by_the_time_it_took_so_far() {
        let row = MetricsRow {
            epoch: 3,
            step: 30,
            lr: 0.1,
            train_loss: 1.5,
            train_accuracy: 0.25,
            test_loss: None,
            test_accuracy: Some(0.5),
            seconds: 30.0,
            validation_loss: None,
            validation_accuracy: None,
        };
        let line = epoch_line(&row, 5);
        assert!(line.starts_with("epoch   3/5  train loss 1.5000  train accuracy  25.0 %"));
        assert!(line.ends_with("  test 50.0 %  20 s left"), "{line}");
    }
}
