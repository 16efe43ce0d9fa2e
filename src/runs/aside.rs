//! What cannot be read is not written over. Before a new result takes its place it is moved
//! to `aside/` within its run, where whoever knows what is wrong with it finds it. Knows no
//! contents.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::RunError;
use super::write::real_folder;
use crate::files::{set, steps};

/// The folder within a run.
pub(super) const ASIDE: &str = "aside";
/// More tries than there are folders of one name.
const TRIES: usize = 10_000;

/// Makes room for a new result `what` of `run` in `files` (with `/`): an `old` one that is
/// damaged is set aside, one that can be read stays to be replaced.
///
/// # Errors
/// That it was written by a newer program or could not be looked at, which is no reason to
/// replace it; or what could not be moved.
pub(super) fn make_room<T>(
    run: &Path,
    what: &str,
    files: &[String],
    old: Result<T, RunError>,
) -> Result<(), RunError> {
    match old {
        Ok(_) => Ok(()),
        Err(error @ (RunError::Newer { .. } | RunError::Io { .. })) => Err(error),
        Err(error) => {
            tracing::warn!("set aside: {error}");
            put(run, what, files)
        }
    }
}

/// Moves those of `files` that are there to `aside/WHAT-1`, or the next free number.
///
/// # Errors
/// [`RunError`] naming what could not be moved.
pub(super) fn put(run: &Path, what: &str, files: &[String]) -> Result<(), RunError> {
    let mut place = None;
    for file in files {
        if let Some((dir, _)) = file.rsplit_once('/') {
            // one of a set may not be in its place yet
            let _ = set::finish(&run.join(dir));
        }
        let Some(found) = in_the_way(run, file) else { continue };
        let to = match &place {
            Some(place) => place,
            None => place.insert(new_place(run, what)?),
        };
        let Some(name) = found.file_name() else { continue };
        match steps::step().and_then(|()| fs::rename(&found, to.join(name))) {
            // another process was faster
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            done => done.map_err(|e| RunError::io("set aside", &found, e))?,
        }
    }
    Ok(())
}

/// What lies where the file would be, or is no folder on the way to it.
fn in_the_way(run: &Path, file: &str) -> Option<PathBuf> {
    let mut path = run.to_path_buf();
    for part in file.split('/') {
        path.push(part);
        if !fs::symlink_metadata(&path).ok()?.is_dir() {
            return Some(path);
        }
    }
    Some(path)
}

fn new_place(run: &Path, what: &str) -> Result<PathBuf, RunError> {
    let all = run.join(ASIDE);
    real_folder(&all)?;
    for at in 1..TRIES {
        let place = all.join(format!("{what}-{at}"));
        match fs::create_dir(&place) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            made => {
                return made.map(|()| place.clone()).map_err(|e| RunError::io("create", &place, e));
            }
        }
    }
    Err(RunError::damaged(&all, "too much lies there; remove what is not needed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(run: &Path) -> Vec<String> {
        ["analysis/a.csv", "analysis/a.ron"]
            .map(|file| {
                assert!(run.is_dir());
                file.to_string()
            })
            .to_vec()
    }

    #[test]
    fn what_is_damaged_is_moved_and_numbered() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path();
        for (at, text) in [(1, "one"), (2, "two")] {
            fs::create_dir_all(run.join("analysis")).unwrap();
            fs::write(run.join("analysis/a.csv"), text).unwrap();
            let damaged = Err::<(), _>(RunError::damaged(run, "x"));
            make_room(run, "a", &files(run), damaged).unwrap();
            assert!(!run.join("analysis/a.csv").exists());
            let kept = fs::read_to_string(run.join(format!("aside/a-{at}/a.csv"))).unwrap();
            assert_eq!(kept, text);
        }
        // nothing there: nothing is made
        make_room(run, "a", &files(run), Err::<(), _>(RunError::damaged(run, "x"))).unwrap();
        assert_eq!(fs::read_dir(run.join("aside")).unwrap().count(), 2);
    }

    #[test]
    fn what_a_newer_program_wrote_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let newer = RunError::Newer { path: dir.path().into(), found: 9 };
        let error = make_room(dir.path(), "a", &files(dir.path()), Err::<(), _>(newer));
        assert!(matches!(error, Err(RunError::Newer { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_on_the_way_is_moved_and_what_it_leads_to_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (run, other) = (dir.path().join("run"), dir.path().join("other"));
        fs::create_dir(&run).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("a.csv"), "mine").unwrap();
        std::os::unix::fs::symlink("../other", run.join("analysis")).unwrap();
        make_room(&run, "a", &files(&run), Err::<(), _>(RunError::NotPlain(run.clone()))).unwrap();
        assert!(fs::symlink_metadata(run.join("analysis")).is_err());
        assert!(fs::symlink_metadata(run.join("aside/a-1/analysis")).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(other.join("a.csv")).unwrap(), "mine");
    }
}
