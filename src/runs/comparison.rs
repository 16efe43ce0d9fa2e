//! Comparisons of two runs, kept beside the runs: `comparisons/PAIR/ID/` holds a map
//! between their layers, as `analysis/maps/ID/` holds one of a run; the map `cka` is
//! always there.
//!
//! A pair is known by the hashes of both weights files, so it outlives a
//! renamed run and never speaks of other weights. It has no order: asked for the
//! other way round, it comes back transposed. Knows neither engine nor screens.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::RunError;
use super::hash::sha256_hex;
use super::read::Source;
use super::{RunStore, check, format1, maps, write};
use crate::domain::measure::{self, CKA, WithoutKind};
use crate::domain::record::Sample;
use crate::domain::{Map, MapKey, MapPlan, MapRecord, Side, SimilarityMatrix, Without};

/// The folder of comparisons in the runs folder.
pub const FOLDER: &str = "comparisons";
/// Maps of a comparison that are read.
const MAPS: usize = 16;
/// Characters of a run's name in a folder's name.
const NAME: usize = 40;

/// True if a file of that path makes a folder a comparison.
pub(super) fn is_main(file: &str) -> bool {
    file == format!("{}/{}", MapKey::cka().id(), maps::RECORD) || file == format1::PAIR
}

/// The images of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedImages {
    /// `CIFAR-10`, `shapes`.
    pub title: String,
    /// SHA-256 over class names and test images with their labels.
    pub fingerprint: String,
}

/// A finished comparison of two runs: maps of the same layers over the same images.
#[derive(Debug, Clone, PartialEq)]
pub struct PairMaps {
    /// CKA of every layer of the rows with every layer of the columns.
    pub cka: Map,
    /// Other maps, if they were asked for.
    pub others: Vec<Map>,
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
        let seed = self.sample.seed(self.seed);
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

    /// True if a map's record is of this plan over these images.
    pub fn covers(&self, record: &MapRecord) -> bool {
        let MapPlan { examples, batch, passes, sample, .. } = record.plan;
        let seed = if self.sample == Sample::First { 0 } else { self.seed };
        record.data.fingerprint == self.fingerprint
            && (examples, batch, passes) == (self.examples, self.batch, self.passes)
            && (sample, record.plan.effective_seed()) == (self.sample, seed)
    }
}

impl PairMaps {
    /// A comparison: CKA and its standard errors, made as the record says, and CKA
    /// without first components if it was asked for.
    pub fn new(
        record: MapRecord,
        cka: SimilarityMatrix,
        errors: SimilarityMatrix,
        without_pc1: Option<SimilarityMatrix>,
    ) -> PairMaps {
        let estimator = measure::CKA_BETWEEN_WITHOUT_PC1.id();
        let without = without_pc1.map(|values| Map {
            key: MapKey::between(&CKA, Without::FirstComponent),
            values,
            error: None,
            record: MapRecord { estimator, ..record.clone() },
        });
        let key = MapKey::between(&CKA, Without::Nothing);
        PairMaps {
            cka: Map { key, values: cka, error: Some(errors), record },
            others: without.into_iter().collect(),
        }
    }

    /// How it was made.
    pub fn record(&self) -> &MapRecord {
        &self.cka.record
    }

    /// The images, which both saw.
    pub fn images(&self) -> ComparedImages {
        let data = &self.cka.record.data;
        ComparedImages { title: data.title(), fingerprint: data.fingerprint.clone() }
    }

    /// The run whose layers are the rows.
    pub fn rows(&self) -> &Side {
        &self.cka.record.rows
    }

    /// The run whose layers are the columns.
    pub fn cols(&self) -> &Side {
        self.cka.record.cols()
    }

    /// Its map without something.
    pub fn find(&self, without: WithoutKind) -> Option<&Map> {
        let mut all = std::iter::once(&self.cka).chain(&self.others);
        all.find(|map| map.key.measure == self.cka.key.measure && map.key.without.kind() == without)
    }

    /// CKA with each layer's first component removed, if it was asked for.
    pub fn without_pc1(&self) -> Option<&SimilarityMatrix> {
        self.find(WithoutKind::FirstComponent).map(|map| &map.values)
    }

    /// What it is known by.
    pub fn key(&self) -> PairKey {
        let record = self.record();
        let hash = |side: &Side| side.weights_hash.clone().unwrap_or_default();
        let MapPlan { examples, batch, passes, sample, seed, .. } = record.plan;
        PairKey {
            rows: hash(self.rows()),
            cols: hash(self.cols()),
            fingerprint: record.data.fingerprint.clone(),
            examples,
            batch,
            passes,
            sample,
            seed,
        }
    }

    /// The same comparison with rows and columns exchanged.
    pub fn transposed(self) -> PairMaps {
        PairMaps {
            cka: self.cka.transposed(),
            others: self.others.into_iter().map(Map::transposed).collect(),
        }
    }

    /// With the run of the given weights in the rows; `None` if it is neither.
    fn facing(self, rows: &str, cols: &str) -> Option<PairMaps> {
        let key = self.key();
        if (key.rows.as_str(), key.cols.as_str()) == (rows, cols) {
            Some(self)
        } else if (key.rows.as_str(), key.cols.as_str()) == (cols, rows) {
            Some(self.transposed())
        } else {
            None
        }
    }

    /// True if all its maps are of the same weights.
    fn is_of_one_pair(&self) -> bool {
        let hashes = |map: &Map| {
            let record = &map.record;
            (record.rows.weights_hash.clone(), record.cols().weights_hash.clone())
        };
        let of = hashes(&self.cka);
        self.others.iter().all(|map| hashes(map) == of)
    }
}

impl RunStore {
    /// The comparison of two runs, known by the hashes of their weights, over
    /// the most examples (the newest of equals); `None` if there is none.
    ///
    /// # Errors
    /// [`RunError`] naming the file, if the only one there is is damaged.
    pub fn find_pair(&self, rows: &str, cols: &str) -> Result<Option<PairMaps>, RunError> {
        let tag = weights_tag(rows, cols);
        let named =
            |name: &str| name.rsplit_once('-').is_some_and(|(_, end)| end.starts_with(&tag));
        let found = self.pairs_named(named)?;
        let (mut best, mut error) = (None::<PairMaps>, None);
        for pair in found {
            let pair = match pair {
                Ok(pair) => pair.facing(rows, cols),
                Err(e) => {
                    error = Some(e);
                    continue;
                }
            };
            let rank = |p: &PairMaps| {
                let record = p.record();
                (record.plan.examples, record.plan.passes, record.provenance.created.clone())
            };
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
    pub fn find_exact_pair(&self, key: &PairKey) -> Result<Option<PairMaps>, RunError> {
        let tag = key.tag();
        let named = |name: &str| name.rsplit_once('-').is_some_and(|(_, end)| end == tag);
        for pair in self.pairs_named(named)? {
            if let Some(pair) = pair?.facing(&key.rows, &key.cols)
                && pair.key().tag() == tag
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
    pub fn write_pair(&self, pair: &PairMaps) -> Result<PathBuf, RunError> {
        let root = self.root().join(FOLDER);
        let tag = pair.key().tag();
        let there = self.pair_names()?.into_iter().find(|(name, on_disk)| {
            *on_disk && name.rsplit_once('-').is_some_and(|(_, end)| end == tag)
        });
        let name = there.map_or_else(|| folder_name(pair, &tag), |(name, _)| name);
        let place = root.join(&name);
        if !pair.is_of_one_pair() {
            return Err(RunError::damaged(&place, "not written: its maps are of other weights"));
        }
        let all = std::iter::once(&pair.cka).chain(&pair.others);
        let files = all.map(|map| {
            let id = map.key.id();
            Ok((maps::encoded(&place.join(&id), map, None)?, id))
        });
        let files = files.collect::<Result<Vec<_>, RunError>>()?;
        write::new_folder(&root, &name, true, |folder| {
            for ((record, arrays), id) in files {
                write::group(&folder.join(id), (maps::RECORD, record), arrays)?;
            }
            Ok(())
        })
    }

    /// The names of the comparisons in the runs folder.
    ///
    /// # Errors
    /// [`RunError`] if the folder cannot be read.
    pub fn comparisons(&self) -> Result<Vec<String>, RunError> {
        let names = self.pair_names()?.into_iter();
        Ok(names.filter(|(_, on_disk)| *on_disk).map(|(name, _)| name).collect())
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
                && is_there(&root.join(&name))
            {
                names.insert(name, true);
            }
        }
        Ok(names)
    }

    fn pairs_named(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<Result<PairMaps, RunError>>, RunError> {
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
fn folder_name(pair: &PairMaps, tag: &str) -> String {
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
    format!("{}--{}-{tag}", plain(&pair.rows().run), plain(&pair.cols().run))
}

/// True if a folder holds the main map of a comparison, in any format.
pub(super) fn is_there(folder: &Path) -> bool {
    let main = folder.join(MapKey::cka().id()).join(maps::RECORD);
    main.exists() || folder.join(format1::PAIR).exists()
}

/// Reads the comparison `name` below `source`; `None` if it is not there. Files of
/// format 1 are the ones that count while they are there.
pub(super) fn read(source: Source<'_>, name: &str) -> Result<Option<PairMaps>, RunError> {
    if source.has(&format!("{name}/{}", format1::PAIR)) {
        return format1::pair(source, name);
    }
    let main = MapKey::cka().id();
    let Some(cka) = maps::read(source, name, &main, None)? else { return Ok(None) };
    let mut others = Vec::new();
    for id in source.folders(name)?.iter().filter(|id| **id != main).take(MAPS) {
        others.extend(maps::read(source, name, id, None)?);
    }
    let pair = PairMaps { cka, others };
    match pair.is_of_one_pair() {
        true => Ok(Some(pair)),
        false => {
            let text = "its maps are of other weights; run `blockscope compare` again";
            Err(RunError::damaged(&source.path(name), text))
        }
    }
}

#[cfg(test)]
mod tests;
