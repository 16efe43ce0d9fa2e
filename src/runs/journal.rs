//! `journal.jsonl`: what happened to a training, a line each, for whoever watches it from
//! elsewhere. Append-only; a line that is not finished by its line break is not there yet,
//! and one that a killed process left so is cut off by the next. Knows nothing of training.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::metrics::MetricsRow;
use super::read::Source;
use super::time::now_rfc3339;
use crate::files::scratch::host;

const FILE: &str = "journal.jsonl";
/// Largest journal that is read: about 200,000 lines.
const LIMIT: u64 = 64 << 20;

/// Which process trains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its number.
    pub pid: u32,
    /// Its machine.
    pub host: String,
    /// Program and version.
    pub program: String,
    /// The device, in words.
    pub device: String,
}

impl Owner {
    /// This process, which computes on the device of that name.
    pub fn this(device: impl Into<String>) -> Owner {
        let (pid, program) = (std::process::id(), super::program());
        Owner { pid, host: host(), program, device: device.into() }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Happened {
    /// Training began.
    Started(Owner),
    /// It went on behind so many epochs and steps of the next; what was told of later ones
    /// before holds no longer.
    Resumed {
        /// Who goes on.
        #[serde(flatten)]
        owner: Owner,
        /// Epochs done.
        epoch: usize,
        /// Steps done in the next.
        step: usize,
    },
    /// An epoch ended.
    Epoch(MetricsRow),
    /// A complete checkpoint was written.
    Checkpoint {
        /// Epochs done.
        epoch: usize,
        /// Steps done in the next.
        step: usize,
    },
    /// It was asked to stop, and can go on.
    Stopped {
        /// By which signal, where it was one.
        signal: Option<String>,
    },
    /// It failed, and can go on from its newest checkpoint.
    Failed {
        /// Why, in a line.
        why: String,
    },
    /// Loss or weights are no numbers any more.
    Diverged {
        /// Epoch, from 1.
        epoch: usize,
        /// Step, from 1 over all epochs.
        step: usize,
    },
    /// It has its final weights.
    Ended {
        /// Seconds that it took, over all processes.
        seconds: f64,
    },
    /// What a newer version tells.
    #[serde(other)]
    Other,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// RFC 3339 time in UTC by the clock of its machine; no duration is told from it.
    pub time: String,
    /// What happened then.
    #[serde(flatten)]
    pub happened: Happened,
}

/// A journal that is written to.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens the journal of the run in `folder`, which is made, and mends its end. The
    /// caller has the right to work on the run.
    ///
    /// # Errors
    /// [`RunError::Io`] naming the file.
    pub fn open(folder: &Path) -> Result<Journal, RunError> {
        let path = folder.join(FILE);
        let open = || {
            let mut options = OpenOptions::new();
            let mut file = options.read(true).append(true).create(true).open(&path)?;
            let end = file.seek(SeekFrom::End(0))?;
            // no line of ours is longer
            let tail = end.min(1 << 16);
            file.seek(SeekFrom::Start(end - tail))?;
            let mut last = Vec::new();
            (&mut file).take(tail).read_to_end(&mut last)?;
            let whole = last.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            if whole < last.len() {
                file.set_len(end - tail + whole as u64)?;
            }
            Ok(file)
        };
        let file = open().map_err(|e| RunError::io("write", &path, e))?;
        Ok(Journal { file, path })
    }

    /// Adds a line, in one write, and flushes it to the disk.
    ///
    /// # Errors
    /// [`RunError::Io`] naming the file.
    pub fn tell(&mut self, happened: Happened) -> Result<(), RunError> {
        let entry = Entry { time: now_rfc3339(), happened };
        let failed = |e| RunError::io("write", &self.path, e);
        let line = serde_json::to_string(&entry).map_err(|e| failed(e.into()))? + "\n";
        self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data()).map_err(failed)
    }
}

/// The journal of the run in `folder`.
pub fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// The name of this machine, as [`Owner`] has it.
pub fn this_host() -> String {
    host()
}

/// The finished lines of the journal of the run in `folder`; none if it has no journal.
/// Lines that are none of ours are left out.
///
/// # Errors
/// [`RunError`] naming the file.
pub fn read_journal(folder: &Path) -> Result<Vec<Entry>, RunError> {
    let bytes = Source::Folder(folder).bytes(FILE, LIMIT)?.unwrap_or_default();
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Vec<Entry> {
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let lines = bytes[..whole].split(|b| *b == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// The epochs that count: those told before a training went on from further back are gone.
pub fn epochs(entries: &[Entry]) -> Vec<MetricsRow> {
    let mut rows: Vec<MetricsRow> = Vec::new();
    for entry in entries {
        match &entry.happened {
            Happened::Started(_) => rows.clear(),
            Happened::Resumed { epoch, .. } => rows.retain(|row| row.epoch <= *epoch),
            Happened::Epoch(row) => rows.push(*row),
            _ => {}
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: usize) -> MetricsRow {
        MetricsRow {
            epoch,
            step: 3 * epoch,
            lr: 0.1,
            train_loss: 2.0 / 3.0,
            train_accuracy: 0.1,
            test_loss: None,
            test_accuracy: Some(0.25),
            seconds: 1.5,
            validation_loss: None,
            validation_accuracy: None,
        }
    }

    #[test]
    fn lines_come_back_and_a_torn_one_is_left_out_and_then_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_journal(dir.path()).unwrap(), []);
        let mut journal = Journal::open(dir.path()).unwrap();
        let owner = Owner::this("cpu");
        let told = [
            Happened::Started(owner.clone()),
            Happened::Epoch(row(1)),
            Happened::Checkpoint { epoch: 1, step: 2 },
            Happened::Stopped { signal: Some("SIGTERM".into()) },
            Happened::Diverged { epoch: 2, step: 9 },
            Happened::Ended { seconds: 2.5 },
        ];
        for happened in &told {
            journal.tell(happened.clone()).unwrap();
        }
        let path = dir.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend(b"{\"time\":\"2026\",\"event\":\"ep");
        std::fs::write(&path, &bytes).unwrap();
        let found = || -> Vec<Happened> {
            read_journal(dir.path()).unwrap().into_iter().map(|entry| entry.happened).collect()
        };
        assert_eq!(found(), told);
        let resumed = Happened::Resumed { owner, epoch: 1, step: 2 };
        Journal::open(dir.path()).unwrap().tell(resumed.clone()).unwrap();
        assert_eq!(found(), [&told[..], &[resumed]].concat());
    }

    #[test]
    fn epochs_behind_the_checkpoint_that_is_gone_on_from_do_not_count() {
        let entry = |happened| Entry { time: String::new(), happened };
        let owner = Owner::this("cpu");
        let resumed = Happened::Resumed { owner: owner.clone(), epoch: 1, step: 0 };
        let told = [
            Happened::Started(owner),
            Happened::Epoch(row(1)),
            Happened::Epoch(row(2)),
            resumed,
            Happened::Epoch(MetricsRow { seconds: 9.0, ..row(2) }),
        ];
        let rows = epochs(&told.map(entry));
        assert_eq!(rows, [row(1), MetricsRow { seconds: 9.0, ..row(2) }]);
    }

    #[test]
    fn what_a_newer_version_tells_is_no_fault() {
        let text = "{\"time\":\"t\",\"event\":\"paused\",\"x\":1}\nnonsense\n\n";
        let found = parse(text.as_bytes());
        assert_eq!(found, [Entry { time: "t".into(), happened: Happened::Other }]);
    }
}
