//! What lies at a path that is being typed: the names in its folder that begin like it.
//! Knows nothing of what the files are for.

use std::io;
use std::path::PathBuf;

use crate::text::is_hidden;

/// Most names that are looked at in a folder.
const MOST: usize = 20_000;

/// The path with `~/` at its start replaced by the home folder.
pub fn expand(path: &str) -> PathBuf {
    let home = path.strip_prefix("~/").zip(directories::BaseDirs::new());
    home.map_or_else(|| PathBuf::from(path), |(rest, dirs)| dirs.home_dir().join(rest))
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path as it was typed, with this name at its end; folders end in `/`.
    pub path: String,
    /// Whether it is a folder, or a link to one.
    pub folder: bool,
}

/// The names that begin like what was typed, in the order of the alphabet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Those that can be typed.
    pub entries: Vec<Entry>,
    /// Those with characters that steer a terminal or are no text.
    pub left_out: usize,
}

/// The names in the folder of `typed` (what stands before its last `/`, or the present
/// folder) that begin with what stands behind it. Hidden ones only where a dot was typed.
///
/// # Errors
/// What the system said about the folder.
pub fn beginning_with(typed: &str) -> io::Result<Names> {
    if typed == "~" {
        let home = Entry { path: "~/".into(), folder: true };
        return Ok(Names { entries: vec![home], left_out: 0 });
    }
    let (folder, begin) = typed.rfind('/').map_or(("", typed), |at| typed.split_at(at + 1));
    let place = match folder {
        "" => PathBuf::from("."),
        folder => expand(folder),
    };
    let mut names = Names::default();
    for entry in std::fs::read_dir(place)?.take(MOST) {
        let entry = entry?;
        let name = entry.file_name();
        let shown = name.to_string_lossy();
        if !shown.starts_with(begin) || (shown.starts_with('.') && !begin.starts_with('.')) {
            continue;
        }
        let Some(name) = name.to_str().filter(|name| !name.contains(is_hidden)) else {
            names.left_out += 1;
            continue;
        };
        // what a link leads to counts; one that leads nowhere is no folder
        let folder_too = entry.path().metadata().is_ok_and(|meta| meta.is_dir());
        let end = if folder_too { "/" } else { "" };
        names.entries.push(Entry { path: format!("{folder}{name}{end}"), folder: folder_too });
    }
    names.entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn paths(typed: &str) -> Vec<String> {
        beginning_with(typed).unwrap().entries.into_iter().map(|entry| entry.path).collect()
    }

    #[test]
    fn names_of_the_folder_that_begin_like_it_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_str().unwrap();
        for name in ["nets", "notes", ".cache"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        for name in ["net.pt", "other.th", ".hidden", "with space"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let all = ["net.pt", "nets/", "notes/", "other.th", "with space"];
        assert_eq!(paths(&format!("{root}/")), all.map(|name| format!("{root}/{name}")));
        assert_eq!(paths(&format!("{root}/net")).len(), 2);
        assert_eq!(
            paths(&format!("{root}/.")),
            [".cache/", ".hidden"].map(|n| format!("{root}/{n}"))
        );
        assert!(paths(&format!("{root}/nets/")).is_empty());
        assert!(beginning_with(&format!("{root}/none/x")).is_err(), "the folder is not there");
        assert!(beginning_with(&format!("{root}/net.pt/x")).is_err(), "that is no folder");
        assert_eq!(paths("~"), ["~/"]);
    }

    #[cfg(unix)]
    #[test]
    fn names_that_cannot_be_typed_are_counted_and_links_followed() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        for name in [&b"a\x1b[31m"[..], b"a\nb", b"a\xff"] {
            fs::write(dir.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
        }
        fs::create_dir(dir.path().join("b")).unwrap();
        std::os::unix::fs::symlink("b", dir.path().join("to-b")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("lost")).unwrap();
        let names = beginning_with(&format!("{}/", dir.path().display())).unwrap();
        assert_eq!((names.left_out, names.entries.len()), (3, 3));
        let folders: Vec<bool> = names.entries.iter().map(|entry| entry.folder).collect();
        assert_eq!(folders, [true, false, true], "b, lost, to-b");
    }
}
