//! Writing a run's files so that a reader never sees half of one: each is
//! written beside its place, flushed to the disk and renamed.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::check;
use super::error::RunError;
use super::layout::FORMAT;
use super::manifest::RunManifest;
use crate::files::{self, put, shared_mode, stage, sync_folder};

/// Writes a file in one step: a reader sees the old contents or the new.
///
/// # Errors
/// [`RunError::Io`] naming the file; the old contents are untouched then.
pub(super) fn atomic(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    files::atomic(path, bytes).map_err(RunError::of_file)
}

/// Pretty RON, ending in a line break.
pub(super) fn to_ron<T: Serialize>(value: &T) -> Result<String, ron::Error> {
    let config = ron::ser::PrettyConfig::new().new_line("\n").compact_arrays(true);
    ron::ser::to_string_pretty(value, config).map(|text| text + "\n")
}

pub(super) fn checked_ron<T: Serialize>(
    path: &Path,
    value: &T,
    check: Result<(), String>,
) -> Result<String, RunError> {
    check.map_err(|e| RunError::damaged(path, format!("not written: {e}")))?;
    to_ron(value).map_err(|e| RunError::damaged(path, format!("not written: {e}")))
}

/// Writes `run.ron` into `folder`, in the present format.
///
/// # Errors
/// [`RunError`] naming the file.
pub(super) fn manifest(folder: &Path, manifest: &RunManifest) -> Result<(), RunError> {
    let path = folder.join("run.ron");
    let manifest = &RunManifest { format: FORMAT, ..manifest.clone() };
    atomic(&path, checked_ron(&path, manifest, check::manifest(manifest))?.as_bytes())
}

/// Puts files and the record that speaks of them in place, the record last, and
/// takes the old record away first.
pub(super) fn group(
    dir: &Path,
    (record, text): (&str, String),
    files: Vec<(&str, Vec<u8>)>,
) -> Result<(), RunError> {
    real_folder(dir)?;
    let record = dir.join(record);
    let mut staged = Vec::new();
    for (file, bytes) in files {
        let path = dir.join(file);
        staged.push((stage(&path, &bytes).map_err(|e| RunError::io("write", &path, e))?, path));
    }
    let last = stage(&record, text.as_bytes()).map_err(|e| RunError::io("write", &record, e))?;
    match fs::remove_file(&record) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(RunError::io("replace", &record, e));
        }
        _ => {}
    }
    staged.push((last, record));
    for (file, path) in staged {
        put(file, &path).map_err(|e| RunError::io("write", &path, e))?;
    }
    Ok(())
}

/// Writes `folder/checkpoints/NAME` in one step.
///
/// # Errors
/// [`RunError`] if the name is not a plain file name, or naming the file.
pub fn write_checkpoint(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), RunError> {
    check::check_name(name)?;
    let dir = folder.join("checkpoints");
    real_folder(&dir)?;
    atomic(&dir.join(name), bytes)
}

/// Makes a folder unless it is there; a link in its place is refused.
pub(super) fn real_folder(dir: &Path) -> Result<(), RunError> {
    match fs::symlink_metadata(dir) {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => Err(RunError::NotPlain(dir.to_path_buf())),
        Err(_) => fs::create_dir_all(dir).map_err(|e| RunError::io("create", dir, e)),
    }
}

/// Makes the run folder `root/name` in one step: `fill` writes its files into a
/// hidden neighbour, which is then renamed. With `replace`, a run of that name
/// is put aside first and deleted last.
///
/// # Errors
/// [`RunError`]; nothing of the new run is left then, and the old one is in place.
pub(super) fn new_folder(
    root: &Path,
    name: &str,
    replace: bool,
    fill: impl FnOnce(&Path) -> Result<(), RunError>,
) -> Result<std::path::PathBuf, RunError> {
    check::check_name(name)?;
    let target = root.join(name);
    let exists = || fs::symlink_metadata(&target).is_ok();
    if exists() && !replace {
        return Err(RunError::Exists(target));
    }
    fs::create_dir_all(root).map_err(|e| RunError::io("create", root, e))?;
    let beside = |prefix: &str| {
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        if let Some(mode) = shared_mode(0o777) {
            builder.permissions(mode);
        }
        builder.tempdir_in(root).map_err(|e| RunError::io("create a folder in", root, e))
    };
    let made = beside(".new-")?;
    fill(made.path())?;
    sync_folder(made.path());
    let failed = |e| RunError::io("create", &target, e);
    if replace && exists() {
        let aside = beside(".old-")?;
        let old = aside.path().join(name);
        fs::rename(&target, &old).map_err(failed)?;
        if let Err(e) = fs::rename(made.path(), &target) {
            // Put back what was there; the error that matters is the first.
            let _ = fs::rename(&old, &target);
            return Err(failed(e));
        }
    } else {
        fs::rename(made.path(), &target)
            .map_err(|e| if exists() { RunError::Exists(target.clone()) } else { failed(e) })?;
    }
    // Renamed: there is nothing left to delete.
    let _ = made.keep();
    sync_folder(root);
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_failed_fill_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let error = new_folder(dir.path(), "a", false, |folder| {
            atomic(&folder.join("half"), b"x")?;
            Err(RunError::Exists(folder.to_path_buf()))
        });
        assert!(error.is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn replacing_keeps_no_remains_of_the_old_run() {
        let dir = tempfile::tempdir().unwrap();
        let fill = |file: &'static str| move |folder: &Path| atomic(&folder.join(file), b"x");
        new_folder(dir.path(), "a", false, fill("one")).unwrap();
        let again = new_folder(dir.path(), "a", false, fill("two"));
        assert!(matches!(again, Err(RunError::Exists(_))));
        assert!(dir.path().join("a/one").is_file());
        new_folder(dir.path(), "a", true, fill("two")).unwrap();
        assert!(!dir.path().join("a/one").exists() && dir.path().join("a/two").is_file());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn checkpoints_stay_in_their_folder() {
        let dir = tempfile::tempdir().unwrap();
        assert!(write_checkpoint(dir.path(), "../x", b"").is_err());
    }

    #[test]
    fn what_could_not_be_read_back_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let mut bad = fixtures::manifest("a");
        bad.device = "cpu\n".into();
        assert!(manifest(dir.path(), &bad).unwrap_err().to_string().contains("not written"));
        let mut short = fixtures::analysis(4);
        short.record.rows.layers.pop();
        let good = fixtures::manifest("a");
        let error = super::super::maps::write_run(dir.path(), &good, &short).unwrap_err();
        assert!(error.to_string().contains("values.npy: not written: 4x4 values"), "{error}");
    }

    proptest! {
        #[test]
        fn manifests_survive_ron(
            name in "\\PC{0,40}",
            class in "\\PC{0,12}",
            seed in any::<Option<u64>>(),
            fraction in 1e-9f64..=1.0,
            loss in 0.0f64..1e300,
            width in 0.1f64..100.0,
            epoch in any::<usize>(),
        ) {
            let mut m = fixtures::manifest(&name);
            m.data.classes.push(class);
            m.seed = seed;
            m.data.fraction = fraction;
            m.model.width = width;
            m.test.as_mut().unwrap().loss = loss;
            m.state = super::super::RunState::Training { epoch, epochs: 7 };
            let back: RunManifest = ron::from_str(&to_ron(&m).unwrap()).unwrap();
            prop_assert_eq!(back, m);
        }
    }
}
