//! A lock that one process holds, told by host and process number to whoever meets it.
//! The system gives it back when the process ends, however it ends. Where the file system
//! has no locks, a file that only one can make stands for it; that of a process of this
//! machine that has ended is taken over. Knows not what is locked.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::FileError;
use super::scratch::{host, lives};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(10);
/// Most bytes of an owner's name that are read.
const OWNER: u64 = 200;

/// A lock that is held until it is dropped; its file goes with it where the system tells
/// who waits that it has gone.
#[derive(Debug)]
pub(crate) struct Lock {
    /// What is locked; `None` where the file itself is the lock.
    file: Option<File>,
    path: PathBuf,
}

impl Lock {
    /// Its folder has another place now.
    pub(crate) fn moved(&mut self, folder: &Path) {
        if let Some(name) = self.path.file_name() {
            self.path = folder.join(name);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // whoever waits for it finds that it is no longer the one at that path
        let ours = match &self.file {
            Some(file) => cfg!(unix) && is_still(file, &self.path),
            None => true,
        };
        if ours {
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
                // who holds it is for messages alone
                let _ = file.set_len(0).and_then(|()| file.write_all(ourselves().as_bytes()));
                return Ok(Lock { file: Some(file), path: path.to_path_buf() });
            }
            Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => return Err(Refused::Held(owner(&mut file))),
            Err(TryLockError::Error(e)) if has_none(&e) => {
                drop(file);
                return take_by_name(path, wait);
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
    }
}

/// Who holds the lock of the file `path`, in words. Makes nothing and waits for nobody.
pub(crate) fn holder(path: &Path) -> Option<String> {
    if let Ok(mut file) = File::open(path)
        && matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    {
        return Some(owner(&mut file));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".held");
    let there = fs::read_to_string(PathBuf::from(name)).ok()?;
    (!has_ended(&there)).then(|| in_words(&there))
}

/// The holder's line in the file.
fn ourselves() -> String {
    format!("process {} on {}\n", std::process::id(), host())
}

/// True if an error says that the file system has no locks.
fn has_none(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error()) {
        return true;
    }
    error.kind() == io::ErrorKind::Unsupported
}

/// [`take`] where the file system has no locks: by making a file that is not there.
fn take_by_name(path: &Path, wait: Duration) -> Result<Lock, Refused> {
    let mut name = path.as_os_str().to_owned();
    name.push(".held");
    let place = PathBuf::from(name);
    let failed = |e| Refused::File(FileError::io("lock", &place, e));
    let end = Instant::now() + wait;
    loop {
        match OpenOptions::new().write(true).create_new(true).open(&place) {
            Ok(mut file) => {
                let written = file.write_all(ourselves().as_bytes());
                // where locks come and go, this file tells; the other is nobody's
                let _ = fs::remove_file(path);
                let lock = Lock { file: None, path: place.clone() };
                return written.map(|()| lock).map_err(failed);
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(failed(e)),
        }
        let there = fs::read_to_string(&place).unwrap_or_default();
        if has_ended(&there) {
            take_away(&place, &there);
        } else if Instant::now() < end {
            std::thread::sleep(PAUSE);
        } else {
            return Err(Refused::Held(in_words(&there)));
        }
    }
}

/// True if a holder's line is that of a process of this machine that has ended.
fn has_ended(owner: &str) -> bool {
    let rest = owner.trim().strip_prefix("process ");
    let parts = rest.and_then(|rest| rest.split_once(" on "));
    parts.is_some_and(|(pid, on)| {
        on == host() && pid.parse().ok().and_then(lives).is_some_and(|lives| !lives)
    })
}

/// Removes the file of a holder that has ended, unless another took it over meanwhile.
fn take_away(place: &Path, ended: &str) {
    let mut name = place.as_os_str().to_owned();
    name.push(format!("-{}", std::process::id()));
    let aside = PathBuf::from(name);
    if fs::rename(place, &aside).is_ok() {
        if fs::read_to_string(&aside).is_ok_and(|there| there == ended) {
            let _ = fs::remove_file(&aside);
        } else {
            // that of a living one goes back
            let _ = fs::rename(&aside, place);
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
    in_words(&text)
}

/// A holder's line for a message.
fn in_words(line: &str) -> String {
    match line.trim() {
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
        assert_eq!(holder(&path), Some(owner));
        drop(held);
        assert!(!path.exists());
        assert_eq!(holder(&path), None);
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
    fn without_locks_a_file_stands_for_one_and_that_of_the_dead_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".lock");
        let held = take_by_name(&path, Duration::ZERO).unwrap();
        let Err(Refused::Held(owner)) = take_by_name(&path, Duration::from_millis(30)) else {
            panic!("held twice")
        };
        assert_eq!(owner, format!("process {} on {}", std::process::id(), host()));
        drop(held);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let place = dir.path().join(".lock.held");
        fs::write(&place, format!("process {} on {}\n", child.id(), host())).unwrap();
        drop(take_by_name(&path, Duration::ZERO).unwrap());
        // one of another machine may live
        fs::write(&place, format!("process {} on elsewhere\n", child.id())).unwrap();
        assert!(matches!(take_by_name(&path, Duration::ZERO), Err(Refused::Held(_))));
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
