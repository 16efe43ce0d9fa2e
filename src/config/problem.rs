//! What is wrong with one of the user's files, in one line.

use std::fmt;
use std::path::{Path, PathBuf};

use ron::error::SpannedError;
use ron::extensions::Extensions;
use serde::de::DeserializeOwned;

use crate::text::{nearest, one_line};

/// A fault: the file, the place in it if there is one, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    path: PathBuf,
    /// Line and column, from 1.
    place: Option<(usize, usize)>,
    message: String,
}

impl Problem {
    /// A fault at a line and column, both from 1.
    pub fn at(path: &Path, place: (usize, usize), message: impl AsRef<str>) -> Problem {
        Problem { path: path.into(), place: Some(place), message: one_line(message.as_ref()) }
    }

    /// A fault of a whole file.
    pub fn of_file(path: &Path, message: impl AsRef<str>) -> Problem {
        Problem { path: path.into(), place: None, message: one_line(message.as_ref()) }
    }

    /// The same with the file's name alone, for where there is little room.
    pub fn short(&self) -> String {
        let name = self.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into());
        self.with(&name)
    }

    fn with(&self, file: &str) -> String {
        let file = one_line(file);
        match self.place {
            Some((line, column)) => format!("{file}:{line}:{column}: {}", self.message),
            None => format!("{file}: {}", self.message),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with(&self.path.display().to_string()))
    }
}

impl std::error::Error for Problem {}

/// Parses RON in which optional values need no `Some`.
pub(super) fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, Problem> {
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME)
        .from_str(text)
        .map_err(|error| explain(path, error))
}

fn explain(path: &Path, error: SpannedError) -> Problem {
    let place = (error.span.start.line, error.span.start.col);
    let message = match &error.code {
        ron::Error::NoSuchStructField { expected, found, .. } => {
            match nearest(found, expected.iter().copied()) {
                Some(near) => format!("no setting `{found}`; did you mean `{near}`?"),
                None => format!("no setting `{found}`; the settings are {}", expected.join(", ")),
            }
        }
        ron::Error::DuplicateStructField { field, .. } => format!("`{field}` is there twice"),
        other => other.to_string(),
    };
    Problem::at(path, place, message)
}
