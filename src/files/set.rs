//! Files that belong together, written as one: all lie whole in a hidden folder, which one
//! rename makes the set that counts, and are then moved to their places. A reader looks
//! into that folder first, so it sees the old set or the new whatever ended between, and
//! whoever writes next moves the rest. Knows no contents.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::scratch::{NEW, Scratch};
use super::{FileError, steps, sync_folder};

/// The folder of a set that counts already and is not in its places yet.
pub(crate) const COMMIT: &str = ".commit";
/// How often a set of another process may come first.
const TRIES: usize = 1000;

/// Writes files of `dir` in one step for every reader of [`COMMIT`].
///
/// # Errors
/// [`FileError::Io`] naming the file; the old ones count then, or the new ones, never some
/// of each.
pub(crate) fn write(dir: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), FileError> {
    let failed = |name: &str, e| FileError::io("write", &dir.join(name), e);
    let last = files.last().map_or("", |(name, _)| name);
    let made = Scratch::new(dir, NEW).map_err(|e| failed(last, e))?;
    for (name, bytes) in files {
        let whole = || {
            steps::step()?;
            let mut file = File::create_new(made.path().join(name))?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        whole().map_err(|e| failed(name, e))?;
    }
    sync_folder(made.path());
    commit(made, dir).map_err(|e| failed(last, e))?;
    finish(dir).map_err(|e| failed(last, e))
}

fn commit(made: Scratch, dir: &Path) -> io::Result<()> {
    for _ in 0..TRIES {
        finish(dir)?;
        steps::step()?;
        match fs::rename(made.path(), dir.join(COMMIT)) {
            Ok(()) => {
                made.kept();
                sync_folder(dir);
                return Ok(());
            }
            // another process was faster: its set first
            Err(e) if matches!(e.kind(), ErrorKind::DirectoryNotEmpty) => {}
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other(format!("{COMMIT} is in the way")))
}

/// Moves the files of a set that counts to their places. Several processes may do so at
/// once.
///
/// # Errors
/// What the system said; the set still counts then.
pub(crate) fn finish(dir: &Path) -> io::Result<()> {
    let from = dir.join(COMMIT);
    match fs::symlink_metadata(&from) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
        Ok(meta) if !meta.is_dir() => {
            return Err(io::Error::other(format!("{COMMIT} in it is not a folder; remove it")));
        }
        Ok(_) => {}
    }
    let Some(entries) = there(fs::read_dir(&from))? else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        if there(entry.file_type())?.is_some_and(|kind| kind.is_file()) {
            steps::step()?;
            there(fs::rename(entry.path(), dir.join(entry.file_name())))?;
        }
    }
    sync_folder(dir);
    steps::step()?;
    match there(fs::remove_dir(&from)) {
        // the next set of another process
        Err(e) if e.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
        other => other.map(drop),
    }
}

/// What is there, or nothing where another process was faster.
fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file as readers see it.
    fn seen(dir: &Path, name: &str) -> Option<String> {
        let first = fs::read_to_string(dir.join(COMMIT).join(name)).ok();
        first.or_else(|| fs::read_to_string(dir.join(name)).ok())
    }

    fn set(text: &str) -> Vec<(&'static str, Vec<u8>)> {
        ["table", "array", "record"].map(|name| (name, text.into())).to_vec()
    }

    #[test]
    fn a_set_that_was_killed_at_any_step_is_the_old_one_or_the_new() {
        let (mut steps, mut olds, mut news) = (0, 0, 0);
        loop {
            let dir = tempfile::tempdir().unwrap();
            write(dir.path(), &set("old")).unwrap();
            let whole = steps::killed_after(steps, || drop(write(dir.path(), &set("new"))));
            let seen: Vec<_> =
                ["table", "array", "record"].map(|name| seen(dir.path(), name).unwrap()).into();
            assert!(seen.iter().all(|text| *text == seen[0]), "{steps}: {seen:?}");
            if seen[0] == "old" {
                olds += 1
            } else {
                news += 1
            }
            write(dir.path(), &set("next")).unwrap();
            assert_eq!(fs::read_to_string(dir.path().join("record")).unwrap(), "next");
            assert!(!dir.path().join(COMMIT).exists());
            if whole {
                assert_eq!(seen[0], "new");
                break;
            }
            steps += 1;
        }
        assert!(olds >= 4 && news >= 4, "{olds} {news}");
    }

    #[test]
    fn sets_of_several_at_once_are_never_mixed() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let dir = dir.path();
                scope.spawn(move || {
                    for round in 0..20 {
                        write(dir, &set(&format!("{writer} {round}"))).unwrap();
                    }
                });
            }
        });
        let texts = ["table", "array", "record"].map(|name| seen(dir.path(), name).unwrap());
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }
}
