//! Converts runs and comparisons of format 1 in place. New files are written first, then
//! what makes the folder one of format 2 (`run.ron`; for a comparison, the old record
//! goes), then the old files are removed. Killed at any point it leaves a folder that
//! opens with nothing lost, and done again it completes.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::super::layout::{FORMAT, MAP_RECORD, MAPS, OLD_PAIR};
use super::super::read::Source;
use super::super::{aside, maps, read, write};
use super::{Old, PAIR_ARRAYS, PRUNED, RunError, held, is_comparison, is_left};
use crate::domain::Map;
use crate::files::steps;

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrated {
    /// It was of the present format.
    Nothing,
    /// It is now.
    Converted {
        /// Its maps.
        maps: usize,
    },
    /// An earlier migration had not removed all old files.
    Completed,
}

/// What becomes of a damaged map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runs) enum Damage {
    /// It is told, and nothing is changed.
    Refused,
    /// Its files stay as they are, and the others are converted.
    Left,
}

/// Converts the run in `folder`, or completes what an earlier try began.
pub(in crate::runs) fn run(folder: &Path, damage: Damage) -> Result<Migrated, RunError> {
    let source = Source::Folder(folder);
    let manifest = read::manifest(source)?;
    let old = manifest.format == 1;
    if !old && !is_left(source) {
        return Ok(Migrated::Nothing);
    }
    let current = super::RunManifest { format: FORMAT, ..manifest.clone() };
    // a map that is there already was made or converted after the old one
    let there =
        |of: &Old| !old && matches!(maps::read(source, MAPS, &of.id, Some(&current)), Ok(Some(_)));
    let (done, mut open): (Vec<Old>, Vec<Old>) =
        held(source, &manifest)?.into_iter().partition(there);
    let read = |of: &mut Old| match std::mem::replace(&mut of.key, Ok(None))? {
        // files without the record that speaks of them are no map
        None => Ok(None),
        Some(key) => {
            of.key = Ok(Some(key.clone()));
            super::map(source, &manifest, &key)
        }
    };
    if damage == Damage::Refused {
        open.iter_mut().try_for_each(|of| read(of).map(drop))?;
    }
    let mut files: Vec<String> = Vec::new();
    for mut of in done {
        match read(&mut of) {
            Ok(_) => files.extend(of.files),
            // a new one was made in its place
            Err(_) => aside::put(folder, &of.id, &of.files)?,
        }
    }
    let mut converted = 0;
    for mut of in open {
        match read(&mut of) {
            Ok(Some(map)) => {
                maps::write_run(folder, &current, &map)?;
                converted += 1;
                files.extend(of.files);
            }
            Ok(None) => files.extend(of.files),
            Err(error) if damage == Damage::Refused => return Err(error),
            Err(_) => {}
        }
    }
    if old {
        write::manifest(folder, &manifest)?;
    }
    remove(folder, &files)?;
    Ok(if old { Migrated::Converted { maps: converted } } else { Migrated::Completed })
}

/// Removes files of a run, records first, and the folders that are empty then.
fn remove(run: &Path, files: &[String]) -> Result<(), RunError> {
    let place = run.join("analysis");
    // a link would lead out of the run
    if !is_folder(&place) {
        return Ok(());
    }
    for file in files {
        let path = run.join(file);
        let inside = path.parent().is_some_and(is_folder)
            && (!file.starts_with(PRUNED) || is_folder(&run.join(PRUNED)));
        if inside {
            gone(steps::step().and_then(|()| fs::remove_file(&path)), &path)?;
        }
    }
    let pruned = run.join(PRUNED);
    if is_folder(&pruned) {
        let entries = fs::read_dir(&pruned).map_err(|e| RunError::io("read", &pruned, e))?;
        // one that holds anything else stays
        for entry in entries.flatten() {
            let _ = fs::remove_dir(entry.path());
        }
        let _ = fs::remove_dir(&pruned);
    }
    Ok(())
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn gone(removed: std::io::Result<()>, path: &Path) -> Result<(), RunError> {
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(RunError::io("remove", path, e)),
        _ => Ok(()),
    }
}

/// Converts the comparison `name` below `root`, or completes what an earlier try began.
pub(in crate::runs) fn pair(root: &Path, name: &str) -> Result<Migrated, RunError> {
    let folder = root.join(name);
    if !is_folder(&folder) || !is_comparison(&folder) {
        return Err(RunError::damaged(&folder, "not a comparison"));
    }
    let old = match folder.join(OLD_PAIR).exists() {
        true => super::pair(Source::Folder(root), name)?,
        false => None,
    };
    let done = match &old {
        Some(pair) => Migrated::Converted { maps: 1 + pair.others.len() },
        None if PAIR_ARRAYS.iter().any(|file| folder.join(file).exists()) => Migrated::Completed,
        None => return Ok(Migrated::Nothing),
    };
    for map in old.iter().flat_map(|pair| std::iter::once(&pair.cka).chain(&pair.others)) {
        put(&folder, map)?;
    }
    for file in [OLD_PAIR].iter().chain(&PAIR_ARRAYS) {
        let path = folder.join(file);
        gone(steps::step().and_then(|()| fs::remove_file(&path)), &path)?;
    }
    Ok(done)
}

fn put(folder: &Path, map: &Map) -> Result<(), RunError> {
    let dir = folder.join(map.key.id());
    let (record, arrays) = maps::encoded(&dir, map, None)?;
    write::group(&dir, (MAP_RECORD, record), arrays)
}
