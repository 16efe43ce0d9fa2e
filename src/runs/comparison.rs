//! Comparisons of two runs, kept beside the runs: `comparisons/PAIR/` holds
//! `comparison.ron`, `cka.npy`, `cka_se.npy` and, where it was asked for,
//! `cka_without_pc1.npy`.
//!
//! A pair is known by the hashes of both weights files, so it outlives a
//! renamed run and never speaks of other weights. It has no order: asked for the
//! other way round, it comes back transposed. Knows neither engine nor screens.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::hash::sha256_hex;
use super::read::{ARRAY_LIMIT, RECORD_LIMIT, Source, versioned};
use super::{RunStore, check, write};
use crate::domain::record::{Sample, Seconds};
use crate::domain::{Layer, ModelSpec, SimilarityMatrix};
use crate::files::npy;

/// The folder of comparisons in the runs folder.
pub const FOLDER: &str = "comparisons";
/// The file that makes a folder a comparison.
pub const RECORD: &str = "comparison.ron";
const CKA: &str = "cka.npy";
const SE: &str = "cka_se.npy";
const WITHOUT: &str = "cka_without_pc1.npy";
/// Characters of a run's name in a folder's name.
const NAME: usize = 40;

/// One of the two runs of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// The run's name when it was compared.
    pub run: String,
    /// SHA-256 of its weights file, in hexadecimal.
    pub weights_hash: String,
    /// The network.
    pub model: ModelSpec,
    /// The layer list, in the order of the matrix's rows or columns.
    pub layers: Vec<Layer>,
}

/// The images of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedImages {
    /// `CIFAR-10`, `shapes`.
    pub title: String,
    /// SHA-256 over class names and test images with their labels.
    pub fingerprint: String,
}

/// The contents of `comparison.ron`: how the arrays beside it were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairRecord {
    /// [`super::FORMAT`] when the file was written.
    pub format: u32,
    /// Program and version that wrote the file.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub created: String,
    /// The device that made it, in words.
    pub device: String,
    /// The run whose layers are the rows.
    pub rows: Side,
    /// The run whose layers are the columns.
    pub cols: Side,
    /// The images, which both saw.
    pub data: ComparedImages,
    /// The estimator, in words.
    pub estimator: String,
    /// What the map without first components is, in words, if there is one.
    #[serde(default)]
    pub without_pc1: Option<String>,
    /// Distinct examples asked for per pass.
    pub examples: usize,
    /// Examples per pass left out because the last batch held fewer than 4.
    pub dropped: usize,
    /// Examples per batch.
    pub batch: usize,
    /// Batches that entered the sums, over all passes.
    pub batches: usize,
    /// Passes over the examples.
    pub passes: usize,
    /// How examples were chosen.
    pub sample: Sample,
    /// Seed of the random sample.
    pub seed: u64,
    /// Seconds of the request that made it, which may have made other pairs too.
    pub seconds: Seconds,
}

/// A finished comparison of two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct PairAnalysis {
    /// How it was made.
    pub record: PairRecord,
    /// CKA of every layer of `record.rows` with every layer of `record.cols`.
    pub cka: SimilarityMatrix,
    /// Standard error of every cell (jackknife over batches); undefined with a
    /// single batch.
    pub se: SimilarityMatrix,
    /// CKA with each layer's first component removed, if it was asked for.
    pub without_pc1: Option<SimilarityMatrix>,
}

/// What makes two comparisons the same: weights, images and plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairKey {
    /// Hash of the weights of the rows.
    pub rows: String,
    /// Hash of the weights of the columns.
    pub cols: String,
    /// Fingerprint of the images.
    pub fingerprint: String,
    /// Examples per pass.
    pub examples: usize,
    /// Examples per batch.
    pub batch: usize,
    /// Passes.
    pub passes: usize,
    /// How examples were chosen.
    pub sample: Sample,
    /// Seed of a random sample.
    pub seed: u64,
}

/// The part of a folder's name that stands for two weights files, whatever
/// their order.
fn weights_tag(rows: &str, cols: &str) -> String {
    let (first, second) = if rows <= cols { (rows, cols) } else { (cols, rows) };
    sha256_hex(format!("{first} {second}").as_bytes()).chars().take(8).collect()
}

impl PairKey {
    /// What a folder's name ends in: eight digits for the weights and eight for
    /// images and plan.
    fn tag(&self) -> String {
        // Images in order do not depend on the seed.
        let seed = if self.sample == Sample::First { 0 } else { self.seed };
        let plan = format!(
            "{} {} {} {} {} {seed}",
            self.fingerprint,
            self.examples,
            self.batch,
            self.passes,
            self.sample.name()
        );
        let plan: String = sha256_hex(plan.as_bytes()).chars().take(8).collect();
        format!("{}{plan}", weights_tag(&self.rows, &self.cols))
    }
}

impl PairRecord {
    /// What it is known by.
    pub fn key(&self) -> PairKey {
        PairKey {
            rows: self.rows.weights_hash.clone(),
            cols: self.cols.weights_hash.clone(),
            fingerprint: self.data.fingerprint.clone(),
            examples: self.examples,
            batch: self.batch,
            passes: self.passes,
            sample: self.sample,
            seed: self.seed,
        }
    }
}

impl PairAnalysis {
    /// The same comparison with rows and columns exchanged.
    pub fn transposed(self) -> PairAnalysis {
        let PairRecord { rows, cols, .. } = self.record;
        PairAnalysis {
            record: PairRecord { rows: cols, cols: rows, ..self.record },
            cka: self.cka.transposed(),
            se: self.se.transposed(),
            without_pc1: self.without_pc1.map(|map| map.transposed()),
        }
    }

    /// With the run of the given weights in the rows; `None` if it is neither.
    fn facing(self, rows: &str, cols: &str) -> Option<PairAnalysis> {
        let found =
            (self.record.rows.weights_hash.as_str(), self.record.cols.weights_hash.as_str());
        if found == (rows, cols) {
            Some(self)
        } else if found == (cols, rows) {
            Some(self.transposed())
        } else {
            None
        }
    }
}

impl RunStore {
    /// The comparison of two runs, known by the hashes of their weights, over
    /// the most examples (the newest of equals); `None` if there is none.
    ///
    /// # Errors
    /// [`RunError`] naming the file, if the only one there is is damaged.
    pub fn find_pair(&self, rows: &str, cols: &str) -> Result<Option<PairAnalysis>, RunError> {
        let tag = weights_tag(rows, cols);
        let named =
            |name: &str| name.rsplit_once('-').is_some_and(|(_, end)| end.starts_with(&tag));
        let found = self.pairs_named(named)?;
        let (mut best, mut error) = (None::<PairAnalysis>, None);
        for pair in found {
            let pair = match pair {
                Ok(pair) => pair.facing(rows, cols),
                Err(e) => {
                    error = Some(e);
                    continue;
                }
            };
            let rank =
                |p: &PairAnalysis| (p.record.examples, p.record.passes, p.record.created.clone());
            if let Some(pair) = pair
                && best.as_ref().is_none_or(|best| rank(best) < rank(&pair))
            {
                best = Some(pair);
            }
        }
        match (best, error) {
            (None, Some(error)) => Err(error),
            (best, _) => Ok(best),
        }
    }

    /// The comparison of exactly these weights, images and plan.
    ///
    /// # Errors
    /// [`RunError`] naming the file, if it is damaged.
    pub fn find_exact_pair(&self, key: &PairKey) -> Result<Option<PairAnalysis>, RunError> {
        let tag = key.tag();
        let named = |name: &str| name.rsplit_once('-').is_some_and(|(_, end)| end == tag);
        for pair in self.pairs_named(named)? {
            if let Some(pair) = pair?.facing(&key.rows, &key.cols)
                && pair.record.key().tag() == tag
            {
                return Ok(Some(pair));
            }
        }
        Ok(None)
    }

    /// Writes a comparison, or replaces that of the same weights, images and
    /// plan; returns its folder, which appears in one step.
    ///
    /// # Errors
    /// [`RunError`] naming the file.
    pub fn write_pair(&self, pair: &PairAnalysis) -> Result<PathBuf, RunError> {
        let root = self.root().join(FOLDER);
        let tag = pair.record.key().tag();
        let there = self.pair_names()?.into_iter().find(|(name, on_disk)| {
            *on_disk && name.rsplit_once('-').is_some_and(|(_, end)| end == tag)
        });
        let name = there.map_or_else(|| folder_name(&pair.record, &tag), |(name, _)| name);
        let path = root.join(&name).join(RECORD);
        let text = write::checked_ron(&path, &pair.record, check::pair(&pair.record))?;
        let (l, m) = (pair.record.rows.layers.len(), pair.record.cols.layers.len());
        let mut files = vec![(CKA, &pair.cka), (SE, &pair.se)];
        files.extend(pair.without_pc1.as_ref().map(|map| (WITHOUT, map)));
        for (file, map) in &files {
            fits(map, l, m).map_err(|e| {
                RunError::damaged(&root.join(&name).join(file), format!("not written: {e}"))
            })?;
        }
        write::new_folder(&root, &name, true, |folder| {
            for (file, map) in files {
                let path = folder.join(file);
                let bytes = npy::encode(map).map_err(|e| RunError::damaged(&path, e))?;
                write::atomic(&path, &bytes)?;
            }
            write::atomic(&folder.join(RECORD), text.as_bytes())
        })
    }

    /// The folders of comparisons and whether they are on the disk; those on
    /// the disk hide those inside the program of the same name.
    fn pair_names(&self) -> Result<BTreeMap<String, bool>, RunError> {
        let root = self.root().join(FOLDER);
        let mut names: BTreeMap<String, bool> =
            self.embedded().comparisons().map(|name| (name.to_string(), false)).collect();
        let failed = |e| RunError::io("read", &root, e);
        let entries = match fs::read_dir(&root) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(names),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            if let Ok(name) = name.into_string()
                && check::name(&name).is_ok()
                && root.join(&name).join(RECORD).exists()
            {
                names.insert(name, true);
            }
        }
        Ok(names)
    }

    fn pairs_named(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<Result<PairAnalysis, RunError>>, RunError> {
        let root = self.root().join(FOLDER);
        let names = self.pair_names()?;
        let read = |(name, on_disk): (&String, &bool)| {
            let source = match on_disk {
                true => Source::Folder(&root),
                false => Source::Embedded(self.embedded(), FOLDER),
            };
            read(source, name).transpose()
        };
        Ok(names.iter().filter(|(name, _)| wanted(name)).filter_map(read).collect())
    }
}

/// `ROWS--COLS-TAG`, of characters that every system takes.
fn folder_name(record: &PairRecord, tag: &str) -> String {
    let plain = |name: &str| -> String {
        let kept = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let mut text: String = name.chars().map(kept).take(NAME).collect();
        while text.len() > NAME {
            text.pop();
        }
        match text.starts_with('.') {
            true => text.replacen('.', "_", 1),
            false => text,
        }
    };
    format!("{}--{}-{tag}", plain(&record.rows.run), plain(&record.cols.run))
}

fn fits(map: &SimilarityMatrix, rows: usize, cols: usize) -> Result<(), String> {
    match (map.rows(), map.cols()) == (rows, cols) {
        true => Ok(()),
        false => Err(format!("{}x{} values for {rows} and {cols} layers", map.rows(), map.cols())),
    }
}

/// Reads the comparison `name` below `source`; `None` if it is not there.
fn read(source: Source<'_>, name: &str) -> Result<Option<PairAnalysis>, RunError> {
    let file = |file: &str| format!("{name}/{file}");
    let Some(bytes) = source.bytes(&file(RECORD), RECORD_LIMIT)? else { return Ok(None) };
    let path = source.path(&file(RECORD));
    let record: PairRecord = versioned(&bytes, &path)?;
    check::pair(&record).map_err(|e| RunError::damaged(&path, e))?;
    let damaged = |of: &str, e: String| {
        let text = format!("{e}; run `blockscope compare` again");
        RunError::damaged(&source.path(&file(of)), text)
    };
    let array = |of: &str| -> Result<Option<SimilarityMatrix>, RunError> {
        let Some(bytes) = source.bytes(&file(of), ARRAY_LIMIT)? else { return Ok(None) };
        let map = npy::decode(&bytes).map_err(|e| damaged(of, e))?;
        fits(&map, record.rows.layers.len(), record.cols.layers.len())
            .map_err(|e| damaged(of, e))?;
        Ok(Some(map))
    };
    let needed = |of: &str| array(of)?.ok_or_else(|| damaged(of, "missing".into()));
    let (cka, se) = (needed(CKA)?, needed(SE)?);
    let without_pc1 = if record.without_pc1.is_some() { Some(needed(WITHOUT)?) } else { None };
    Ok(Some(PairAnalysis { record, cka, se, without_pc1 }))
}

#[cfg(test)]
mod tests;
