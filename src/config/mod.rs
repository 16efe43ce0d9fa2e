//! The user's own files: settings (`config.ron`), keys (`keys.ron`), themes, and
//! where they lie. Parses and checks; a faulty file is told by file, line and
//! column and never stops the program from starting.
//!
//! Knows neither the terminal nor how anything is drawn or computed.

pub mod key_table;
pub mod keys;
pub mod paths;
mod problem;
mod settings;

pub use problem::Problem;
pub use settings::{Config, LEVELS};

use std::path::Path;

/// The text of one of the user's files; `None` if there is no such file.
///
/// # Errors
/// [`Problem`] if it is there and cannot be read.
pub fn read(path: &Path) -> Result<Option<String>, Problem> {
    if !path.exists() && !path.is_symlink() {
        return Ok(None);
    }
    let text = crate::files::user::read(path);
    text.map(Some).map_err(|why| Problem::of_file(path, format!("cannot be read: {why}")))
}
