//! Runs and comparisons of format 1: each kind of map had files of its own. Read as they
//! lie, as the same maps that format 2 holds, and converted by [`migrate`]. Knows what
//! was written then; nothing else in the program does.

pub(super) mod migrate;
mod records;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::comparison::PairMaps;
use super::error::RunError;
use super::hash::sha256_hex;
use super::layout::{MAP_RECORD, OLD_PAIR as PAIR};
use super::manifest::RunManifest;
use super::maps::{self, RunMaps};
use super::read::{RECORD_LIMIT, Source, versioned};
use super::{check, components};
use crate::domain::map::BLOCKS;
use crate::domain::{Bypass, Map, MapHead, MapKey, MapRecord};
use records::{AnalysisRecord, PairRecord, PrunedRecord};

/// The main map of a run.
const ANALYSIS: &str = "analysis/analysis.ron";
const CKA: &str = "analysis/cka.npy";
const SE: &str = "analysis/cka_se.npy";
/// The maps of the first-component suite, in the order of [`maps::of_suite`].
const SUITE: [&str; 3] = [
    "analysis/pc_similarity.npy",
    "analysis/cka_without_pc1.npy",
    "analysis/cka_without_dominant.npy",
];
/// The folder of maps without blocks, and what each holds.
const PRUNED: &str = "analysis/pruned";
const PRUNED_RECORD: &str = "pruned.ron";
const PRUNED_FILES: [&str; 3] = [PRUNED_RECORD, "cka.npy", "cka_se.npy"];
/// Largest record of a map without blocks.
const PRUNED_LIMIT: u64 = 1 << 20;
/// Longest folder name that spells the blocks out, in bytes.
const NAME: usize = 120;
/// The arrays of a comparison.
const PAIR_ARRAYS: [&str; 3] = ["cka.npy", "cka_se.npy", "cka_without_pc1.npy"];

/// Every map of a run. A damaged one is told in one line among the `problems`.
pub(super) fn maps(
    source: Source<'_>,
    manifest: &RunManifest,
    problems: &mut Vec<String>,
) -> RunMaps {
    let mut read: Vec<Map> = Vec::new();
    match main(source, manifest) {
        Ok(found) => read.extend(found),
        Err(error) => problems.push(error.to_string()),
    }
    // a damaged record is told with the rest of the suite
    if let Ok(Some(_)) = components::record(source) {
        for key in maps::of_suite() {
            match map(source, manifest, &key) {
                Ok(found) => read.extend(found),
                Err(error) => problems.push(error.to_string()),
            }
        }
    }
    let names = source.folders(PRUNED).unwrap_or_else(|error| {
        problems.push(error.to_string());
        Vec::new()
    });
    if names.len() > maps::LISTED {
        let text = format!("{} maps of pruned networks; {} are listed", names.len(), maps::LISTED);
        problems.push(RunError::damaged(&source.path(PRUNED), text).to_string());
    }
    let mut listed = Vec::new();
    for name in names.iter().take(maps::LISTED) {
        match pruned_record(source, manifest, &format!("{PRUNED}/{name}")) {
            Ok(found) => listed.extend(found),
            Err(error) => problems.push(error.to_string()),
        }
    }
    RunMaps::new(read, listed)
}

/// Reads one map of a run; `None` if there is no record of it.
pub(super) fn map(
    source: Source<'_>,
    manifest: &RunManifest,
    key: &MapKey,
) -> Result<Option<Map>, RunError> {
    if *key == MapKey::cka() {
        return main(source, manifest);
    }
    if let Some(at) = maps::of_suite().iter().position(|of| of == key) {
        let Some(record) = components::record(source)? else { return Ok(None) };
        let record = components::suite_record(&record, &manifest.name, key);
        let values = maps::array(source, SUITE[at], key, &record, |_| Ok(()))?;
        return Ok(Some(Map { key: key.clone(), values, error: None, record }));
    }
    match key.blocks() {
        Some(blocks) if *key == MapKey::pruned(blocks.clone()) => {
            let folder = pruned_folder(blocks);
            let Some(head) = pruned_record(source, manifest, &folder)? else { return Ok(None) };
            let files = [format!("{folder}/cka.npy"), format!("{folder}/cka_se.npy")];
            with_errors(source, head, [&files[0], &files[1]]).map(Some)
        }
        _ => Ok(None),
    }
}

/// Files of a run that hold a map, or held one.
struct Old {
    /// Its name in format 2.
    id: String,
    /// What it is known by; `None` if there is no record, which makes the files no map.
    key: Result<Option<MapKey>, RunError>,
    /// The files, the record first where it has one to itself.
    files: Vec<String>,
}

/// Every map that a run may hold.
fn held(source: Source<'_>, manifest: &RunManifest) -> Result<Vec<Old>, RunError> {
    let of = |key: MapKey, files: &[&str]| Old {
        id: key.id(),
        key: Ok(Some(key)),
        files: files.iter().map(|file| file.to_string()).collect(),
    };
    let mut held = vec![of(MapKey::cka(), &[ANALYSIS, CKA, SE])];
    held.extend(maps::of_suite().into_iter().zip(SUITE).map(|(key, file)| of(key, &[file])));
    for name in source.folders(PRUNED)? {
        let folder = format!("{PRUNED}/{name}");
        let key = pruned_record(source, manifest, &folder).map(|head| head.map(|head| head.key));
        let id = match &key {
            Ok(Some(key)) => key.id(),
            _ => format!("{}{BLOCKS}{}", MapKey::cka().id(), name.replacen("-blocks-", "-", 1)),
        };
        let files = PRUNED_FILES.map(|file| format!("{folder}/{file}")).to_vec();
        held.push(Old { id, key, files });
    }
    Ok(held)
}

/// Tells in one line that files of format 1 lie in a run of a later one.
pub(super) fn told_if_left(source: Source<'_>, problems: &mut Vec<String>) {
    if matches!(source, Source::Folder(_)) && is_left(source) {
        let text = "files of format 1 are left here; `blockscope migrate` of this run \
                    converts or removes them";
        problems.push(RunError::damaged(&source.path("analysis"), text).to_string());
    }
}

/// True if a run holds files of format 1.
fn is_left(source: Source<'_>) -> bool {
    let pruned = |name: String| {
        PRUNED_FILES.iter().any(|file| source.has(&format!("{PRUNED}/{name}/{file}")))
    };
    [ANALYSIS, CKA, SE].iter().chain(&SUITE).any(|file| source.has(file))
        || source.folders(PRUNED).is_ok_and(|names| names.into_iter().any(pruned))
}

fn main(source: Source<'_>, manifest: &RunManifest) -> Result<Option<Map>, RunError> {
    let Some(bytes) = source.bytes(ANALYSIS, RECORD_LIMIT)? else { return Ok(None) };
    let path = source.path(ANALYSIS);
    let record = versioned::<AnalysisRecord>(&bytes, &path)?.into_map(&manifest.name);
    let key = MapKey::cka();
    check::map(&key, &record, Some(&manifest.model)).map_err(|e| RunError::damaged(&path, e))?;
    with_errors(source, MapHead { key, record }, [CKA, SE]).map(Some)
}

/// Where a map's values are within its run's folder.
pub(super) fn path(key: &MapKey) -> String {
    let suite = maps::of_suite().iter().position(|of| of == key);
    match (suite, key.blocks()) {
        (Some(at), _) => SUITE[at].to_string(),
        (None, Some(blocks)) => format!("{}/cka.npy", pruned_folder(blocks)),
        (None, None) => CKA.to_string(),
    }
}

/// Reads a map's values and standard errors.
fn with_errors(
    source: Source<'_>,
    MapHead { key, record }: MapHead,
    [values, errors]: [&str; 2],
) -> Result<Map, RunError> {
    let values = maps::array(source, values, &key, &record, |_| Ok(()))?;
    let error = Some(maps::array(source, errors, &key, &record, |_| Ok(()))?);
    Ok(Map { key, values, error, record })
}

/// The folder of a map without blocks within its run. The name spells the blocks in
/// network order; where that would be too long for a file system, how many there are
/// and a digest.
fn pruned_folder(deleted: &Bypass) -> String {
    let text = deleted.to_string();
    let name = match text.len() <= NAME {
        true => text.replace(',', "+"),
        false => {
            let digest: String = sha256_hex(text.as_bytes()).chars().take(16).collect();
            format!("{}-blocks-{digest}", deleted.len())
        }
    };
    format!("{PRUNED}/{name}")
}

/// Reads the record in a folder (a path within the run); `None` if it holds none.
fn pruned_record(
    source: Source<'_>,
    manifest: &RunManifest,
    place: &str,
) -> Result<Option<MapHead>, RunError> {
    let file = format!("{place}/{PRUNED_RECORD}");
    let Some(bytes) = source.bytes(&file, PRUNED_LIMIT)? else { return Ok(None) };
    let path = source.path(&file);
    let record: PrunedRecord = versioned(&bytes, &path)?;
    let deleted = record.deleted.clone();
    let key = MapKey::pruned(deleted.clone());
    let record = record.into_map(&manifest.name, manifest.model.layers());
    let sound = check::map(&key, &record, Some(&manifest.model)).and_then(|()| {
        let own = pruned_folder(&deleted);
        match own == place {
            true => Ok(()),
            false => Err(format!("it is about blocks {deleted}, which belong in {own}")),
        }
    });
    sound.map_err(|e| RunError::damaged(&path, e))?;
    Ok(Some(MapHead { key, record }))
}

/// Reads the comparison `name` below `source`; `None` if it is not there.
pub(super) fn pair(source: Source<'_>, name: &str) -> Result<Option<PairMaps>, RunError> {
    let file = format!("{name}/{PAIR}");
    let Some(bytes) = source.bytes(&file, RECORD_LIMIT)? else { return Ok(None) };
    let path = source.path(&file);
    let (main, without) = versioned::<PairRecord>(&bytes, &path)?.into_maps();
    let sound = |(key, record): &(MapKey, MapRecord)| {
        check::map(key, record, None).map_err(|e| RunError::damaged(&path, e))
    };
    sound(&main)?;
    without.as_ref().map_or(Ok(()), sound)?;
    let [values, errors, reduced] = PAIR_ARRAYS.map(|file| format!("{name}/{file}"));
    let (key, record) = main;
    let cka = with_errors(source, MapHead { key, record }, [&values, &errors])?;
    let others = without.map(|(key, record)| {
        let values = maps::array(source, &reduced, &key, &record, |_| Ok(()))?;
        Ok(Map { key, values, error: None, record })
    });
    let others = others.into_iter().collect::<Result<Vec<_>, RunError>>()?;
    Ok(Some(PairMaps { cka, others }))
}

/// True if a folder holds the main map of a comparison, in any format.
pub(super) fn is_comparison(folder: &Path) -> bool {
    let main = folder.join(MapKey::cka().id()).join(MAP_RECORD);
    main.exists() || folder.join(PAIR).exists()
}
