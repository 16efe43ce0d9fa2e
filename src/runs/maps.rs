//! The maps of a run, all alike: `analysis/maps/ID/` holds `map.ron`, `values.npy` and,
//! where standard errors were estimated, `se.npy`. Opening a run reads every record and
//! the values of whole networks' maps; a map without blocks is read when it is wanted,
//! and a damaged one is no concern of the others. Knows no engine and no screens.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::layout::{FORMAT, MAP_RECORD as RECORD, MAPS as FOLDER, Versioned};
use super::manifest::RunManifest;
use super::parts::Parts;
use super::read::{ARRAY_LIMIT, RECORD_LIMIT, Source, versioned};
use super::{check, write};
use crate::domain::map::{self, BLOCKS};
use crate::domain::measure::{CKA, PC1_SIMILARITY, WithoutKind};
use crate::domain::{Map, MapHead, MapKey, MapRecord, Measure, Of, SimilarityMatrix, Without};
use crate::files::npy;

pub(super) const VALUES: &str = "values.npy";
pub(super) const ERRORS: &str = "se.npy";
/// Maps that are listed when a run is opened.
pub(super) const LISTED: usize = 256;
/// Maps of whole networks whose values are read at once.
const READ: usize = 16;
/// Largest record of a map without blocks, which lists no layers.
const BLOCKS_LIMIT: u64 = 1 << 20;

/// The contents of `map.ron`.
#[derive(Debug, Serialize, Deserialize)]
struct MapFile {
    format: u32,
    key: MapKey,
    /// Whether `se.npy` belongs to it.
    errors: bool,
    /// Its arrays.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    parts: Parts,
    record: MapRecord,
}

impl Versioned for MapFile {
    fn format(&self) -> u32 {
        self.format
    }
}

/// The maps of a run in the order of lists: those that were read, then the records of
/// the others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunMaps {
    read: Vec<Map>,
    listed: Vec<MapHead>,
}

impl RunMaps {
    /// Maps that were read, and records of others.
    pub fn new(mut read: Vec<Map>, mut listed: Vec<MapHead>) -> RunMaps {
        read.sort_by_cached_key(|map| map.key.order());
        listed.sort_by_cached_key(|head| head.key.order());
        RunMaps { read, listed }
    }

    /// Those whose values were read.
    pub fn read(&self) -> &[Map] {
        &self.read
    }

    /// The keys and records of all.
    pub fn heads(&self) -> impl Iterator<Item = (&MapKey, &MapRecord)> {
        let read = self.read.iter().map(|map| (&map.key, &map.record));
        read.chain(self.listed.iter().map(|head| (&head.key, &head.record)))
    }

    /// The keys and records of those without blocks, fewest blocks first.
    pub fn pruned(&self) -> impl Iterator<Item = (&MapKey, &MapRecord)> {
        self.heads().filter(|(key, _)| key.blocks().is_some())
    }

    /// The map that was read of a measure of the whole network.
    pub fn find(&self, measure: &Measure, without: WithoutKind) -> Option<&Map> {
        self.read
            .iter()
            .find(|map| map.key.measure.as_str() == measure.id && map.key.without.kind() == without)
    }

    /// The run's main map.
    pub fn cka(&self) -> Option<&Map> {
        self.find(&CKA, WithoutKind::Nothing)
    }

    /// The main map, to be changed.
    pub fn cka_mut(&mut self) -> Option<&mut Map> {
        let key = MapKey::cka();
        self.read.iter_mut().find(|map| map.key == key)
    }

    /// Adds a map that was read, in the place of an older one.
    pub fn put(&mut self, map: Map) {
        self.read.retain(|old| old.key != map.key);
        self.read.push(map);
        self.read.sort_by_cached_key(|map| map.key.order());
    }

    /// Adds the record of a map that was not read, in the place of an older one.
    pub fn list(&mut self, head: MapHead) {
        self.listed.retain(|old| old.key != head.key);
        self.listed.push(head);
        self.listed.sort_by_cached_key(|head| head.key.order());
    }
}

/// Where a map's values are within a run of the present format:
/// `analysis/maps/cka/values.npy`.
pub fn path(key: &MapKey) -> String {
    format!("{FOLDER}/{}/{VALUES}", key.id())
}

/// The files of a run's map, within the run.
pub(super) fn files(key: &MapKey) -> Vec<String> {
    [RECORD, VALUES, ERRORS].map(|file| format!("{FOLDER}/{}/{file}", key.id())).to_vec()
}

/// What makes a map anew.
pub(super) fn again(key: &MapKey) -> String {
    match (key.of, key.blocks()) {
        (Of::Between, _) => "run `blockscope compare` again".into(),
        (Of::Run, Some(blocks)) => {
            format!("`blockscope prune RUN --residual-blocks {blocks} --map` makes it anew")
        }
        (Of::Run, None) => "run `blockscope analyze` again".into(),
    }
}

/// The maps that `analyze` makes of a whole network beside the main one.
pub(super) fn of_suite() -> [MapKey; 3] {
    [
        MapKey::of_run(&PC1_SIMILARITY, Without::Nothing),
        MapKey::of_run(&CKA, Without::FirstComponent),
        MapKey::of_run(&CKA, Without::Dominant),
    ]
}

/// Every map of a run of this format. A damaged one is told in one line among the
/// `problems`.
pub(super) fn read_all(
    source: Source<'_>,
    manifest: &RunManifest,
    problems: &mut Vec<String>,
) -> RunMaps {
    let main = MapKey::cka();
    let mut read: Vec<Map> = Vec::new();
    match read_run(source, manifest, &main) {
        Ok(found) => read.extend(found),
        Err(error) => problems.push(error.to_string()),
    }
    let names = source.folders(FOLDER).unwrap_or_else(|error| {
        problems.push(error.to_string());
        Vec::new()
    });
    // maps of whole networks are few, and come before a long list of others
    let (pruned, whole): (Vec<&String>, _) = names.iter().partition(|n| n.contains(BLOCKS));
    if names.len() > LISTED {
        let text = format!("{} maps; {LISTED} are listed", names.len());
        problems.push(RunError::damaged(&source.path(FOLDER), text).to_string());
    }
    let mut listed = Vec::new();
    for name in whole.into_iter().chain(pruned).take(LISTED) {
        if *name == main.id() {
            continue;
        }
        let room = read.len() < READ;
        let one = || -> Result<(Option<Map>, Option<MapHead>), RunError> {
            Ok(match record(source, FOLDER, name, Some(manifest))? {
                Some(file) if file.key.blocks().is_none() && room => {
                    (Some(values(source, FOLDER, name, file)?), None)
                }
                Some(MapFile { key, record, .. }) => (None, Some(MapHead { key, record })),
                None => (None, None),
            })
        };
        match source.steady(&format!("{FOLDER}/{name}/{RECORD}"), one) {
            Ok((map, head)) => {
                read.extend(map);
                listed.extend(head);
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    RunMaps::new(read, listed)
}

/// Reads a map of a run of this format; `None` if there is no such record.
pub(super) fn read_run(
    source: Source<'_>,
    manifest: &RunManifest,
    key: &MapKey,
) -> Result<Option<Map>, RunError> {
    read(source, FOLDER, &key.id(), Some(manifest))
}

/// Reads the map in `folder/name`; `None` if it holds no record. A map of a run is read
/// with what the run says of itself.
pub(super) fn read(
    source: Source<'_>,
    folder: &str,
    name: &str,
    manifest: Option<&RunManifest>,
) -> Result<Option<Map>, RunError> {
    source.steady(&format!("{folder}/{name}/{RECORD}"), || {
        match record(source, folder, name, manifest)? {
            None => Ok(None),
            Some(file) => values(source, folder, name, file).map(Some),
        }
    })
}

/// Reads the record in `folder/name`; `None` if there is none.
fn record(
    source: Source<'_>,
    folder: &str,
    name: &str,
    manifest: Option<&RunManifest>,
) -> Result<Option<MapFile>, RunError> {
    let file = format!("{folder}/{name}/{RECORD}");
    let limit = if name.contains(BLOCKS) { BLOCKS_LIMIT } else { RECORD_LIMIT };
    let Some(bytes) = source.bytes(&file, limit)? else { return Ok(None) };
    let path = source.path(&file);
    let mut file: MapFile = versioned(&bytes, &path)?;
    if let (Some(manifest), true) = (manifest, file.record.rows.layers.is_empty()) {
        file.record.rows.layers = manifest.model.layers();
    }
    let model = manifest.map(|manifest| &manifest.model);
    let sound = check::map(&file.key, &file.record, model).and_then(|()| {
        let (id, title) = (file.key.id(), file.key.title());
        match id == name {
            true => Ok(()),
            false => Err(format!("it is about {title}, which belongs in {folder}/{id}")),
        }
    });
    sound.map_err(|e| RunError::damaged(&path, e))?;
    Ok(Some(file))
}

/// Reads the arrays that a record speaks of.
fn values(source: Source<'_>, folder: &str, name: &str, file: MapFile) -> Result<Map, RunError> {
    let MapFile { key, record, errors, parts, .. } = file;
    let one = |file: &str| {
        let own = |bytes: &[u8]| parts.check(RECORD, file, bytes);
        array(source, &format!("{folder}/{name}/{file}"), &key, &record, own)
    };
    let values = one(VALUES)?;
    let error = errors.then(|| one(ERRORS)).transpose()?;
    Ok(Map { key, values, error, record })
}

/// Reads an array of a record's layers, which is `own` to it.
pub(super) fn array(
    source: Source<'_>,
    file: &str,
    key: &MapKey,
    record: &MapRecord,
    own: impl Fn(&[u8]) -> Result<(), String>,
) -> Result<SimilarityMatrix, RunError> {
    let damaged = |e: String| RunError::damaged(&source.path(file), format!("{e}; {}", again(key)));
    let bytes = source.bytes(file, ARRAY_LIMIT)?.ok_or_else(|| damaged("missing".into()))?;
    let matrix = npy::decode(&bytes).map_err(damaged)?;
    map::fits(&matrix, record).map_err(damaged)?;
    own(&bytes).map_err(damaged)?;
    Ok(matrix)
}

/// Writes a map of a run, in one step for every reader.
pub(super) fn write_run(
    run: &Path,
    manifest: &RunManifest,
    map: &Map,
) -> Result<PathBuf, RunError> {
    let dir = run.join(FOLDER).join(map.key.id());
    let (text, files) = encoded(&dir, map, Some(manifest))?;
    // a link on the way would lead out of the run
    write::real_folder(&run.join("analysis"))?;
    write::real_folder(&run.join(FOLDER))?;
    write::group(&dir, (RECORD, text), files)?;
    Ok(dir)
}

/// The files of a map: its record, and its arrays by name.
pub(super) type Encoded = (String, Vec<(&'static str, Vec<u8>)>);

/// The files of a map that is to lie in `dir`, checked as a reader checks them.
pub(super) fn encoded(
    dir: &Path,
    map: &Map,
    manifest: Option<&RunManifest>,
) -> Result<Encoded, RunError> {
    let path = dir.join(RECORD);
    let refused = |e: String| RunError::damaged(&path, format!("not written: {e}"));
    let model = manifest.map(|manifest| &manifest.model);
    check::map(&map.key, &map.record, model).map_err(refused)?;
    let mut files = vec![(VALUES, &map.values)];
    files.extend(map.error.as_ref().map(|error| (ERRORS, error)));
    let files = files.into_iter().map(|(file, matrix)| {
        let failed = |e: String| RunError::damaged(&dir.join(file), format!("not written: {e}"));
        map::fits(matrix, &map.record).map_err(failed)?;
        Ok((file, npy::encode(matrix).map_err(failed)?))
    });
    let files = files.collect::<Result<Vec<_>, RunError>>()?;
    let mut record = map.record.clone();
    // the run says them already, and a list of hundreds is slow to read
    if model.is_some_and(|model| model.layers() == record.rows.layers) {
        record.rows.layers.clear();
    }
    let errors = map.error.is_some();
    let (key, parts) = (map.key.clone(), Parts::of(&files));
    let file = MapFile { format: FORMAT, key, errors, parts, record };
    let text = write::checked_ron(&path, &file, Ok(()))?;
    Ok((text, files))
}

#[cfg(test)]
mod tests;
