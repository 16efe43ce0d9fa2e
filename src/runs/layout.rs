//! The names and the format of what lies in a runs folder. Knows no contents.

use serde::de::DeserializeOwned;

use crate::domain::MapKey;

/// Version of the run format that this program writes, and the newest it reads.
pub const FORMAT: u32 = 2;

/// The folder of comparisons in the runs folder.
pub const COMPARISONS: &str = "comparisons";
/// The folder of a run that holds its maps.
pub(super) const MAPS: &str = "analysis/maps";
/// The folder of a run that holds the newest complete checkpoint of its training.
pub(super) const NEWEST: &str = "checkpoints/newest";
/// The file that makes a folder a map.
pub(super) const MAP_RECORD: &str = "map.ron";
/// The record of a comparison of format 1.
pub(super) const OLD_PAIR: &str = "comparison.ron";

/// A record that says of which format its file is.
pub(super) trait Versioned: DeserializeOwned {
    /// The format when the file was written.
    fn format(&self) -> u32;
}

/// True if a file of that path makes a folder a comparison.
pub(super) fn is_comparison(file: &str) -> bool {
    file == format!("{}/{}", MapKey::cka().id(), MAP_RECORD) || file == OLD_PAIR
}
