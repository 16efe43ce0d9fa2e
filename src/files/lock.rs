//! A lock that one process holds, told by host and process number to whoever meets it.
//! The system gives it back when the process ends, however it ends. Knows not what is
//! locked.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::scratch::host;
use super::{FileError, shown};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);
/// Most bytes of an owner's name that are read.
const OWNER: u64 = 200;

/// A lock that is held until it is dropped; its file goes with it where the system tells
/// who waits that it has gone.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Its file was renamed.
    pub(crate) fn moved(&mut self, path: PathBuf) {
        self.path = path;
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // whoever waits for it finds that it is no longer the one at that path
        if cfg!(unix) && is_still(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Why a lock is not held.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another process holds it: host and process number, in words.
    Held(String),
    /// The file cannot be made or locked.
    File(FileError),
}

/// Takes the lock of the file `path`, which is made; waits for another holder
/// for a while.
///
/// # Errors
/// [`Refused`].
pub(crate) fn take(path: &Path, wait: Duration) -> Result<Lock, Refused> {
    let failed = |e| Refused::File(FileError::io("lock", path, e));
    let end = Instant::now() + wait;
    loop {
        let mut file = open(path).map_err(failed)?;
        match file.try_lock() {
            // it was given back, or its folder replaced, meanwhile: what was locked is gone
            Ok(()) if !is_still(&file, path) => continue,
            Ok(()) => {
                let owner = format!("process {} on {}\n", std::process::id(), host());
                // who holds it is for messages alone
                let _ = file.set_len(0).and_then(|()| file.write_all(owner.as_bytes()));
                return Ok(Lock { file, path: path.to_path_buf() });
            }
            Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => return Err(Refused::Held(owner(&mut file))),
            // a file system without locks has one user, or a careful one
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {
                tracing::warn!("{}: this file system has no locks", shown(path));
                return Ok(Lock { file, path: path.to_path_buf() });
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    // a link would lead elsewhere, and a pipe would wait
    match fs::symlink_metadata(path) {
        Ok(meta) if !meta.is_file() => return Err(io::Error::other("not a plain file; remove it")),
        _ => {}
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn owner(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.take(OWNER).read_to_string(&mut text));
    match text.trim() {
        "" => "another process".into(),
        owner => crate::text::one_line(owner),
    }
}

/// True if the file is the one at that path.
fn is_still(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        file.metadata().is_ok_and(|a| fs::symlink_metadata(path).is_ok_and(|b| same(a, b)))
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_one_holder_who_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".lock");
        let held = take(&path, Duration::ZERO).unwrap();
        let Err(Refused::Held(owner)) = take(&path, Duration::from_millis(30)) else {
            panic!("held twice")
        };
        assert_eq!(owner, format!("process {} on {}", std::process::id(), host()));
        drop(held);
        assert!(!path.exists());
        take(&path, Duration::ZERO).unwrap();
    }

    #[test]
    fn of_many_who_want_it_one_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".lock");
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let _held = take(&path, Duration::from_secs(60)).unwrap();
                        let order = std::sync::atomic::Ordering::SeqCst;
                        assert_eq!(inside.fetch_add(1, order), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, order);
                    }
                });
            }
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_its_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".lock");
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        assert!(matches!(take(&path, Duration::ZERO), Err(Refused::File(_))));
        assert!(!dir.path().join("elsewhere").exists());
    }
}
