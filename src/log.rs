//! The log: off unless `--log-file` names a file; level from `BLOCKSCOPE_LOG`
//! (default `warn`). Never writes to the terminal.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// Why the log cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be opened.
    #[error("--log-file {path}: {source}", path = .path.display())]
    Open {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `BLOCKSCOPE_LOG` is no filter.
    #[error("BLOCKSCOPE_LOG={0:?} is no log level: use error, warn, info, debug or trace")]
    Level(String),
}

/// Starts logging to `file`, if one is given. The first call counts.
///
/// # Errors
/// [`LogError`] if the file cannot be opened or the level is unknown.
pub fn start(file: Option<&Path>) -> Result<(), LogError> {
    let Some(path) = file else { return Ok(()) };
    let level = std::env::var("BLOCKSCOPE_LOG").unwrap_or_else(|_| "warn".to_string());
    let filter = EnvFilter::try_new(&level).map_err(|_| LogError::Level(level))?;
    let open = OpenOptions::new().create(true).append(true).open(path);
    let writer = open.map_err(|source| LogError::Open { path: path.to_path_buf(), source })?;
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter(filter)
        .with_writer(Mutex::new(writer))
        .finish();
    // A second start (tests) keeps the first log.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
