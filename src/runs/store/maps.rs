//! The maps of the store's runs, whatever the format of these.

use std::path::PathBuf;

use super::{LoadedRun, RunId, RunStore};
use crate::domain::{Map, MapKey, MapRecord};
use crate::runs::error::RunError;
use crate::runs::manifest::RunManifest;
use crate::runs::maps::{self, RunMaps, path};
use crate::runs::read::{self, Source};
use crate::runs::{aside, format1};

impl LoadedRun {
    /// Its main map, if it has one.
    pub fn cka(&self) -> Option<&Map> {
        self.maps.cka()
    }

    /// Where a map's values are within its folder.
    pub fn map_path(&self, key: &MapKey) -> String {
        match self.manifest.format {
            1 => format1::path(key),
            _ => path(key),
        }
    }

    /// False if a map without blocks is of other weights than the run now holds, or of
    /// other images or batches than its main map.
    pub fn pruned_fits(&self, record: &MapRecord) -> bool {
        let weights = self.manifest.weights_hash.as_deref();
        self.cka().is_some_and(|whole| record.fits(&whole.record, weights))
    }
}

impl RunStore {
    /// Reads one map of a run, if it has it.
    ///
    /// # Errors
    /// [`RunError`] naming the file and the place in it.
    pub fn map(&self, id: &RunId, key: &MapKey) -> Result<Option<Map>, RunError> {
        let place = self.place(id);
        let source = self.source(&place);
        let manifest = read::manifest(source)?;
        one(source, &manifest, key)
    }

    /// Writes a map of a run, or replaces that of the same key, and returns its folder.
    /// That of a run inside the program goes to a copy in the root, and a run of format
    /// 1 is converted first (see [`RunStore::writable`]).
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn write_map(&self, id: &RunId, map: &Map) -> Result<PathBuf, RunError> {
        let folder = self.writable(id)?;
        let source = Source::Folder(&folder);
        let manifest = read::manifest(source)?;
        let old = maps::read_run(source, &manifest, &map.key);
        aside::make_room(&folder, &map.key.id(), &maps::files(&map.key), old)?;
        maps::write_run(&folder, &manifest, map)
    }
}

/// Reads one map of a run, whatever its format.
pub(in crate::runs) fn one(
    source: Source<'_>,
    manifest: &RunManifest,
    key: &MapKey,
) -> Result<Option<Map>, RunError> {
    match manifest.format {
        1 => format1::map(source, manifest, key),
        _ => maps::read_run(source, manifest, key),
    }
}

/// Every map of a run, whatever its format. A damaged one is told in one line among the
/// `problems`.
pub(super) fn all(
    source: Source<'_>,
    manifest: &RunManifest,
    problems: &mut Vec<String>,
) -> RunMaps {
    match manifest.format {
        1 => format1::maps(source, manifest, problems),
        _ => {
            format1::told_if_left(source, problems);
            maps::read_all(source, manifest, problems)
        }
    }
}
