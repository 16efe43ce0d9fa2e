//! Where a result is from: what every record says.

use super::Subject;
use crate::domain::record::{self, DataRecord};
use crate::runs;

/// Where a result is from. Every record that is written starts from one.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// Program, time and device.
    pub made: record::Provenance,
    /// The images.
    pub data: DataRecord,
    /// SHA-256 of the weights file.
    pub weights_hash: String,
    /// Its epoch, if it is a checkpoint of a training that has not ended.
    pub checkpoint: Option<usize>,
}

impl Provenance {
    /// Of a result that this program has made just now.
    pub fn now(
        device: impl Into<String>,
        data: DataRecord,
        weights_hash: impl Into<String>,
    ) -> Provenance {
        let weights_hash = weights_hash.into();
        Provenance { made: runs::provenance(device), data, weights_hash, checkpoint: None }
    }

    /// Of a result about a run that this program has made just now.
    pub fn of(subject: &Subject, device: impl Into<String>, data: DataRecord) -> Provenance {
        let now = Provenance::now(device, data, &*subject.weights_hash);
        Provenance { checkpoint: subject.checkpoint, ..now }
    }
}
