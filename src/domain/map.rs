//! A map: the similarity of layers, whatever the measure, of one run or between two,
//! with its standard errors and how it was made. Knows no files and no screens.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::absent::Absent;
use super::measure::{CKA, EstimatorId, Measure, MeasureId, WithoutKind, is_sound};
use super::record::{DataRecord, Provenance, Sample, Seconds};
use super::{Bypass, Layer, ModelSpec, SimilarityMatrix, measure};

/// Longest list of blocks that a map's id spells out, in bytes.
const SPELT: usize = 120;

/// Whose layers a map compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Of {
    /// Those of one run with each other.
    Run,
    /// Those of one run with those of another.
    Between,
}

/// What a map leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Without {
    /// Nothing.
    Nothing,
    /// Each layer's first principal component.
    FirstComponent,
    /// The examples that lead the network's first components.
    Dominant,
    /// Residual blocks of the network; their layers are undefined.
    Blocks(Bypass),
}

impl Without {
    /// What it leaves out, without saying which.
    pub fn kind(&self) -> WithoutKind {
        match self {
            Without::Nothing => WithoutKind::Nothing,
            Without::FirstComponent => WithoutKind::FirstComponent,
            Without::Dominant => WithoutKind::Dominant,
            Without::Blocks(_) => WithoutKind::Blocks,
        }
    }
}

/// How exactly products were computed: `exact`, or the name of a faster way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Precision(String);

impl Precision {
    /// That of a name.
    pub fn new(name: &str) -> Precision {
        Precision(name.to_string())
    }

    /// Products of `f32`, summed in `f64`.
    pub fn exact() -> Precision {
        Precision::new("exact")
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a map is known by within its run or comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MapKey {
    /// The measure.
    pub measure: MeasureId,
    /// Whose layers.
    pub of: Of,
    /// Without what.
    pub without: Without,
    /// How exactly.
    pub precision: Precision,
}

impl MapKey {
    /// A measure's map of a run, exact.
    pub fn of_run(measure: &Measure, without: Without) -> MapKey {
        MapKey { measure: measure.id(), of: Of::Run, without, precision: Precision::exact() }
    }

    /// A measure's map between two runs, exact.
    pub fn between(measure: &Measure, without: Without) -> MapKey {
        MapKey { of: Of::Between, ..MapKey::of_run(measure, without) }
    }

    /// A run's main map: CKA of its layers.
    pub fn cka() -> MapKey {
        MapKey::of_run(&CKA, Without::Nothing)
    }

    /// CKA of a run's layers without some blocks.
    pub fn pruned(blocks: Bypass) -> MapKey {
        MapKey::of_run(&CKA, Without::Blocks(blocks))
    }

    /// The deleted blocks, if it is a map without some.
    pub fn blocks(&self) -> Option<&Bypass> {
        match &self.without {
            Without::Blocks(blocks) => Some(blocks),
            _ => None,
        }
    }

    /// A name that can be read, is the same on every system and fits into a file
    /// system: `cka`, `cka-without-pc1`, `cka-without-blocks-2.3+2.4`. Blocks come in
    /// network order; where their list would be too long, how many there are and a
    /// digest. Whose layers it compares is said by where it lies.
    pub fn id(&self) -> String {
        let mut id = self.measure.as_str().to_string();
        match &self.without {
            Without::Nothing => {}
            Without::FirstComponent => id.push_str("-without-pc1"),
            Without::Dominant => id.push_str("-without-dominant"),
            Without::Blocks(blocks) => {
                id.push_str(BLOCKS);
                id.push_str(&spelt(blocks));
            }
        }
        if self.precision != Precision::exact() {
            id.push('-');
            id.push_str(self.precision.as_str());
        }
        id
    }

    /// The measure, if this program knows it.
    pub fn known(&self) -> Option<&'static Measure> {
        Measure::find(self.measure.as_str())
    }

    /// The name on screen; the id where no row of the registry gives one.
    pub fn title(&self) -> String {
        let variant = self.known().and_then(|measure| measure.variant(self.without.kind()));
        match (variant, self.blocks()) {
            (Some(_), Some(blocks)) => {
                let whole = self.known().and_then(|m| m.variant(WithoutKind::Nothing));
                format!("{} without {blocks}", whole.map_or("", |v| v.name))
            }
            (Some(variant), None) => variant.name.to_string(),
            (None, _) => self.id(),
        }
    }

    /// Checks that its id is a name for a file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn check(&self) -> Result<(), String> {
        if !self.measure.is_sound() {
            return Err(format!("measure {:?} is no name of a measure", self.measure.as_str()));
        }
        if !is_sound(self.precision.as_str()) {
            return Err(format!("precision {:?} is no name", self.precision.as_str()));
        }
        match self.blocks() {
            Some(blocks) if blocks.is_empty() => Err("deleted: no residual block is named".into()),
            _ => Ok(()),
        }
    }

    /// The order of lists: whole networks first, measures as in the registry, fewest
    /// blocks first.
    pub fn order(&self) -> impl Ord + use<> {
        let rank = self.known().map_or(usize::MAX, Measure::rank);
        let blocks = self.blocks().map(|blocks| (blocks.len(), blocks.iter().collect::<Vec<_>>()));
        (self.without.kind(), rank, blocks, self.measure.clone(), self.precision.clone())
    }
}

/// What stands between a measure's name and the blocks that its map lacks.
pub const BLOCKS: &str = "-without-blocks-";

/// `2.3+2.4`, or for a long list how many there are and a digest.
fn spelt(blocks: &Bypass) -> String {
    let text = blocks.to_string();
    if text.len() <= SPELT {
        return text.replace(',', "+");
    }
    let digest = Sha256::digest(text.as_bytes());
    let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{digest}", blocks.len())
}

/// One of the two sides of a map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// The run's name when the map was made.
    pub run: String,
    /// SHA-256 of its weights file, in hexadecimal; always there between two runs.
    #[serde(default)]
    pub weights_hash: Option<String>,
    /// Epoch of the checkpoint that these weights are, where training had not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<usize>,
    /// The network, where it is not said by the run that holds the map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSpec>,
    /// The layers, in the order of the map's rows or columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// Those whose activations are not finite numbers, by their places in the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_finite: Vec<usize>,
}

/// Which images a map is over, and in which batches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapPlan {
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
}

impl MapPlan {
    /// The seed, or 0 for images in order, which do not depend on it.
    pub fn effective_seed(&self) -> u64 {
        self.sample.seed(self.seed)
    }

    /// True if both are over the same examples in the same batches, where they are of
    /// the same images.
    pub fn same(&self, other: &MapPlan) -> bool {
        (self.examples, self.batch, self.passes, self.sample, self.effective_seed())
            == (other.examples, other.batch, other.passes, other.sample, other.effective_seed())
    }
}

/// How a map was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MapRecord {
    /// Program, time and device.
    pub provenance: Provenance,
    /// The images.
    pub data: DataRecord,
    /// The run whose layers are the rows.
    pub rows: Side,
    /// The run whose layers are the columns; `None` if they are those of the rows.
    #[serde(default)]
    pub cols: Option<Side>,
    /// Which examples, in which batches.
    pub plan: MapPlan,
    /// How batches are weighted: `pairs`, or `none` if there is one.
    pub weighting: String,
    /// Seconds spent.
    pub seconds: Seconds,
    /// Who computed it.
    pub estimator: EstimatorId,
    /// Share of the examples that was left out, of a map without dominant ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<f64>,
    /// Mean absolute difference to the map of the whole network, over pairs of
    /// different layers that both define, of a map without blocks; `None` if there was
    /// no such map of the same weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
}

impl MapRecord {
    /// The side of the columns.
    pub fn cols(&self) -> &Side {
        self.cols.as_ref().unwrap_or(&self.rows)
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows.layers.len(), self.cols().layers.len())
    }

    /// True if a map without blocks can be laid beside `whole`, as a map of the weights
    /// of that hash: same images in the same batches, the present estimator, same
    /// weights. Without a hash, weights are not compared.
    pub fn fits(&self, whole: &MapRecord, weights: Option<&str>) -> bool {
        weights.is_none_or(|hash| self.rows.weights_hash.as_deref() == Some(hash))
            && self.estimator == measure::CKA_MINIBATCH.id()
            && self.data.fingerprint == whole.data.fingerprint
            && self.plan.same(&whole.plan)
    }
}

/// A map's key and record, without its values.
#[derive(Debug, Clone, PartialEq)]
pub struct MapHead {
    /// What it is known by.
    pub key: MapKey,
    /// How it was made.
    pub record: MapRecord,
}

/// A map.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// What it is known by.
    pub key: MapKey,
    /// The similarity of every layer of the rows with every layer of the columns;
    /// undefined where a layer has no variance or is deleted.
    pub values: SimilarityMatrix,
    /// Standard error of every value (jackknife over batches), if it was estimated;
    /// undefined with a single batch.
    pub error: Option<SimilarityMatrix>,
    /// How it was made.
    pub record: MapRecord,
}

impl Map {
    /// The layers of its rows, which are those of its columns unless it is between two
    /// runs.
    pub fn layers(&self) -> &[Layer] {
        &self.record.rows.layers
    }

    /// Without its values.
    pub fn head(&self) -> MapHead {
        MapHead { key: self.key.clone(), record: self.record.clone() }
    }

    /// Why a layer of the rows has no value at all; `None` if it has some.
    pub fn absent(&self, layer: usize) -> Option<Absent> {
        let there = match self.record.cols {
            None => self.values.get(layer, layer).is_some(),
            Some(_) => (0..self.values.cols()).any(|col| self.values.get(layer, col).is_some()),
        };
        if there {
            return None;
        }
        let deleted = self.key.blocks().zip(self.layers().get(layer));
        Some(if deleted.is_some_and(|(blocks, layer)| blocks.contains_layer(layer)) {
            Absent::NotComputed
        } else if self.record.rows.not_finite.contains(&layer) {
            Absent::NotFinite
        } else {
            Absent::NoVariance
        })
    }

    /// The standard error of a pair of layers.
    pub fn error_at(&self, row: usize, col: usize) -> Option<f64> {
        self.error.as_ref().and_then(|error| error.get(row, col))
    }

    /// Rows and columns exchanged.
    pub fn transposed(self) -> Map {
        let (rows, cols) = match self.record.cols {
            None => (self.record.rows, None),
            Some(cols) => (cols, Some(self.record.rows)),
        };
        Map {
            key: self.key,
            values: self.values.transposed(),
            error: self.error.map(|error| error.transposed()),
            record: MapRecord { rows, cols, ..self.record },
        }
    }

    /// Checks that values and errors are those of the record's layers.
    ///
    /// # Errors
    /// What does not fit, in words.
    pub fn check_shape(&self) -> Result<(), String> {
        fits(&self.values, &self.record)?;
        self.error.as_ref().map_or(Ok(()), |error| fits(error, &self.record))
    }
}

/// Checks that a matrix is one of the record's layers.
///
/// # Errors
/// What does not fit, in words.
pub fn fits(matrix: &SimilarityMatrix, record: &MapRecord) -> Result<(), String> {
    let (found, (rows, cols)) = ((matrix.rows(), matrix.cols()), record.shape());
    match (found == (rows, cols), record.cols.is_some()) {
        (true, _) => Ok(()),
        (false, true) => {
            Err(format!("{}x{} values for {rows} and {cols} layers", found.0, found.1))
        }
        (false, false) => Err(format!(
            "{}x{} values for {rows} layers (expected {rows}x{rows})",
            found.0, found.1
        )),
    }
}

#[cfg(test)]
mod tests;
