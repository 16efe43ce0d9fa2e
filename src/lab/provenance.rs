//! Where a result is from: what every record says.

use crate::domain::record::DataRecord;
use crate::runs;

/// Where a result is from. Every record that is written starts from one.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// Program and version.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub created: String,
    /// The device, in words.
    pub device: String,
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
        Provenance {
            program: runs::program(),
            created: runs::now_rfc3339(),
            device: device.into(),
            data,
            weights_hash: weights_hash.into(),
        }
    }
}
