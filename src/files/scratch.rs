//! What a process makes beside the place where it belongs: hidden files and folders whose
//! names say whose they are, so that those of a killed process can be swept away beside a
//! living one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::{shared_mode, steps};

/// What is to take a place.
pub(crate) const NEW: &str = ".new-";
/// What had one.
pub(crate) const OLD: &str = ".old-";
/// What nobody can be asked about is swept when it is older.
const AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The beginning of the names of this process: `.new-HOST-PID-`.
pub(crate) fn prefix(kind: &str) -> String {
    format!("{kind}{}-{}-", host_tag(), std::process::id())
}

/// The name of this machine.
pub(crate) fn host() -> String {
    let file = |path: &str| fs::read_to_string(path).ok();
    let variable = |name: &str| std::env::var(name).ok();
    let name = file("/proc/sys/kernel/hostname")
        .or_else(|| file("/etc/hostname"))
        .or_else(|| variable("COMPUTERNAME"))
        .or_else(|| variable("HOSTNAME"))
        .map(|name| crate::text::one_line(name.trim()).chars().take(60).collect::<String>());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "this host".into())
}

/// Eight digits for the space in which a process number means something: a machine, and
/// on Linux what holds the process apart from others on it.
fn host_tag() -> String {
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    // machines that share a folder may have the same name
    let machine = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let whole = format!("{} {} {}", host(), machine.trim(), space.display());
    let digest = Sha256::digest(whole.as_bytes());
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// An error without the hidden name that it is about, which means nothing to a user.
pub(crate) fn unnamed(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path ") {
        Some((cause, _)) => io::Error::new(error.kind(), cause.to_string()),
        None => error,
    }
}

/// A hidden folder that goes when it is not kept.
#[derive(Debug)]
pub(crate) struct Scratch(Option<PathBuf>);

impl Scratch {
    /// Makes one in `place`.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn new(place: &Path, kind: &str) -> io::Result<Scratch> {
        steps::step()?;
        let prefix = prefix(kind);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        if let Some(mode) = shared_mode(0o777) {
            builder.permissions(mode);
        }
        Ok(Scratch(Some(builder.tempdir_in(place).map_err(unnamed)?.keep())))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    /// It took its place: there is nothing left to remove.
    pub(crate) fn kept(mut self) {
        self.0 = None;
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(path) = self.0.take()
            && !steps::killed()
        {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Removes what killed processes left in a folder, and puts back what one had put aside
/// without putting the new in its place. What a living process holds stays, and what may
/// be one's on another machine, for a day. Returns how many things were swept; what
/// cannot be removed stays for the next time.
pub(crate) fn sweep(place: &Path) -> usize {
    let Ok(entries) = fs::read_dir(place) else { return 0 };
    let mut swept = 0;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let rest = name.strip_prefix(NEW).or_else(|| name.strip_prefix(OLD));
        if !rest.is_some_and(|rest| is_left(rest, &entry)) {
            continue;
        }
        let path = entry.path();
        let removed = match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                let back = if name.starts_with(OLD) { put_back(place, &path) } else { Ok(()) };
                back.and_then(|()| fs::remove_dir_all(&path))
            }
            _ => fs::remove_file(&path),
        };
        swept += usize::from(removed.is_ok());
    }
    swept
}

/// True if nobody works on it any more.
fn is_left(rest: &str, entry: &fs::DirEntry) -> bool {
    let mut parts = rest.splitn(3, '-');
    let whose = (parts.next(), parts.next().and_then(|pid| pid.parse::<i32>().ok()));
    if let (Some(tag), Some(pid)) = whose
        && tag == host_tag()
        && let Some(lives) = lives(pid)
    {
        return !lives;
    }
    let changed = entry.metadata().and_then(|meta| meta.modified());
    changed.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > AGE))
}

/// Whether a process of this machine lives, where that can be asked.
pub(super) fn lives(pid: i32) -> Option<bool> {
    #[cfg(unix)]
    {
        let pid = rustix::process::Pid::from_raw(pid)?;
        let answer = rustix::process::test_kill_process(pid);
        Some(!matches!(answer, Err(rustix::io::Errno::SRCH)))
    }
    #[cfg(not(unix))]
    {
        let _ = pid;
        None
    }
}

/// Moves what was put aside back where nothing took its place.
fn put_back(place: &Path, aside: &Path) -> io::Result<()> {
    for entry in fs::read_dir(aside)?.flatten() {
        let target = place.join(entry.file_name());
        if fs::symlink_metadata(&target).is_err() {
            fs::rename(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Puts the folder `new` in the place of `old`, which is where `new` was afterwards, or
/// gone: in one step where the system can, else with one between in which neither is
/// there, which [`sweep`] mends.
///
/// # Errors
/// What the system said; `old` is in its place then.
pub(crate) fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    steps::step()?;
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
            // not every file system can
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            done => return Ok(done?),
        }
    }
    by_way_of_aside(new, old)
}

fn by_way_of_aside(new: &Path, old: &Path) -> io::Result<()> {
    let name = old.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let aside = Scratch::new(super::parent(old), OLD)?;
    let kept = aside.path().join(name);
    steps::step()?;
    fs::rename(old, &kept)?;
    if let Err(error) = steps::step().and_then(|()| fs::rename(new, old)) {
        // Put back what was there; the error that matters is the first.
        if !steps::killed() && fs::rename(&kept, old).is_err() {
            // what could not be put back must not go with the scratch
            aside.kept();
        }
        return Err(error);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The number of a process that has ended.
    #[cfg(unix)]
    fn ended() -> u32 {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    #[cfg(unix)]
    #[test]
    fn what_the_dead_left_goes_and_what_may_be_in_use_stays() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| fs::create_dir(dir.path().join(name)).unwrap();
        let (tag, dead, alive) = (host_tag(), ended(), std::process::id());
        make(&format!(".new-{tag}-{dead}-abc"));
        fs::write(dir.path().join(format!(".new-{tag}-{dead}-file")), "x").unwrap();
        let stays = [
            format!(".new-{tag}-{alive}-abc"),
            format!(".new-00000000-{dead}-abc"),
            ".new-abcdef".to_string(),
            "run".to_string(),
        ];
        stays.iter().for_each(|name| make(name));
        assert_eq!(sweep(dir.path()), 2);
        let mut expected = stays.to_vec();
        expected.sort();
        assert_eq!(names(dir.path()), expected);
    }

    #[test]
    fn what_nobody_can_be_asked_about_goes_after_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".new-abcdef");
        let file = fs::File::create(&path).unwrap();
        file.set_modified(SystemTime::now() - AGE - Duration::from_secs(60)).unwrap();
        assert_eq!((sweep(dir.path()), names(dir.path()).len()), (1, 0));
    }

    #[cfg(unix)]
    #[test]
    fn what_was_put_aside_comes_back_where_nothing_took_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let aside = dir.path().join(format!(".old-{}-{}-abc", host_tag(), ended()));
        fs::create_dir_all(aside.join("run")).unwrap();
        fs::write(aside.join("run/file"), "x").unwrap();
        sweep(dir.path());
        assert_eq!(names(dir.path()), ["run"]);
        assert!(dir.path().join("run/file").is_file());
    }

    #[test]
    fn folders_change_places_one_way_or_the_other() {
        for swap in [exchange, by_way_of_aside] {
            let dir = tempfile::tempdir().unwrap();
            let (new, old) = (dir.path().join("new"), dir.path().join("old"));
            for (folder, text) in [(&new, "new"), (&old, "old")] {
                fs::create_dir(folder).unwrap();
                fs::write(folder.join("text"), text).unwrap();
            }
            swap(&new, &old).unwrap();
            assert_eq!(fs::read_to_string(old.join("text")).unwrap(), "new");
            let left = fs::read_to_string(new.join("text"));
            assert!(left.is_err() || left.unwrap() == "old");
        }
    }
}
