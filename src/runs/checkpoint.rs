//! The newest complete checkpoint of a training: all that it needs to go on exactly, in
//! `checkpoints/newest/`. Old or new, never some of each. Knows no tensors.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::layout::{FORMAT, NEWEST, Versioned};
use super::parts::Parts;
use super::read::{RECORD_LIMIT, Source, WEIGHTS_LIMIT, versioned};
use super::write;
use crate::domain::training::Position;

const RECORD: &str = "state.ron";
const TENSORS: &str = "tensors.safetensors";

/// The contents of `state.ron`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    format: u32,
    program: String,
    created: String,
    at: Position,
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    parts: Parts,
}

impl Versioned for Record {
    fn format(&self) -> u32 {
        self.format
    }
}

/// A complete checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Where the training stands.
    pub at: Position,
    /// Its tensors, as a file.
    pub tensors: Vec<u8>,
}

/// Replaces the newest checkpoint of the run in `folder`, in one step for every reader.
///
/// # Errors
/// [`RunError`] naming the file; the old one counts then.
pub fn write_newest(folder: &Path, checkpoint: Checkpoint) -> Result<(), RunError> {
    write::real_folder(&folder.join("checkpoints"))?;
    let dir = folder.join(NEWEST);
    let path = dir.join(RECORD);
    let at = checkpoint.at;
    let files = vec![(TENSORS, checkpoint.tensors)];
    let record = Record {
        format: FORMAT,
        program: super::program(),
        created: super::now_rfc3339(),
        at,
        parts: Parts::of(&files),
    };
    let text = write::checked_ron(&path, &record, at.check())?;
    write::group(&dir, (RECORD, text), files)
}

/// Reads the newest checkpoint of the run in `folder`; `None` if it has none.
///
/// # Errors
/// [`RunError`] naming the file.
pub fn read_newest(folder: &Path) -> Result<Option<Checkpoint>, RunError> {
    let source = Source::Folder(folder);
    let (record, tensors) = (format!("{NEWEST}/{RECORD}"), format!("{NEWEST}/{TENSORS}"));
    let Some(bytes) = source.bytes(&record, RECORD_LIMIT)? else { return Ok(None) };
    let path = source.path(&record);
    let read: Record = versioned(&bytes, &path)?;
    read.at.check().map_err(|e| RunError::damaged(&path, e))?;
    let damaged = |e: String| {
        let remedy = "remove checkpoints/newest to train it again from the start";
        RunError::damaged(&source.path(&tensors), format!("{e}; {remedy}"))
    };
    let bytes = source.bytes(&tensors, WEIGHTS_LIMIT)?.ok_or_else(|| damaged("missing".into()))?;
    read.parts.check(RECORD, TENSORS, &bytes).map_err(damaged)?;
    Ok(Some(Checkpoint { at: read.at, tensors: bytes.into_owned() }))
}

/// Removes the newest checkpoint of a run that needs it no longer.
///
/// # Errors
/// [`RunError::Io`] naming its folder.
pub fn remove_newest(folder: &Path) -> Result<(), RunError> {
    let dir = folder.join(NEWEST);
    match fs::remove_dir_all(&dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(RunError::io("remove", &dir, e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::steps::killed_after;

    fn at(epoch: usize) -> Checkpoint {
        let at = Position { epoch, loss_sum: 0.1, drawn: u64::MAX, ..Position::default() };
        Checkpoint { at, tensors: vec![epoch as u8; 9] }
    }

    #[test]
    fn a_write_that_is_killed_at_any_step_leaves_the_old_one_or_the_new() {
        let (mut steps, mut olds) = (0, 0);
        loop {
            let dir = tempfile::tempdir().unwrap();
            assert_eq!(read_newest(dir.path()).unwrap(), None);
            write_newest(dir.path(), at(1)).unwrap();
            let whole = killed_after(steps, || drop(write_newest(dir.path(), at(2))));
            let seen = read_newest(dir.path()).unwrap().unwrap();
            assert!(seen == at(1) || seen == at(2), "{steps}: {seen:?}");
            olds += usize::from(seen == at(1));
            if whole {
                assert_eq!(seen, at(2));
                break;
            }
            steps += 1;
        }
        assert!(olds >= 3, "{olds}");
    }

    #[test]
    fn damage_is_named_with_a_remedy_and_no_checkpoint_is_left_when_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        write_newest(dir.path(), at(1)).unwrap();
        let tensors = dir.path().join(NEWEST).join(TENSORS);
        fs::write(&tensors, b"other").unwrap();
        let text = read_newest(dir.path()).unwrap_err().to_string();
        assert!(text.contains("tensors.safetensors: not the file") && !text.contains('\n'));
        remove_newest(dir.path()).unwrap();
        assert_eq!(read_newest(dir.path()).unwrap(), None);
        remove_newest(dir.path()).unwrap();
        let bad = Position { loss_sum: f32::NAN, ..Position::default() };
        let bad = write_newest(dir.path(), Checkpoint { at: bad, tensors: vec![] });
        assert!(bad.unwrap_err().to_string().contains("not written"));
    }
}
