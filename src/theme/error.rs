//! What can be wrong with a theme, in one line with file, place and remedy.

pub(super) use crate::text::nearest;

/// A theme file that cannot be used, or a reference to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// The file cannot be read.
    #[error("{file}: cannot read the theme: {reason}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The file is not a theme.
    #[error("{file}:{line}:{column}: {message}")]
    Parse {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// A value is refused, or a name stands for nothing.
    #[error("{file}: {message}")]
    Refused {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
}
