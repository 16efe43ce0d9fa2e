//! What can go wrong with a run folder, in one line with file, place and remedy.

use std::io;
use std::path::{Path, PathBuf};

use super::layout::FORMAT;
use crate::files::{FileError, shown};
use crate::text::{edit_distance, one_line};

/// A run that cannot be found, read or written.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No run of that name, and no run folder at that path.
    #[error("no run {name:?} in {}; {}", shown(.root), candidates(.near, .names))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The runs folder.
        root: PathBuf,
        /// Names that look alike, the most alike first.
        near: Vec<String>,
        /// All names.
        names: Vec<String>,
    },
    /// A name that cannot be a run's or a file's.
    #[error("{name:?} cannot be a name: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A run of that name is there already.
    #[error("{} exists; choose another name or replace it", shown(.0))]
    Exists(PathBuf),
    /// What has a name that a run is to have is none, so that it is not replaced.
    #[error("{} is not a run, and only a run is replaced; choose another name or move it away", shown(.0))]
    NotReplaced(PathBuf),
    /// Another process works on a run.
    #[error("{} is in use by {owner}; wait until that has ended and try again", shown(.path))]
    Busy {
        /// Its folder.
        path: PathBuf,
        /// Host and process number, in words.
        owner: String,
    },
    /// The operating system said no.
    #[error("cannot {action} {}: {source}", shown(.path))]
    Io {
        /// `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is larger than any that this program writes.
    #[error("{}: {size} bytes are more than the {limit} a reader allows", shown(.path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A file that is not a plain file (a link, a device).
    #[error("{}: not a plain file; links inside a run are not followed", shown(.0))]
    NotPlain(PathBuf),
    /// RON that does not parse.
    #[error("{}:{line}:{column}: {message}", shown(.path))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// A run whose training has left no weights but the initial ones.
    #[error(
        "{} is not trained: its training of {epochs} epochs has not ended and has left no checkpoint; train it again (`--checkpoint-every` keeps some)",
        shown(.path)
    )]
    Untrained {
        /// Its folder.
        path: PathBuf,
        /// Epochs planned.
        epochs: usize,
    },
    /// A file of a later format version.
    #[error(
        "{} was written by a newer blockscope (format {found}, this one reads {FORMAT}); update blockscope",
        shown(.path)
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
    },
    /// A file whose contents make no sense.
    #[error("{}: {message}", shown(.path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the remedy if there is one.
        message: String,
    },
}

impl RunError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> RunError {
        RunError::Io { action, path: path.to_path_buf(), source }
    }

    /// The error of a file below `from`, as one of the same file below `to`.
    pub(super) fn moved(self, from: &Path, to: &Path) -> RunError {
        match self {
            RunError::Io { action, path, source } => {
                let path = path.strip_prefix(from).map(|rest| to.join(rest)).unwrap_or(path);
                RunError::Io { action, path, source }
            }
            other => other,
        }
    }

    /// A file of a run that is not written.
    pub(super) fn of_file(error: FileError) -> RunError {
        match error {
            FileError::Name { name, why } => RunError::Name { name, why },
            FileError::Io { action, path, source } => RunError::Io { action, path, source },
        }
    }

    /// [`RunError::Unknown`] with those of `names` that look like `name`: they
    /// contain it, or at most a third of its letters differ.
    pub(super) fn unknown(name: &str, root: &Path, names: Vec<String>) -> RunError {
        let limit = name.chars().count().div_ceil(3);
        let lower = name.to_lowercase();
        let mut near: Vec<(usize, &String)> = names
            .iter()
            .filter_map(|other| {
                let distance = edit_distance(&lower, &other.to_lowercase());
                let inside = lower.len() > 2 && other.to_lowercase().contains(&lower);
                (inside || distance <= limit).then_some((distance, other))
            })
            .collect();
        near.sort();
        let near = near.into_iter().take(3).map(|(_, name)| name.clone()).collect();
        RunError::Unknown { name: name.to_string(), root: root.to_path_buf(), near, names }
    }

    pub(super) fn damaged(path: &Path, message: impl AsRef<str>) -> RunError {
        RunError::Damaged { path: path.to_path_buf(), message: one_line(message.as_ref()) }
    }
}

/// What the user may have meant, or what there is.
fn candidates(near: &[String], names: &[String]) -> String {
    const SHOWN: usize = 6;
    let quoted = |list: &[String]| -> Vec<String> {
        list.iter().take(SHOWN).map(|name| format!("{name:?}")).collect()
    };
    if !near.is_empty() {
        format!("did you mean {}?", quoted(near).join(" or "))
    } else if names.is_empty() {
        String::from("there are no runs yet (`blockscope train` or `blockscope import` makes one)")
    } else {
        let more = match names.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("there are {}{more}", quoted(names).join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_offers_what_looks_like_it_or_what_there_is() {
        let names = ["resnet20", "resnet56", "shapes"].map(String::from).to_vec();
        let text = |name| RunError::unknown(name, Path::new("runs"), names.clone()).to_string();
        assert!(text("resnet21").contains("did you mean \"resnet20\""), "{}", text("resnet21"));
        assert!(text("SHAPE").contains("did you mean \"shapes\"?"));
        assert!(text("zzz").contains("there are \"resnet20\", \"resnet56\", \"shapes\""));
        let none = RunError::unknown("a\nb", Path::new("r\ns"), vec![]).to_string();
        assert!(none.contains("no runs yet") && !none.contains('\n'), "{none}");
    }
}
