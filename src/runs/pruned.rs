//! The maps of pruned networks: `analysis/pruned/2.3+2.4/` holds `pruned.ron`, `cka.npy`
//! and `cka_se.npy` of the network without these blocks. Opening a run lists the
//! records alone; a map is read when it is wanted, and a damaged one is no concern of
//! the others.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::hash::sha256_hex;
use super::manifest::{AnalysisRecord, CkaAnalysis};
use super::read::{ARRAY_LIMIT, Source, versioned};
use super::store::{LoadedRun, RunId, RunStore};
use super::{check, write};
use crate::domain::cka::ESTIMATOR;
use crate::domain::record::{DataRecord, Sample, Seconds};
use crate::domain::{Bypass, Layer, ModelSpec, SimilarityMatrix};
use crate::files::npy;

/// The folder of a run that holds them.
pub(super) const FOLDER: &str = "analysis/pruned";
const RECORD: &str = "pruned.ron";
const CKA: &str = "cka.npy";
const SE: &str = "cka_se.npy";
/// Records that are listed when a run is opened.
pub(super) const LISTED: usize = 256;
/// Largest record; it lists no layers.
const LIMIT: u64 = 1 << 20;
/// Longest folder name that spells the blocks out, in bytes.
const NAME: usize = 120;

/// The contents of `pruned.ron`: how the arrays beside it were made. Their rows are the
/// layers of the whole network; those of deleted blocks are undefined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrunedRecord {
    /// [`super::FORMAT`] when the file was written.
    pub format: u32,
    /// Program and version that wrote the file.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub created: String,
    /// The device that made it, in words.
    pub device: String,
    /// The deleted blocks.
    pub deleted: Bypass,
    /// The images.
    pub data: DataRecord,
    /// SHA-256 of the weights file that was pruned.
    #[serde(default)]
    pub weights_hash: Option<String>,
    /// The estimator, in words.
    pub estimator: String,
    /// How batches are weighted: `pairs`.
    pub weighting: String,
    /// Examples per batch.
    pub batch: usize,
    /// Batches that entered the sums, over all passes.
    pub batches: usize,
    /// Distinct examples asked for per pass.
    pub examples: usize,
    /// Examples per pass left out because the last batch held fewer than 4.
    pub dropped: usize,
    /// Passes over the examples.
    pub passes: usize,
    /// How examples were chosen.
    pub sample: Sample,
    /// Seed of the random sample.
    pub seed: u64,
    /// Seconds spent.
    pub seconds: Seconds,
    /// Mean absolute difference to the map of the whole network, over pairs of
    /// different layers that both define; `None` if there was no such map of the same
    /// weights.
    #[serde(default)]
    pub difference: Option<f64>,
}

/// The map of a pruned network: `pruned.ron`, `cka.npy` and `cka_se.npy`.
#[derive(Debug, Clone, PartialEq)]
pub struct PrunedMap {
    /// How it was made.
    pub record: PrunedRecord,
    /// CKA of every pair of layers of the whole network; undefined where a layer is
    /// deleted or has no variance.
    pub cka: SimilarityMatrix,
    /// Standard error of every cell (jackknife over batches); undefined with a single
    /// batch.
    pub se: SimilarityMatrix,
}

impl PrunedRecord {
    /// True if the map can be laid beside `whole`, as a map of the weights of that
    /// hash: same images in the same batches, same estimator, same weights. Without a
    /// hash, weights are not compared.
    pub fn fits(&self, whole: &AnalysisRecord, weights: Option<&str>) -> bool {
        // images in order do not depend on the seed
        let seeded = |seed, sample| if sample == Sample::First { 0 } else { seed };
        weights.is_none_or(|hash| self.weights_hash.as_deref() == Some(hash))
            && self.estimator == ESTIMATOR
            && self.data.fingerprint == whole.data.fingerprint
            && (self.examples, self.batch, self.passes)
                == (whole.examples, whole.batch, whole.passes)
            && self.sample == whole.sample
            && seeded(self.seed, self.sample) == seeded(whole.seed, whole.sample)
    }

    /// Where its map is within the run's folder: `analysis/pruned/2.3+2.4/cka.npy`.
    pub fn path(&self) -> String {
        format!("{}/{CKA}", folder(&self.deleted))
    }
}

impl PrunedMap {
    /// The map as an analysis of the whole network's `layers`.
    pub fn analysis(self, layers: &[Layer]) -> CkaAnalysis {
        let r = self.record;
        let record = AnalysisRecord {
            format: r.format,
            program: r.program,
            created: r.created,
            device: r.device,
            data: r.data,
            weights_hash: r.weights_hash,
            estimator: r.estimator,
            weighting: r.weighting,
            batch: r.batch,
            batches: r.batches,
            examples: r.examples,
            dropped: r.dropped,
            passes: r.passes,
            sample: r.sample,
            seed: r.seed,
            seconds: r.seconds,
            layers: layers.to_vec(),
        };
        CkaAnalysis { record, cka: self.cka, se: self.se }
    }
}

impl LoadedRun {
    /// False if the pruned map of that record is of other weights than the run now
    /// holds, or of other images or batches than its own map.
    pub fn pruned_fits(&self, record: &PrunedRecord) -> bool {
        let whole = self.analysis.as_ref().map(|a| &a.record);
        whole.is_some_and(|whole| record.fits(whole, self.manifest.weights_hash.as_deref()))
    }
}

impl RunStore {
    /// Reads the map of a run without some blocks, if it was computed.
    ///
    /// # Errors
    /// [`RunError`] naming the file and the place in it.
    pub fn pruned(&self, id: &RunId, deleted: &Bypass) -> Result<Option<PrunedMap>, RunError> {
        let model = self.manifest(id)?.model;
        read(self.source(&self.place(id)), &model, deleted)
    }

    /// Writes or replaces the map of a run without some blocks, and returns its folder.
    /// That of a run inside the program goes to a copy in the root (see
    /// [`RunStore::writable`]).
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn write_pruned(&self, id: &RunId, map: &PrunedMap) -> Result<PathBuf, RunError> {
        let model = self.manifest(id)?.model;
        write(&self.writable(id)?, &model, map)
    }
}

/// The folder of a map within its run, with `/`. The name spells the blocks in network
/// order; where that would be too long for a file system, how many there are and a
/// digest.
fn folder(deleted: &Bypass) -> String {
    let text = deleted.to_string();
    let name = match text.len() <= NAME {
        true => text.replace(',', "+"),
        false => {
            let digest: String = sha256_hex(text.as_bytes()).chars().take(16).collect();
            format!("{}-blocks-{digest}", deleted.len())
        }
    };
    format!("{FOLDER}/{name}")
}

/// What makes a map anew.
fn again(deleted: &Bypass) -> String {
    format!("`blockscope prune RUN --residual-blocks {deleted} --map` makes it anew")
}

fn write(run: &Path, model: &ModelSpec, map: &PrunedMap) -> Result<PathBuf, RunError> {
    let dir = run.join(folder(&map.record.deleted));
    let path = dir.join(RECORD);
    let text = write::checked_ron(&path, &map.record, check::pruned(&map.record, model))?;
    let layers = model.layers().len();
    let mut files = Vec::new();
    for (file, matrix) in [(CKA, &map.cka), (SE, &map.se)] {
        let failed = |e: String| RunError::damaged(&dir.join(file), format!("not written: {e}"));
        fits(matrix, layers).map_err(failed)?;
        files.push((file, npy::encode(matrix).map_err(failed)?));
    }
    // a link on the way would lead out of the run
    write::real_folder(&run.join("analysis"))?;
    write::real_folder(&run.join(FOLDER))?;
    write::group(&dir, (RECORD, text), files)?;
    Ok(dir)
}

fn fits(matrix: &SimilarityMatrix, layers: usize) -> Result<(), String> {
    match (matrix.rows(), matrix.cols()) {
        (rows, cols) if (rows, cols) == (layers, layers) => Ok(()),
        (rows, cols) => {
            Err(format!("{rows}x{cols} values for {layers} layers (expected {layers}x{layers})"))
        }
    }
}

/// Reads a map; `None` if there is no such record.
fn read(
    source: Source<'_>,
    model: &ModelSpec,
    deleted: &Bypass,
) -> Result<Option<PrunedMap>, RunError> {
    let folder = folder(deleted);
    let Some(record) = record(source, model, &folder)? else { return Ok(None) };
    let layers = model.layers().len();
    let array = |name: &str| {
        let file = format!("{folder}/{name}");
        let damaged =
            |e: String| RunError::damaged(&source.path(&file), format!("{e}; {}", again(deleted)));
        let bytes = source.bytes(&file, ARRAY_LIMIT)?.ok_or_else(|| damaged("missing".into()))?;
        let matrix = npy::decode(&bytes).map_err(damaged)?;
        fits(&matrix, layers).map_err(damaged)?;
        Ok(matrix)
    };
    let (cka, se) = (array(CKA)?, array(SE)?);
    Ok(Some(PrunedMap { record, cka, se }))
}

/// Reads the record in a folder (a path within the run); `None` if it holds none.
fn record(
    source: Source<'_>,
    model: &ModelSpec,
    place: &str,
) -> Result<Option<PrunedRecord>, RunError> {
    let file = format!("{place}/{RECORD}");
    let Some(bytes) = source.bytes(&file, LIMIT)? else { return Ok(None) };
    let path = source.path(&file);
    let record: PrunedRecord = versioned(&bytes, &path)?;
    let sound = check::pruned(&record, model).and_then(|()| {
        let own = folder(&record.deleted);
        match own == place {
            true => Ok(()),
            false => Err(format!("it is about blocks {}, which belong in {own}", record.deleted)),
        }
    });
    sound.map_err(|e| RunError::damaged(&path, e))?;
    Ok(Some(record))
}

/// The records of a run, fewest blocks first; what cannot be read is told in one line
/// each among the `problems`.
pub(super) fn list(
    source: Source<'_>,
    model: &ModelSpec,
    problems: &mut Vec<String>,
) -> Vec<PrunedRecord> {
    let names = source.folders(FOLDER).unwrap_or_else(|error| {
        problems.push(error.to_string());
        Vec::new()
    });
    if names.len() > LISTED {
        let path = source.path(FOLDER);
        let text = format!("{} maps of pruned networks; {LISTED} are listed", names.len());
        problems.push(RunError::damaged(&path, text).to_string());
    }
    let mut records = Vec::new();
    for name in names.iter().take(LISTED) {
        match record(source, model, &format!("{FOLDER}/{name}")) {
            Ok(found) => records.extend(found),
            Err(error) => problems.push(error.to_string()),
        }
    }
    records.sort_by_cached_key(|r: &PrunedRecord| {
        (r.deleted.len(), r.deleted.iter().collect::<Vec<_>>())
    });
    records
}

#[cfg(test)]
mod tests;
