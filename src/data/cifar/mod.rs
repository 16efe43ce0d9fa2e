//! CIFAR-10 and CIFAR-100 in their published binary layout, as a folder or as
//! the `.tar.gz` as downloaded.
//!
//! A file is a sequence of records: one label byte (CIFAR-100: coarse, then
//! fine), then 1,024 bytes each of red, green and blue, row by row. Files may
//! hold any whole number of records. Nothing is ever unpacked to disk.

mod archive;
mod names;
mod records;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{DataError, DataSource, Dataset, ImageSet, files};
use names::{CIFAR10_NAMES, CIFAR100_NAMES};

/// Largest file that is read, about 1.7 times the largest published one.
const FILE_LIMIT: u64 = 256 << 20;

/// Where a data set's parts are and how its records look.
#[derive(Debug)]
pub(super) struct Layout {
    /// The folder in the published archive.
    folder: &'static str,
    /// The published archive.
    archive: &'static str,
    /// Training files, in order.
    train: &'static [&'static str],
    /// The test file.
    test: &'static str,
    /// The optional file of class names.
    names: &'static str,
    /// The label bytes of a record: what each is and its largest value. The
    /// last one is the class.
    labels: &'static [(&'static str, u8)],
    /// Class names where the file is absent: those of the published file.
    classes: &'static [&'static str],
}

/// CIFAR-10, binary version.
pub(super) const CIFAR10: Layout = Layout {
    folder: "cifar-10-batches-bin",
    archive: "cifar-10-binary.tar.gz",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    names: "batches.meta.txt",
    labels: &[("label", 9)],
    classes: &CIFAR10_NAMES,
};

/// CIFAR-100, binary version; classes are the fine labels.
pub(super) const CIFAR100: Layout = Layout {
    folder: "cifar-100-binary",
    archive: "cifar-100-binary.tar.gz",
    train: &["train.bin"],
    test: "test.bin",
    names: "fine_label_names.txt",
    labels: &[("coarse label", 19), ("fine label", 99)],
    classes: &CIFAR100_NAMES,
};

/// Reads the data set at `path`; without its training images unless `train`.
pub(super) fn load(
    layout: &Layout,
    path: &Path,
    source: &DataSource,
    train: bool,
) -> Result<Dataset, DataError> {
    let mut parts = Parts::new(layout, train);
    let place = match locate(layout, path)? {
        Place::Archive(file) => {
            archive::read(&file, &mut parts)?;
            file
        }
        Place::Folder(folder) => {
            parts.read_folder(&folder)?;
            folder
        }
    };
    parts.assemble(&place, source)
}

/// What `path` turned out to be.
enum Place {
    Folder(PathBuf),
    Archive(PathBuf),
}

/// Finds the data set: `path` itself, the published folder in it, or the
/// archive.
fn locate(layout: &Layout, path: &Path) -> Result<Place, DataError> {
    if path.is_file() {
        return Ok(Place::Archive(path.to_path_buf()));
    }
    let below = path.join(layout.folder);
    let archive = path.join(layout.archive);
    let any_part = |folder: &Path| {
        layout.train.iter().chain([&layout.test]).any(|file| folder.join(file).is_file())
    };
    if any_part(path) {
        Ok(Place::Folder(path.to_path_buf()))
    } else if any_part(&below) {
        Ok(Place::Folder(below))
    } else if archive.is_file() {
        Ok(Place::Archive(archive))
    } else if path.exists() {
        let looked = format!("{} or its folder {}", path.display(), layout.folder);
        Err(layout.missing(layout.test, looked))
    } else {
        Err(layout.missing(layout.test, format!("{}, which does not exist", path.display())))
    }
}

impl Layout {
    fn missing(&self, file: &str, looked: String) -> DataError {
        DataError::Missing {
            file: file.to_string(),
            looked,
            remedy: format!(
                "give the folder {} or the archive {} (the binary version, not the Python one)",
                self.folder, self.archive
            ),
        }
    }
}

/// The parts of a data set as they are found, in whatever order.
struct Parts<'a> {
    layout: &'a Layout,
    /// Wanted files and their images: training files in order, then the test file.
    files: Vec<(&'static str, Option<ImageSet>)>,
    names: Option<Vec<String>>,
}

impl<'a> Parts<'a> {
    fn new(layout: &'a Layout, train: bool) -> Self {
        let train = if train { layout.train } else { &[] };
        let files = train.iter().chain([&layout.test]).map(|&file| (file, None)).collect();
        Self { layout, files, names: None }
    }

    /// True once nothing more is wanted.
    fn complete(&self) -> bool {
        self.names.is_some() && self.files.iter().all(|(_, images)| images.is_some())
    }

    /// True if a file of this name is wanted and has not been read.
    fn wants(&self, name: &str) -> bool {
        let missing = |(file, images): &(&str, Option<ImageSet>)| *file == name && images.is_none();
        (name == self.layout.names && self.names.is_none()) || self.files.iter().any(missing)
    }

    /// Reads the part `name` from `reader`; `shown` names it in errors, and
    /// `failed` turns a reader's error into ours.
    fn read(
        &mut self,
        name: &str,
        shown: &str,
        reader: &mut dyn Read,
        failed: &dyn Fn(io::Error) -> DataError,
    ) -> Result<(), DataError> {
        if name == self.layout.names {
            self.names = Some(names::read(shown, reader, self.layout.classes.len(), failed)?);
        } else if let Some((_, part)) = self.files.iter_mut().find(|(file, _)| *file == name) {
            *part = Some(records::read(self.layout, shown, reader, FILE_LIMIT, failed)?);
        }
        Ok(())
    }

    /// Reads all wanted parts from a folder.
    fn read_folder(&mut self, folder: &Path) -> Result<(), DataError> {
        let wanted: Vec<&str> = self.files.iter().map(|(file, _)| *file).collect();
        for name in wanted.into_iter().chain([self.layout.names]) {
            let path = folder.join(name);
            // The names are optional; what else is absent is reported at the end.
            if !path.is_file() {
                continue;
            }
            let mut file: File = files::open(&path)?;
            let shown = path.display().to_string();
            self.read(name, &shown, &mut file, &|error| DataError::read(&path, error))?;
        }
        Ok(())
    }

    /// Puts the parts together; an absent or empty one is an error.
    fn assemble(self, place: &Path, source: &DataSource) -> Result<Dataset, DataError> {
        let mut train = None;
        let mut test = ImageSet::default();
        for (name, images) in self.files {
            let Some(images) = images else {
                return Err(self.layout.missing(name, place.display().to_string()));
            };
            if name == self.layout.test {
                test = images;
            } else {
                train.get_or_insert_with(|| ImageSet::new(images.shape())).append(images);
            }
        }
        let show = |file: &str| DataError::NoImages(format!("{file} in {}", place.display()));
        if test.is_empty() {
            return Err(show(self.layout.test));
        }
        if train.as_ref().is_some_and(ImageSet::is_empty) {
            return Err(show(&self.layout.train.join(", ")));
        }
        let defaults = || self.layout.classes.iter().map(ToString::to_string).collect();
        let classes = self.names.unwrap_or_else(defaults);
        Ok(Dataset::new(source.clone(), classes, train, test))
    }
}

#[cfg(test)]
mod tests;
