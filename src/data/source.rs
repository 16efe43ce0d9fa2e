//! The name of a data source, as the command line and the run folder write it.

use crate::files::browse::expand;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::DataError;

/// A source of labelled images.
///
/// Written as `shapes`, `cifar10:PATH`, `cifar100:PATH` or `folder:PATH`, both
/// by [`Display`](fmt::Display) and [`FromStr`]; there `~/` at the start of a path is the
/// home folder, which no shell replaces behind a colon.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataSource {
    /// The built-in figures, generated from a fixed seed.
    Shapes,
    /// CIFAR-10 in its binary layout: the folder, its parent, or the `.tar.gz`.
    Cifar10(PathBuf),
    /// CIFAR-100 in its binary layout: the folder, its parent, or the `.tar.gz`.
    Cifar100(PathBuf),
    /// `train/CLASS/*.png|jpg|jpeg` and `test/` or `val/` alike.
    Folder(PathBuf),
}

impl DataSource {
    /// The kind, as runs record it: `shapes`, `cifar10`, `cifar100`, `folder`.
    pub fn kind(&self) -> &'static str {
        match self {
            DataSource::Shapes => "shapes",
            DataSource::Cifar10(_) => "cifar10",
            DataSource::Cifar100(_) => "cifar100",
            DataSource::Folder(_) => "folder",
        }
    }
}

impl DataSource {
    /// Where the images lie, if they are not made by the program.
    pub fn path(&self) -> Option<&Path> {
        match self {
            DataSource::Shapes => None,
            DataSource::Cifar10(path) | DataSource::Cifar100(path) | DataSource::Folder(path) => {
                Some(path)
            }
        }
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataSource::Shapes => f.write_str(self.kind()),
            DataSource::Cifar10(path) | DataSource::Cifar100(path) | DataSource::Folder(path) => {
                write!(f, "{}:{}", self.kind(), path.display())
            }
        }
    }
}

impl FromStr for DataSource {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let unknown = || DataError::UnknownSource(text.to_string());
        let Some((kind, path)) = text.split_once(':') else {
            return if text == "shapes" { Ok(DataSource::Shapes) } else { Err(unknown()) };
        };
        if path.is_empty() {
            return Err(unknown());
        }
        match kind {
            "cifar10" => Ok(DataSource::Cifar10(expand(path))),
            "cifar100" => Ok(DataSource::Cifar100(expand(path))),
            "folder" => Ok(DataSource::Folder(expand(path))),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_forms_survive_a_round_trip() {
        for text in ["shapes", "cifar10:a/b", "cifar100:/x.tar.gz", "folder:C:\\pictures"] {
            let source: DataSource = text.parse().unwrap();
            assert_eq!(source.to_string(), text);
            assert!(text.starts_with(source.kind()));
        }
    }

    #[test]
    fn a_path_in_the_home_folder_may_be_written_short() {
        let source: DataSource = "folder:~/pictures".parse().unwrap();
        assert_eq!(source.path(), Some(expand("~/pictures").as_path()));
        assert!(!source.to_string().contains('~') || directories::BaseDirs::new().is_none());
    }

    #[test]
    fn anything_else_is_refused_with_the_four_forms() {
        for text in ["", "shape", "shapes:x", "cifar10", "cifar10:", "mnist:x", ":x", "Cifar10:x"] {
            let message = text.parse::<DataSource>().unwrap_err().to_string();
            for form in ["shapes", "cifar10:PATH", "cifar100:PATH", "folder:PATH"] {
                assert!(message.contains(form), "{message}");
            }
        }
    }
}
