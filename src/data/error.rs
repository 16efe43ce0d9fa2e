//! What can be wrong with a data source. Every message is one line that names
//! the file, the place in it and the remedy.

use std::io;
use std::path::{Path, PathBuf};

/// Why a data source cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The text is not the name of a source.
    #[error(
        "unknown data source {0:?}; write one of: shapes, cifar10:PATH, cifar100:PATH, folder:PATH"
    )]
    UnknownSource(String),
    /// A share of the training images outside (0, 1].
    #[error("the fraction of the training images must be above 0 and at most 1, not {0}")]
    Fraction(f64),
    /// Training images are asked for and there are none.
    #[error("{0} was read without its training images; load both splits")]
    NoTraining(String),
    /// A file is not where it should be.
    #[error("{file} not found in {looked}; {remedy}")]
    Missing {
        /// The file, by name.
        file: String,
        /// Where it was looked for.
        looked: String,
        /// What to do.
        remedy: String,
    },
    /// A file exists and cannot be read.
    #[error("cannot read {}: {source}; check the file and its permissions", file.display())]
    Read {
        /// The file or folder.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An archive that is not a readable `.tar.gz`.
    #[error("{} is not a readable .tar.gz ({reason}); download it again", file.display())]
    Archive {
        /// The archive.
        file: PathBuf,
        /// What the decoder says.
        reason: String,
    },
    /// An archive that unpacks to more than it plausibly can.
    #[error(
        "{}: {what} unpacks to more than {limit} bytes; this is not the published archive",
        file.display()
    )]
    TooLarge {
        /// The archive or file.
        file: PathBuf,
        /// The entry, or the whole.
        what: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// A file that ends within a record.
    #[error(
        "{file}: {bytes} bytes is not a whole number of {record}-byte records, it stops within \
         record {at}; download or prepare it again"
    )]
    Truncated {
        /// The file (and the archive around it).
        file: String,
        /// Its length in bytes.
        bytes: u64,
        /// Bytes per record.
        record: usize,
        /// The record that is cut off, from 0.
        at: u64,
    },
    /// A label that the data set cannot have.
    #[error(
        "{file}: record {record} has {kind} {label}, allowed are 0 to {max}; this is not the \
         binary version of the data set, or it is damaged"
    )]
    Label {
        /// The file (and the archive around it).
        file: String,
        /// The record, from 0.
        record: u64,
        /// `label`, `coarse label` or `fine label`.
        kind: &'static str,
        /// The value found.
        label: u8,
        /// The largest value allowed.
        max: u8,
    },
    /// A list of class names of the wrong length or encoding.
    #[error("{file}: {found} class names where {wanted} are needed; repair or remove the file")]
    ClassNames {
        /// The file (and the archive around it).
        file: String,
        /// Names found.
        found: usize,
        /// Names needed.
        wanted: usize,
    },
    /// A split without images.
    #[error("{0} holds no images; add some, or prepare the files again")]
    NoImages(String),
    /// A class folder without images.
    #[error("class folder {} holds no png, jpg or jpeg; add images or remove it", .0.display())]
    EmptyClass(PathBuf),
    /// Fewer than two classes.
    #[error("{} has {found} class folders; at least 2 and at most 65,536 are needed", folder.display())]
    Classes {
        /// The folder that holds the classes.
        folder: PathBuf,
        /// Classes found.
        found: usize,
    },
    /// The test folder's classes are not those of the training folder.
    #[error(
        "class {class:?} is in {} and not in {}; both need the same class folders",
        has.display(), lacks.display()
    )]
    ClassMismatch {
        /// The class.
        class: String,
        /// The split that has it.
        has: PathBuf,
        /// The split that lacks it.
        lacks: PathBuf,
    },
    /// Images of different sizes.
    #[error(
        "{} is {}x{} and {} is {}x{}; resize the images to one size first",
        first.display(), first_size.0, first_size.1, other.display(), other_size.0, other_size.1
    )]
    Sizes {
        /// The first image read.
        first: PathBuf,
        /// Its width and height.
        first_size: (u32, u32),
        /// The first image that differs.
        other: PathBuf,
        /// Its width and height.
        other_size: (u32, u32),
    },
    /// An image that cannot be decoded.
    #[error("cannot decode {}: {reason}; replace or remove it (PNG and JPEG up to {max}x{max} are read)", file.display())]
    Undecodable {
        /// The image.
        file: PathBuf,
        /// What the decoder says, in one line.
        reason: String,
        /// Largest side accepted.
        max: u32,
    },
}

impl DataError {
    /// A [`DataError::Read`].
    pub(super) fn read(file: &Path, source: io::Error) -> Self {
        DataError::Read { file: file.to_path_buf(), source }
    }
}

/// The text on one line, so that it fits a message.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
