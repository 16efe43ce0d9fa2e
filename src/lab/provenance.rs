//! Where a result is from: what every record says.

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
}

impl Provenance {
    /// Of a result that this program has made just now.
    pub fn now(
        device: impl Into<String>,
        data: DataRecord,
        weights_hash: impl Into<String>,
    ) -> Provenance {
        Provenance { made: runs::provenance(device), data, weights_hash: weights_hash.into() }
    }
}
