//! Files as every part of the program writes and reads them: in one step, under a
//! name that means the same on every system. Knows matrices and texts, but no run,
//! no theme, and not what the files are for.
//!
//! - [`npy`]: matrices as `.npy`
//! - [`browse`]: what lies at a path that is being typed
//! - [`user`]: small text files that a user wrote
//! - `set`: files that belong together; `scratch`: what is made beside its place, and the
//!   sweeping of what was left there; `lock`: one process at a time
//! - `steps`: where tests kill the process

pub mod browse;
pub(crate) mod lock;
pub mod npy;
pub(crate) mod scratch;
pub(crate) mod set;
pub(crate) mod steps;
pub mod user;

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::text::one_line;

/// A file that is not written, in one line with its name.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A name that cannot be a file's.
    #[error("{name:?} cannot be a name: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The operating system said no.
    #[error("cannot {action} {}: {source}", shown(.path))]
    Io {
        /// `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FileError {
    /// The system refused to do something to a file.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> FileError {
        FileError::Io { action, path: path.to_path_buf(), source }
    }
}

/// A path for a message: control characters replaced.
pub(crate) fn shown(path: &Path) -> String {
    one_line(&path.display().to_string())
}

/// Checks a name: one file or folder name that means the same on every system.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.len() > 120 {
        return Err("it is longer than 120 bytes");
    }
    if name.starts_with('.') {
        return Err("it begins with a dot");
    }
    if name.contains(['/', '\\']) {
        return Err("it contains a path separator");
    }
    if name.chars().any(crate::text::is_hidden) {
        return Err("it contains a control character or one that is not seen");
    }
    if name.contains([':', '*', '?', '"', '<', '>', '|']) || name.ends_with(['.', ' ']) {
        return Err("it holds characters that some systems refuse in file names");
    }
    Ok(())
}

/// Refuses a name that cannot be a file's on every system.
///
/// # Errors
/// [`FileError::Name`] saying what is wrong with it.
pub fn check_name(name: &str) -> Result<(), FileError> {
    self::name(name).map_err(|why| FileError::Name { name: name.to_string(), why })
}

/// Writes a file in one step: a reader sees the old contents or the new.
///
/// # Errors
/// [`FileError::Io`] naming the file; the old contents are untouched then.
pub fn atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |e| FileError::io("write", path, e);
    put(stage(path, bytes).map_err(failed)?, path).map_err(failed)
}

/// Writes `bytes` to an unnamed neighbour of `path` and flushes it to the disk.
///
/// # Errors
/// What the system said.
fn stage(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    steps::step()?;
    let prefix = scratch::prefix(scratch::NEW);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    let mode = shared_mode(0o666);
    if let Some(mode) = mode {
        builder.permissions(mode);
    }
    let mut file = builder.tempfile_in(parent(path)).map_err(scratch::unnamed)?;
    file.write_all(bytes).map_err(scratch::unnamed)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Renames a staged file into place and makes the rename last.
///
/// # Errors
/// What the system said.
fn put(file: NamedTempFile, path: &Path) -> io::Result<()> {
    if let Err(error) = steps::step() {
        // nobody is left to remove it
        let _ = file.keep();
        return Err(error);
    }
    file.persist(path).map_err(|e| e.error)?;
    sync_folder(parent(path));
    Ok(())
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Temporary files are private by default; ours get what the user's mask allows.
pub(crate) fn shared_mode(mode: u32) -> Option<Permissions> {
    #[cfg(unix)]
    return Some(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    {
        let _ = mode;
        None
    }
}

/// Asks for a folder's entries to reach the disk. Not every system can, and the
/// files themselves are safe, so a refusal is no error.
pub(crate) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn writing_where_one_may_not_names_the_path_in_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        let text = atomic(&file.join("below"), b"x").unwrap_err().to_string();
        assert!(text.contains("below") && !text.contains('\n'), "{text}");
        // the file that was asked for, not the one beside it that was to become it
        assert!(!text.contains(scratch::NEW) && text.contains("os error"), "{text}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn files_are_as_open_as_the_users_mask_allows() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (ours, plain) = (dir.path().join("ours"), dir.path().join("plain"));
        atomic(&ours, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn names_that_leave_the_folder_or_hide_are_refused() {
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0b", "a\nb", "c:x", "x.", "x "] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        assert!(name(&"x".repeat(121)).is_err());
        for good in ["resnet38-w2-cifar10-64th-s0", "a b", "été", "v1.2"] {
            assert!(name(good).is_ok(), "{good:?}");
        }
        assert!(check_name("a/b").unwrap_err().to_string().contains("path separator"));
    }
}
