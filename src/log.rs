//! The log: the file of `--log-file`, else one in the system's place for state,
//! made when the first line is written. Level from `--log-level` or
//! `BLOCKSCOPE_LOG` (default `warn`). Never writes to the terminal.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use crate::config::LEVELS;
use crate::text::nearest;

/// Largest log in bytes that goes on; then it is put aside and a new one begins.
const LIMIT: u64 = 1 << 20;

/// Why the log cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be opened.
    #[error("--log-file {path}: {source}", path = .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such level.
    #[error(
        "--log-level (BLOCKSCOPE_LOG) {0:?} is no log level{1}; use off, error, warn, info, debug or trace"
    )]
    Level(String, String),
}

/// Starts logging to `file`, if one is given, else to `fallback`, whose failures
/// do not matter. The first call counts.
///
/// # Errors
/// [`LogError`] if `file` cannot be opened or the level is unknown.
pub fn start(file: Option<&Path>, fallback: Option<PathBuf>, level: &str) -> Result<(), LogError> {
    let filter = filter(level)?;
    let log = match (file, fallback) {
        (Some(path), _) => {
            let open = OpenOptions::new().create(true).append(true).open(path);
            let open = open.map_err(|source| LogError::Open { path: path.into(), source })?;
            Log::Open(open)
        }
        (None, Some(path)) => Log::Later(path),
        (None, None) => return Ok(()),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter(filter)
        .with_writer(Mutex::new(log))
        .finish();
    // A second start (tests) keeps the first log.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}

/// A level, or a filter of several (`warn,blockscope=debug`).
fn filter(level: &str) -> Result<EnvFilter, LogError> {
    let unknown = || {
        let near = nearest(level, LEVELS);
        let near = near.map(|near| format!(" (did you mean {near:?}?)")).unwrap_or_default();
        LogError::Level(level.to_string(), near)
    };
    // a word alone would pass for the name of a module
    if !level.contains(['=', ',']) && !LEVELS.contains(&level) {
        return Err(unknown());
    }
    EnvFilter::try_new(level).map_err(|_| unknown())
}

/// A log file, open or still to be opened.
#[derive(Debug)]
enum Log {
    Open(File),
    Later(PathBuf),
    Nowhere,
}

impl Log {
    fn file(&mut self) -> Option<&mut File> {
        if let Log::Later(path) = self {
            *self = open(path).map_or(Log::Nowhere, Log::Open);
        }
        match self {
            Log::Open(file) => Some(file),
            _ => None,
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    if fs::metadata(path).is_ok_and(|meta| meta.len() > LIMIT) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.file() {
            Some(file) => file.write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Log::Open(file) => file.flush(),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_checked() {
        for level in ["off", "warn", "trace", "warn,blockscope=debug"] {
            assert!(filter(level).is_ok(), "{level}");
        }
        let error = filter("wran").unwrap_err().to_string();
        assert!(error.contains("did you mean \"warn\"?"), "{error}");
        assert!(filter("").is_err() && filter("warn,=[").is_err());
    }

    #[test]
    fn the_file_is_made_with_the_first_line_and_put_aside_when_large() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state").join("blockscope.log");
        let mut log = Log::Later(path.clone());
        assert!(!path.exists());
        log.write_all(b"one\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\n");
        fs::write(&path, vec![b'x'; LIMIT as usize + 1]).unwrap();
        Log::Later(path.clone()).write_all(b"two\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two\n");
        assert!(path.with_extension("log.old").exists());
        let mut nowhere = Log::Later(path.join("below-a-file"));
        assert!(nowhere.write_all(b"lost").is_ok());
    }
}
