//! Comparisons of two runs, kept beside the runs: `comparisons/PAIR/ID/` holds a map
//! between their layers, as `analysis/maps/ID/` holds one of a run; the map `cka` is
//! always there.
//!
//! A pair is known by the hashes of both weights files, so it outlives a
//! renamed run and never speaks of other weights. It has no order: asked for the
//! other way round, it comes back transposed. Knows neither engine nor screens.

use super::error::RunError;
use super::hash::sha256_hex;
use super::maps;
use super::read::Source;
use crate::domain::measure::{self, CKA, WithoutKind};
use crate::domain::record::Sample;
use crate::domain::{Map, MapKey, MapPlan, MapRecord, Side, SimilarityMatrix, Without};

/// Maps of a comparison that are read.
const MAPS: usize = 16;
/// Characters of a run's name in a folder's name.
const NAME: usize = 40;

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
pub(super) fn weights_tag(rows: &str, cols: &str) -> String {
    let (first, second) = if rows <= cols { (rows, cols) } else { (cols, rows) };
    sha256_hex(format!("{first} {second}").as_bytes()).chars().take(8).collect()
}

impl PairKey {
    /// What a folder's name ends in: eight digits for the weights and eight for
    /// images and plan.
    pub(super) fn tag(&self) -> String {
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
        let seed = self.sample.seed(self.seed);
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
    pub(super) fn facing(self, rows: &str, cols: &str) -> Option<PairMaps> {
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
    pub(super) fn is_of_one_pair(&self) -> bool {
        let hashes = |map: &Map| {
            let record = &map.record;
            (record.rows.weights_hash.clone(), record.cols().weights_hash.clone())
        };
        let of = hashes(&self.cka);
        self.others.iter().all(|map| hashes(map) == of)
    }
}

/// `ROWS--COLS-TAG`, of characters that every system takes.
pub(super) fn folder_name(pair: &PairMaps, tag: &str) -> String {
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

/// Reads the comparison `name` of this format below `source`; `None` if it is not there.
pub(super) fn read(source: Source<'_>, name: &str) -> Result<Option<PairMaps>, RunError> {
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
