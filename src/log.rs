//! The log: the file of `--log-file`, else one in the system's place for state,
//! made when the first line is written. Level from `--log-level` or
//! `BLOCKSCOPE_LOG` (default `warn`). Never writes to the terminal.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use crate::config::LEVELS;
use crate::text::{lines, nearest};

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
            let open = appended(path);
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

/// Opens a file to append to. A pipe that nobody reads is an error, as waiting for its
/// other end would be for ever.
fn appended(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
        if fs::metadata(path).is_ok_and(|meta| meta.file_type().is_fifo()) {
            let now = rustix::fs::OFlags::NONBLOCK.bits();
            let open = options.custom_flags(now as i32).open(path);
            return open.map_err(|e| io::Error::new(e.kind(), "a pipe that nobody reads"));
        }
    }
    options.open(path)
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
            // whoever looks at it has a terminal too
            Some(file) => {
                let said = String::from_utf8_lossy(bytes);
                file.write_all(lines(&said).as_bytes()).map(|()| bytes.len())
            }
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

    #[cfg(unix)]
    #[test]
    fn a_pipe_without_a_reader_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let error = start(Some(&path), None, "warn").unwrap_err().to_string();
        assert!(error.contains("pipe: a pipe that nobody reads"), "{error}");
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
