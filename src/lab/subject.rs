//! A run that is worked on: read and hashed once, and open until its files change.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use super::{Event, Lab, LabError, Watch, lock};
use crate::data::Dataset;
use crate::domain::Network;
use crate::domain::record::DataRecord;
use crate::model::StateDict;
use crate::model::weights::parse_safetensors;
use crate::runs::{self, RunId, RunManifest, RunState, RunStore, RunWeights};

/// Subjects that stay open: two of a comparison, and those before.
const OPEN: usize = 4;

/// A run with its weights.
#[derive(Debug)]
pub struct Subject {
    /// Where it lives.
    pub id: RunId,
    /// What it says about itself.
    pub manifest: RunManifest,
    /// Its network.
    pub network: Arc<Network>,
    /// Its weights, which fit it.
    pub state: Arc<StateDict>,
    /// SHA-256 of the weights file as it is.
    pub weights_hash: String,
    /// Epoch of the checkpoint that its weights are, if its training has not ended.
    pub checkpoint: Option<usize>,
    stamp: Mutex<Stamp>,
}

/// What tells that a run's files are others than before: time and size of its manifest
/// and weights. A run inside the program has none until it is copied into the runs folder.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp([Option<(SystemTime, u64)>; 2]);

impl Stamp {
    fn of(store: &RunStore, id: &RunId) -> Stamp {
        let copy = store.copy_of(id);
        let folder = match id {
            RunId::Disk(folder) => Some(folder.as_path()),
            RunId::Embedded(_) => copy.as_deref(),
        };
        let file = |name: &str| {
            let found = fs::metadata(folder.map(Path::to_path_buf)?.join(name)).ok()?;
            Some((found.modified().ok()?, found.len()))
        };
        Stamp(["run.ron", "weights.safetensors"].map(file))
    }
}

impl Subject {
    /// Reads a run; errors call its weights those of `name`.
    fn read(store: &RunStore, id: &RunId, name: &str) -> Result<Subject, LabError> {
        // first, so that a change while it is read is noticed
        let stamp = Stamp::of(store, id);
        let manifest = store.manifest(id)?;
        let RunWeights { bytes, file, checkpoint } = store.weights(id)?;
        let weights = parse_safetensors(&bytes, &format!("{name}/{file}"))?;
        let network = Arc::new(manifest.model.network());
        weights.state.check(&network)?;
        Ok(Subject {
            id: id.clone(),
            manifest,
            network,
            state: Arc::new(weights.state),
            weights_hash: runs::hash::sha256_hex(&bytes),
            checkpoint,
            stamp: Mutex::new(stamp),
        })
    }

    /// Its name, as the user knows it.
    pub fn name(&self) -> String {
        self.id.name()
    }

    /// What a reader of a result has to know about its weights, if anything.
    pub fn note(&self) -> Option<String> {
        let (name, epoch) = (self.name(), self.checkpoint?);
        let of = match self.manifest.state {
            RunState::Training { epochs, .. } => format!(" of {epochs}"),
            RunState::Complete => String::new(),
        };
        Some(format!(
            "training of {name} has not ended: its checkpoint of epoch {epoch}{of} is used"
        ))
    }

    /// Tells it.
    pub(super) fn tell_note(&self, watch: &mut Watch<'_>) {
        if let Some(note) = self.note() {
            watch.tell(Event::Note(note));
        }
    }

    /// Takes note that the run was copied into the runs folder, as it is: it need not be
    /// read again there.
    pub(super) fn copied(&self, store: &RunStore) {
        *lock(&self.stamp) = Stamp::of(store, &self.id);
    }

    /// What a result over the test images of `dataset` records about them: of the
    /// training images it says what the run says.
    pub fn data(&self, dataset: &Dataset) -> DataRecord {
        let own = &self.manifest.data;
        DataRecord {
            fraction: own.fraction,
            train_examples: own.train_examples,
            ..dataset.record(1.0)
        }
    }
}

/// What an analysis records about images: it takes test images alone.
pub(super) fn tested(dataset: &Dataset) -> DataRecord {
    DataRecord { train_examples: 0, ..dataset.record(1.0) }
}

impl Lab {
    /// A run by name or path, opened.
    ///
    /// # Errors
    /// If there is none, or it or its weights cannot be read.
    pub fn open(&self, name_or_path: &str) -> Result<Arc<Subject>, LabError> {
        self.opened(&self.store.resolve(name_or_path)?, name_or_path)
    }

    /// A run, opened; read again only if its manifest or weights have changed.
    ///
    /// # Errors
    /// If it or its weights cannot be read.
    pub fn subject(&self, id: &RunId) -> Result<Arc<Subject>, LabError> {
        self.opened(id, &id.name())
    }

    fn opened(&self, id: &RunId, name: &str) -> Result<Arc<Subject>, LabError> {
        let mut open = lock(&self.subjects);
        let known = open.iter().position(|subject| subject.id == *id);
        if let Some(known) = known.map(|at| open.remove(at))
            && *lock(&known.stamp) == Stamp::of(&self.store, id)
        {
            open.push(Arc::clone(&known));
            return Ok(known);
        }
        let subject = Arc::new(Subject::read(&self.store, id, name)?);
        open.push(Arc::clone(&subject));
        if open.len() > OPEN {
            open.remove(0);
        }
        Ok(subject)
    }
}
