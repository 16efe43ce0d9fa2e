//! Writing a run's files so that a reader never sees half of one, nor some of a set: each
//! is written beside its place, flushed to the disk and renamed, and what replaces
//! something changes places with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::check;
use super::error::RunError;
use super::layout::{FORMAT, MAPS, NEWEST};
use super::locks;
use super::manifest::RunManifest;
use crate::files::scratch::{NEW, Scratch, exchange, sweep};
use crate::files::{self, set, steps, sync_folder};

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

/// Puts files and the record that speaks of them in place, as one: a reader sees the old
/// ones or the new, whatever ends between.
pub(super) fn group<'a>(
    dir: &Path,
    (record, text): (&'a str, String),
    mut files: Vec<(&'a str, Vec<u8>)>,
) -> Result<(), RunError> {
    real_folder(dir)?;
    files.push((record, text.into_bytes()));
    set::write(dir, &files).map_err(RunError::of_file)
}

/// Makes a folder unless it is there; a link in its place is refused.
pub(super) fn real_folder(dir: &Path) -> Result<(), RunError> {
    match fs::symlink_metadata(dir) {
        Ok(meta) if meta.is_dir() => Ok(()),
        Ok(_) => Err(RunError::NotPlain(dir.to_path_buf())),
        Err(_) => fs::create_dir_all(dir).map_err(|e| RunError::io("create", dir, e)),
    }
}

/// What has the name of a new folder already.
pub(super) enum Taken {
    /// It is refused.
    Refused,
    /// It is replaced if it is what is asked for here, else refused.
    Replaced(fn(&Path) -> bool),
}

/// True if a folder is a run: only then may another take its place.
pub(super) fn is_run(folder: &Path) -> bool {
    let is = |path: &Path, what: fn(&fs::Metadata) -> bool| {
        fs::symlink_metadata(path).is_ok_and(|meta| what(&meta))
    };
    is(folder, fs::Metadata::is_dir) && is(&folder.join("run.ron"), fs::Metadata::is_file)
}

/// Refuses to replace what is no run.
pub(super) fn check_taken(target: &Path, taken: &Taken) -> Result<bool, RunError> {
    match (fs::symlink_metadata(target).is_ok(), taken) {
        (false, _) => Ok(false),
        (true, Taken::Refused) => Err(RunError::Exists(target.to_path_buf())),
        (true, Taken::Replaced(what)) if what(target) => Ok(true),
        (true, Taken::Replaced(_)) => Err(RunError::NotReplaced(target.to_path_buf())),
    }
}

/// Makes the folder `root/name` in one step: `fill` writes its files into a hidden
/// neighbour, which is then renamed, or changes places with what it replaces. That is
/// deleted last, and not while another process works on it.
///
/// # Errors
/// [`RunError`]; nothing of the new folder is left then, and the old one is in place.
pub(super) fn new_folder(
    root: &Path,
    name: &str,
    taken: &Taken,
    fill: impl FnOnce(&Path) -> Result<(), RunError>,
) -> Result<PathBuf, RunError> {
    check::check_name(name)?;
    let target = root.join(name);
    check_taken(&target, taken)?;
    fs::create_dir_all(root).map_err(|e| RunError::io("create", root, e))?;
    let made = Scratch::new(root, NEW).map_err(|e| RunError::io("create a folder in", root, e))?;
    // what cannot be written is told by the place that it was to have
    fill(made.path()).map_err(|error| error.moved(made.path(), &target))?;
    sync_folder(made.path());
    for last in [false, true] {
        // it may have come or gone meanwhile
        if check_taken(&target, taken)? {
            let _held = (locks::work(&target)?, locks::merge(&target)?);
            exchange(made.path(), &target).map_err(|e| RunError::io("replace", &target, e))?;
            // the old one goes with the scratch
            break;
        }
        match steps::step().and_then(|()| fs::rename(made.path(), &target)) {
            Ok(()) => {
                made.kept();
                break;
            }
            Err(_) if !last && fs::symlink_metadata(&target).is_ok() => {}
            Err(e) => return Err(RunError::io("create", &target, e)),
        }
    }
    sync_folder(root);
    Ok(target)
}

/// Puts the complete run in `new` in the place of the one in `old`, which is deleted then.
/// The caller has the right to work on both.
pub(super) fn replace(new: &Path, old: &Path) -> Result<(), RunError> {
    let failed = |e| RunError::io("replace", old, e);
    match check_taken(old, &Taken::Replaced(is_run))? {
        true => {
            let _held = locks::merge(old)?;
            exchange(new, old).map_err(failed)?;
            remove(new).map_err(failed)
        }
        false => fs::rename(new, old).map_err(failed),
    }
}

/// Removes a run. It goes out of sight before it goes, and to where nothing is put back
/// from.
pub(super) fn remove(run: &Path) -> io::Result<()> {
    let scratch = Scratch::new(run.parent().unwrap_or(run), NEW)?;
    let gone = scratch.path().join("removed");
    steps::step().and_then(|()| fs::rename(run, gone)).or_else(gone_already)
}

fn gone_already(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Removes what killed processes left in a run, and completes what one had begun to put
/// in place.
pub(super) fn sweep_run(folder: &Path) {
    let maps = folder.join(MAPS);
    let all = ["", "checkpoints", NEWEST, "analysis", MAPS].map(|place| folder.join(place));
    sweep_all(all.into_iter().chain(below(&maps)));
}

/// The same for the comparisons in `root`.
pub(super) fn sweep_pairs(root: &Path) {
    let pairs: Vec<_> = below(root).collect();
    let maps: Vec<_> = pairs.iter().flat_map(|pair| below(pair)).collect();
    sweep_all(std::iter::once(root.to_path_buf()).chain(pairs).chain(maps));
}

/// What lies in a folder.
fn below(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn sweep_all(places: impl Iterator<Item = PathBuf>) {
    for place in places {
        // a link would lead out of the run
        if fs::symlink_metadata(&place).is_ok_and(|meta| meta.is_dir()) {
            sweep(&place);
            // what cannot be completed now is read as it is
            if let Err(error) = set::finish(&place) {
                tracing::warn!("{}: {error}", files::shown(&place));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_failed_fill_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let error = new_folder(dir.path(), "a", &Taken::Refused, |folder| {
            atomic(&folder.join("half"), b"x")?;
            Err(RunError::Exists(folder.to_path_buf()))
        });
        assert!(error.is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn replacing_keeps_no_remains_of_the_old_run() {
        let dir = tempfile::tempdir().unwrap();
        let fill = |file: &'static str| {
            move |folder: &Path| {
                atomic(&folder.join(file), b"x")?;
                atomic(&folder.join("run.ron"), b"()")
            }
        };
        new_folder(dir.path(), "a", &Taken::Refused, fill("one")).unwrap();
        let again = new_folder(dir.path(), "a", &Taken::Refused, fill("two"));
        assert!(matches!(again, Err(RunError::Exists(_))));
        assert!(dir.path().join("a/one").is_file());
        new_folder(dir.path(), "a", &Taken::Replaced(is_run), fill("two")).unwrap();
        assert!(!dir.path().join("a/one").exists() && dir.path().join("a/two").is_file());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_a_run_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let photos = dir.path().join("photos");
        fs::create_dir(&photos).unwrap();
        fs::write(photos.join("one.jpg"), "x").unwrap();
        fs::write(dir.path().join("file"), "x").unwrap();
        for name in ["photos", "file"] {
            let fill = |_: &Path| panic!("nothing is written");
            let error = new_folder(dir.path(), name, &Taken::Replaced(is_run), fill).unwrap_err();
            assert!(error.to_string().contains("only a run is replaced"), "{error}");
        }
        assert_eq!(fs::read(photos.join("one.jpg")).unwrap(), b"x");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
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
