//! All runs a user can open: the folders below a root, and those inside the
//! program. Finds, lists, loads and makes them.

pub(super) mod comparisons;
pub(super) mod maps;
mod migrate;
mod replace;

pub use replace::beside;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::embedded::Embedded;
use super::error::RunError;
use super::format1::migrate::{self as old, Damage};
use super::layout::COMPARISONS;
use super::manifest::PredictionsAnalysis;
use super::manifest::{
    ComponentsAnalysis, DeletionAnalysis, DeletionRecord, ProbesAnalysis, RunManifest,
};
use super::maps::RunMaps;
use super::metrics::MetricsRow;
use super::predictions;
use super::read::{self, Source};
use super::weights::{self, RunWeights};
use super::write::{self, Taken};
use super::{aside, check, components, deletion, locks, probes};
use crate::domain::deletion::DeletionRow;
use crate::domain::predictions::Predictions;
use crate::domain::{MapKey, Pooling, SimilarityMatrix};

/// The run that is listed and opened first.
pub const FIRST_RUN: &str = "resnet38-w2-cifar10-64th-s0";

/// Side of the largest preview, in cells.
const PREVIEW: usize = 24;

/// Where a run lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunId {
    /// In a folder.
    Disk(PathBuf),
    /// Inside the program, by name.
    Embedded(String),
}

impl RunId {
    /// The name that a user knows it by: its folder's.
    pub fn name(&self) -> String {
        match self {
            RunId::Disk(folder) => {
                let name = folder.file_name().unwrap_or(folder.as_os_str());
                crate::text::one_line(&name.to_string_lossy())
            }
            RunId::Embedded(name) => name.clone(),
        }
    }
}

/// One line of the home list.
#[derive(Debug, Clone)]
pub struct RunSummary {
    /// Where it lives.
    pub id: RunId,
    /// Its folder's name.
    pub name: String,
    /// What it says about itself, or in one line why that cannot be read.
    pub manifest: Result<RunManifest, String>,
    /// Whether it holds a main map that can be read.
    pub analysis: bool,
    /// In one line why its analysis cannot be read, if it has a damaged one.
    pub analysis_error: Option<String>,
    /// Its main map, mean-pooled by a whole factor to at most 24x24.
    pub preview: Option<SimilarityMatrix>,
}

/// A run that was read.
#[derive(Debug, Clone)]
pub struct LoadedRun {
    /// Where it lives.
    pub id: RunId,
    /// What it says about itself.
    pub manifest: RunManifest,
    /// Its maps.
    pub maps: RunMaps,
    /// Its first-component suite, if it has one.
    pub components: Option<ComponentsAnalysis>,
    /// Its linear probes, if it has some.
    pub probes: Option<ProbesAnalysis>,
    /// What deleting its blocks costs, if that was measured.
    pub deletion: Option<DeletionAnalysis>,
    /// What it predicts on the test images, if that was kept.
    pub predictions: Option<PredictionsAnalysis>,
    /// In one line each, what else it holds that could not be read.
    pub problems: Vec<String>,
}

impl LoadedRun {
    /// A run with nothing beside its maps.
    pub fn new(id: RunId, manifest: RunManifest, maps: RunMaps) -> LoadedRun {
        LoadedRun {
            id,
            manifest,
            maps,
            components: None,
            probes: None,
            deletion: None,
            predictions: None,
            problems: Vec::new(),
        }
    }

    /// Its predictions, if they are those of the weights it now holds over the
    /// images that it was made with.
    pub fn current_predictions(&self) -> Option<&Predictions> {
        let kept = self.predictions.as_ref()?;
        let same = kept.record.weights_hash == self.manifest.weights_hash
            && kept.record.data.fingerprint == self.manifest.data.fingerprint;
        same.then_some(&kept.predictions)
    }

    /// True if the main map was made from other weights than the run now holds.
    pub fn analysis_is_stale(&self) -> bool {
        let analysed = self.cka().and_then(|map| map.record.rows.weights_hash.as_ref());
        matches!((analysed, &self.manifest.weights_hash), (Some(a), Some(b)) if a != b)
    }
}

/// A result, or its error as a line among the problems.
fn kept<T>(result: Result<Option<T>, RunError>, problems: &mut Vec<String>) -> Option<T> {
    result.unwrap_or_else(|error| {
        problems.push(error.to_string());
        None
    })
}

/// The runs folder, and the runs inside the program.
#[derive(Debug, Clone)]
pub struct RunStore {
    root: PathBuf,
    embedded: Embedded,
}

impl RunStore {
    /// The runs below `root` (which need not exist yet) and those inside the
    /// program.
    pub fn new(root: PathBuf) -> RunStore {
        RunStore { root, embedded: Embedded::SHIPPED }
    }

    /// The store a command works on: `flag` if it is given, else `saved_runs` in
    /// the current folder if there is one, else `runs` in the user's data folder.
    pub fn locate(flag: Option<PathBuf>) -> RunStore {
        let here = PathBuf::from("saved_runs");
        let root = flag.unwrap_or_else(|| {
            let user = || directories::ProjectDirs::from("", "", "blockscope");
            match here.is_dir().then_some(()).map_or_else(user, |()| None) {
                Some(dirs) => dirs.data_dir().join("runs"),
                None => here,
            }
        });
        RunStore::new(root)
    }

    /// The same folder with other runs inside the program.
    pub fn with_embedded(self, embedded: Embedded) -> RunStore {
        RunStore { embedded, ..self }
    }

    /// The runs folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every run: [`FIRST_RUN`], then those on disk, newest first, then those
    /// inside the program whose name no run on disk has. A damaged run is listed
    /// with its error, and so is a root that cannot be read.
    pub fn list(&self) -> Vec<RunSummary> {
        let mut found: Vec<RunSummary> = match self.folders() {
            Ok(folders) => folders.into_iter().map(|f| self.summary(RunId::Disk(f))).collect(),
            Err(error) => vec![RunSummary {
                id: RunId::Disk(self.root.clone()),
                name: RunId::Disk(self.root.clone()).name(),
                manifest: Err(error.to_string()),
                analysis: false,
                analysis_error: None,
                preview: None,
            }],
        };
        let taken: BTreeSet<String> = found.iter().map(|run| run.name.clone()).collect();
        let inside = self.embedded.names().filter(|name| !taken.contains(*name));
        found.extend(inside.map(|name| self.summary(RunId::Embedded(name.to_string()))));
        found.sort_by_cached_key(|run| {
            let created = run.manifest.as_ref().map(|m| m.created.clone()).unwrap_or_default();
            let embedded = matches!(run.id, RunId::Embedded(_));
            (run.name != FIRST_RUN, embedded, Reverse(created), run.name.clone())
        });
        found
    }

    /// The run of that name in the root or inside the program, or else the run
    /// folder at that path.
    ///
    /// # Errors
    /// [`RunError::Unknown`] with names that look alike, or
    /// [`RunError::Damaged`] for a folder that is no run.
    pub fn resolve(&self, name_or_path: &str) -> Result<RunId, RunError> {
        if check::name(name_or_path).is_ok() {
            let folder = self.root.join(name_or_path);
            if folder.join("run.ron").is_file() {
                return Ok(RunId::Disk(folder));
            }
            if self.embedded.names().any(|name| name == name_or_path) {
                return Ok(RunId::Embedded(name_or_path.to_string()));
            }
        }
        let path = Path::new(name_or_path);
        for folder in [path, &self.root.join(name_or_path)] {
            if !name_or_path.is_empty() && folder.is_dir() {
                return match folder.join("run.ron").is_file() {
                    true => Ok(RunId::Disk(folder.to_path_buf())),
                    false => Err(RunError::damaged(folder, "not a run (it has no run.ron)")),
                };
            }
        }
        match path.parent() {
            Some(folder) if path.ends_with("run.ron") && path.is_file() => {
                Ok(RunId::Disk(folder.to_path_buf()))
            }
            _ => Err(self.unknown(name_or_path)),
        }
    }

    /// Reads a run's manifest, its maps and what lies beside them.
    ///
    /// # Errors
    /// [`RunError`] naming the place in `run.ron`. What else is damaged is told among the
    /// run's problems.
    pub fn load(&self, id: &RunId) -> Result<LoadedRun, RunError> {
        let place = self.place(id);
        let source = self.source(&place);
        let format = || read::manifest(source).map(|manifest| manifest.format);
        let before = format();
        let run = self.load_from(id, source);
        // converted while it was read: its old files may have gone meanwhile
        match (before, run) {
            (Ok(1), _) if matches!(format(), Ok(now) if now != 1) => self.load_from(id, source),
            (_, run) => run,
        }
    }

    fn load_from(&self, id: &RunId, source: Source<'_>) -> Result<LoadedRun, RunError> {
        let manifest = read::manifest(source)?;
        let mut problems = Vec::new();
        let maps = self::maps::all(source, &manifest, &mut problems);
        let mut run = LoadedRun { problems, ..LoadedRun::new(id.clone(), manifest, maps) };
        // What is damaged must not keep the run closed.
        run.components = kept(components::read(source), &mut run.problems);
        run.probes = kept(probes::read(source), &mut run.problems);
        run.deletion = kept(deletion::read(source), &mut run.problems);
        run.predictions = kept(predictions::read(source), &mut run.problems);
        Ok(run)
    }

    /// Reads a run's manifest alone.
    ///
    /// # Errors
    /// [`RunError`] naming the file and the place in it.
    pub fn manifest(&self, id: &RunId) -> Result<RunManifest, RunError> {
        read::manifest(self.source(&self.place(id)))
    }

    /// Reads a run's first-component suite, if it has one.
    ///
    /// # Errors
    /// [`RunError`] naming the file and the place in it.
    pub fn components(&self, id: &RunId) -> Result<Option<ComponentsAnalysis>, RunError> {
        components::read(self.source(&self.place(id)))
    }

    /// The weights of a run that count: its final ones, or those of its newest checkpoint
    /// where its training has not ended.
    ///
    /// # Errors
    /// [`RunError::Untrained`] if there are none; [`RunError`] naming the file.
    pub fn weights(&self, id: &RunId) -> Result<RunWeights, RunError> {
        let place = self.place(id);
        let source = self.source(&place);
        // a training that goes on replaces manifest and weights
        source.steady("run.ron", || weights::read(source, &read::manifest(source)?))
    }

    /// The rows of a run's `metrics.csv`; none if it has no such file.
    ///
    /// # Errors
    /// [`RunError`] naming the file and the line.
    pub fn metrics(&self, id: &RunId) -> Result<Vec<MetricsRow>, RunError> {
        read::metrics(self.source(&self.place(id)))
    }

    /// Makes a run with its manifest and weights and returns its folder. The
    /// folder appears in one step, complete.
    ///
    /// # Errors
    /// [`RunError::Name`] for a name with separators, a leading dot or control
    /// characters; [`RunError::Exists`] if the name is taken and `replace` is
    /// false; [`RunError::Io`] naming the path.
    pub fn create(
        &self,
        name: &str,
        manifest: &RunManifest,
        weights: &[u8],
        replace: bool,
    ) -> Result<PathBuf, RunError> {
        self.create_with(name, manifest, weights, None, replace)
    }

    /// Refuses a name that [`RunStore::create`] would refuse, before work is done
    /// for it.
    ///
    /// # Errors
    /// [`RunError::Name`]; [`RunError::Exists`] unless `replace`, and
    /// [`RunError::NotReplaced`] for what is no run.
    pub fn check_new(&self, name: &str, replace: bool) -> Result<(), RunError> {
        check::name(name).map_err(|why| RunError::Name { name: name.to_string(), why })?;
        let path = self.root.join(name);
        write::check_taken(&path, &replace::taken(replace)).map(drop)
    }

    /// The folder of a run that can be written to. A run inside the program is
    /// copied into the root first, unless it was before, and one of format 1 is
    /// converted; a damaged map is left as it is, so that a new one can take its place.
    ///
    /// # Errors
    /// [`RunError`] naming the path.
    pub fn writable(&self, id: &RunId) -> Result<PathBuf, RunError> {
        let folder = self.copy(id)?;
        // what says nothing about itself holds nothing to convert
        if let Ok(manifest) = read::manifest(Source::Folder(&folder)) {
            // one converts, the others find it done
            let _held = (manifest.format == 1).then(|| locks::merge(&folder)).transpose()?;
            old::run(&folder, Damage::Left)?;
        }
        Ok(folder)
    }

    /// The folder of a run; one inside the program is copied into the root first, unless
    /// it was before.
    pub(super) fn copy(&self, id: &RunId) -> Result<PathBuf, RunError> {
        let name = match id {
            RunId::Disk(folder) => return Ok(folder.clone()),
            RunId::Embedded(name) => name,
        };
        if let Some(copy) = self.copy_of(id) {
            return Ok(copy);
        }
        let made = write::new_folder(&self.root, name, &Taken::Refused, |folder| {
            for (file, bytes) in self.embedded.files(name) {
                let path = folder.join(file);
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).map_err(|e| RunError::io("create", parent, e))?;
                }
                write::atomic(&path, bytes)?;
            }
            Ok(())
        });
        match (made, self.copy_of(id)) {
            // another process made the same copy meanwhile
            (Err(RunError::Exists(_)), Some(copy)) => Ok(copy),
            (made, _) => made,
        }
    }

    /// Replaces a run's `run.ron` in one step.
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn write_manifest(&self, id: &RunId, manifest: &RunManifest) -> Result<(), RunError> {
        write::manifest(&self.writable(id)?, manifest)
    }

    /// Replaces a run's weights in one step.
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn write_weights(&self, id: &RunId, weights: &[u8]) -> Result<(), RunError> {
        weights::write(&self.writable(id)?, weights)
    }

    /// Writes or replaces a run's first-component suite.
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn write_components(
        &self,
        id: &RunId,
        analysis: &ComponentsAnalysis,
    ) -> Result<(), RunError> {
        let folder = self.writable(id)?;
        let old = components::read(Source::Folder(&folder));
        aside::make_room(&folder, "components", &components::files(), old)?;
        components::write(&folder, analysis)
    }

    /// Writes or replaces a run's linear probes.
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn write_probes(&self, id: &RunId, analysis: &ProbesAnalysis) -> Result<(), RunError> {
        let folder = self.writable(id)?;
        let old = probes::read(Source::Folder(&folder));
        aside::make_room(&folder, "probes", &probes::files(), old)?;
        probes::write(&folder, analysis)
    }

    /// Reads a run's predictions alone, if it has them.
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn predictions(&self, id: &RunId) -> Result<Option<PredictionsAnalysis>, RunError> {
        predictions::read(self.source(&self.place(id)))
    }

    /// Writes or replaces a run's predictions.
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn write_predictions(
        &self,
        id: &RunId,
        analysis: &PredictionsAnalysis,
    ) -> Result<(), RunError> {
        let folder = self.writable(id)?;
        let old = predictions::read(Source::Folder(&folder));
        aside::make_room(&folder, "predictions", &predictions::files(), old)?;
        predictions::write(&folder, analysis)
    }

    /// Adds rows to what is known about deleting a run's blocks, and returns all.
    /// Rows of other weights or other images than `record`'s are set aside, and so
    /// is a table that cannot be read.
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn merge_deletion(
        &self,
        id: &RunId,
        record: DeletionRecord,
        rows: Vec<DeletionRow>,
    ) -> Result<DeletionAnalysis, RunError> {
        let folder = self.writable(id)?;
        let _held = locks::merge(&folder)?;
        let old = deletion::read(Source::Folder(&folder));
        let known = old.as_ref().ok().cloned().flatten();
        aside::make_room(&folder, "deletion", &deletion::files(), old)?;
        let same = |old: &DeletionAnalysis| {
            old.record.weights_hash == record.weights_hash
                && old.record.data.fingerprint == record.data.fingerprint
        };
        if known.as_ref().is_some_and(|old| !same(old)) {
            aside::put(&folder, "deletion", &deletion::files())?;
        }
        let table = known.filter(same).map(|old| old.table);
        let mut analysis = DeletionAnalysis { record, table: table.unwrap_or_default() };
        analysis.table.merge(rows);
        deletion::write(&folder, &analysis)?;
        Ok(analysis)
    }

    /// The copy in the root of a run inside the program, if there is one: it is what
    /// is read and written in that run's place from then on.
    pub fn copy_of(&self, id: &RunId) -> Option<PathBuf> {
        let RunId::Embedded(name) = id else { return None };
        let copy = self.root.join(name);
        copy.join("run.ron").is_file().then_some(copy)
    }

    /// Where a run is read.
    pub(super) fn place<'a>(&self, id: &'a RunId) -> Cow<'a, RunId> {
        self.copy_of(id).map_or(Cow::Borrowed(id), |copy| Cow::Owned(RunId::Disk(copy)))
    }

    pub(super) fn source<'a>(&self, place: &'a RunId) -> Source<'a> {
        match place {
            RunId::Disk(folder) => Source::Folder(folder),
            RunId::Embedded(name) => Source::Embedded(self.embedded, name),
        }
    }

    fn summary(&self, id: RunId) -> RunSummary {
        let manifest = self.manifest(&id).map_err(|e| e.to_string());
        let place = self.place(&id);
        let main = |manifest| maps::one(self.source(&place), manifest, &MapKey::cka());
        let (analysis, analysis_error) = match manifest.as_ref().map(main) {
            Ok(Ok(map)) => (map, None),
            Ok(Err(error)) => (None, Some(error.to_string())),
            // that it cannot be read is told already
            Err(_) => (None, None),
        };
        RunSummary {
            name: id.name(),
            id,
            manifest,
            analysis: analysis.is_some(),
            analysis_error,
            preview: analysis.map(|map| preview(&map.values)),
        }
    }

    /// The folders below the root that are runs or what is left of one.
    fn folders(&self) -> Result<Vec<PathBuf>, RunError> {
        let failed = |e| RunError::io("read", &self.root, e);
        let entries = match fs::read_dir(&self.root) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut folders = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let hidden = path.file_name().is_none_or(|n| n.as_encoded_bytes().starts_with(b"."));
            let parts =
                ["run.ron", "weights.safetensors", "metrics.csv", "analysis", "checkpoints"];
            let pairs = path.file_name().is_some_and(|n| n == COMPARISONS);
            if !hidden
                && !pairs
                && path.is_dir()
                && parts.iter().any(|part| path.join(part).exists())
            {
                folders.push(path);
            }
        }
        Ok(folders)
    }

    fn unknown(&self, name: &str) -> RunError {
        let mut names: Vec<String> = self.embedded.names().map(String::from).collect();
        names.extend(self.folders().unwrap_or_default().into_iter().map(|f| RunId::Disk(f).name()));
        names.sort();
        names.dedup();
        RunError::unknown(name, &self.root, names)
    }
}

/// The map pooled by the smallest whole factor that makes it fit.
fn preview(map: &SimilarityMatrix) -> SimilarityMatrix {
    let factor = map.rows().max(map.cols()).div_ceil(PREVIEW).max(1);
    let shape = (map.rows().div_ceil(factor), map.cols().div_ceil(factor));
    SimilarityMatrix::new(Array2::from_shape_fn(shape, |(i, j)| {
        map.pooled(i, j, factor, Pooling::Mean).value.unwrap_or(f64::NAN)
    }))
}
