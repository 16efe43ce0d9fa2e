//! Data sources: where labelled images come from, and which images they are.
//!
//! A [`DataSource`] names a source as the command line writes it; [`load`]
//! reads it into a [`Dataset`] of two [`ImageSet`]s (train and test) with class
//! names and fingerprints; [`load_test`] reads the test split alone. [`augment`]
//! crops and flips, [`Normaliser`] turns bytes into network inputs.
//!
//! Knows nothing of networks, devices or screens.

pub mod augment;
mod batch;
mod cifar;
mod dataset;
mod error;
mod folder;
mod images;
pub mod shapes;
mod source;

pub use batch::{Normaliser, batch_f32};
pub use dataset::Dataset;
pub use error::DataError;
pub use images::ImageSet;
pub use source::DataSource;

/// Reads both splits of a source.
///
/// # Errors
/// [`DataError`], in one line: what is wrong, in which file and where, and what
/// to do about it.
pub fn load(source: &DataSource) -> Result<Dataset, DataError> {
    match source {
        DataSource::Shapes => Ok(shapes::load()),
        DataSource::Cifar10(path) => cifar::load(&cifar::CIFAR10, path, source, true),
        DataSource::Cifar100(path) => cifar::load(&cifar::CIFAR100, path, source, true),
        DataSource::Folder(path) => folder::load(path, source, true),
    }
}

/// Reads the test split only: the training split stays empty and
/// [`Dataset::train_fingerprint`] is `None`.
///
/// [`Dataset::fingerprint`] is the same as that of [`load`]. Of CIFAR-10 this
/// reads 30 MB in place of 184; from an archive it stops as soon as it has what
/// it wants.
///
/// # Errors
/// As [`load`], for the files it reads.
pub fn load_test(source: &DataSource) -> Result<Dataset, DataError> {
    match source {
        DataSource::Shapes => Ok(shapes::load_test()),
        DataSource::Cifar10(path) => cifar::load(&cifar::CIFAR10, path, source, false),
        DataSource::Cifar100(path) => cifar::load(&cifar::CIFAR100, path, source, false),
        DataSource::Folder(path) => folder::load(path, source, false),
    }
}

/// File system helpers that the readers share.
mod files {
    use std::fs::File;
    use std::path::Path;

    use super::DataError;

    /// Opens a file for reading.
    pub(super) fn open(path: &Path) -> Result<File, DataError> {
        File::open(path).map_err(|source| DataError::read(path, source))
    }
}
