//! The user's theme folder: read as a whole, and again when a file in it changed.
//! A file that has become faulty is reported and what it last said stays.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::ThemeError;
use super::file::{ThemeFile, read};
use super::set::ThemeSet;

/// The theme files there are, with time of change and size.
pub type Stamps = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// A folder of themes.
#[derive(Debug, Clone)]
pub struct UserThemes {
    folder: PathBuf,
    /// What every file said when it was last in order.
    good: BTreeMap<PathBuf, ThemeFile>,
}

impl UserThemes {
    /// The themes of a folder, which need not be there.
    pub fn new(folder: &Path) -> UserThemes {
        UserThemes { folder: folder.to_path_buf(), good: BTreeMap::new() }
    }

    /// The theme files there are; empty if none can be listed.
    pub fn stamps(&self) -> Stamps {
        let stamp = |path: PathBuf| {
            let meta = fs::metadata(&path).ok();
            let time = meta.as_ref().and_then(|m| m.modified().ok());
            (path, time, meta.map_or(0, |m| m.len()))
        };
        self.files(&mut Vec::new()).into_iter().map(stamp).collect()
    }

    /// `base` with the folder's themes over it, and what is wrong with them.
    pub fn load(&mut self, base: &ThemeSet) -> (ThemeSet, Vec<ThemeError>) {
        let mut errors = Vec::new();
        let paths = self.files(&mut errors);
        self.good.retain(|path, _| paths.contains(path));
        let mut files = Vec::new();
        for path in paths {
            let shown = path.display().to_string();
            match read(&path, &shown) {
                Ok(theme) => files.push((path, theme)),
                Err(error) => {
                    errors.push(error);
                    files.extend(self.good.get(&path).map(|good| (path, good.clone())));
                }
            }
        }
        let (set, refused) = join(base, &files);
        if refused.is_empty() {
            self.good.extend(files);
            return (set, errors);
        }
        // what refers to nothing is as faulty as what cannot be read
        let bad = |path: &Path| refused.iter().any(|e| e.file() == path.display().to_string());
        files.retain_mut(|(path, theme)| match (bad(path), self.good.get(path)) {
            (false, _) => true,
            (true, Some(good)) => {
                *theme = good.clone();
                true
            }
            (true, None) => false,
        });
        errors.extend(refused);
        let (set, rest) = join(base, &files);
        // a theme whose parent has become faulty and never was in order
        errors.extend(rest.into_iter().filter(|e| !errors.contains(e)).collect::<Vec<_>>());
        self.good.extend(files);
        (set, errors)
    }

    /// The `*.ron` files, sorted.
    fn files(&self, errors: &mut Vec<ThemeError>) -> Vec<PathBuf> {
        let unreadable = |reason: std::io::Error| {
            ThemeError::read(&self.folder.display().to_string(), &reason.to_string())
        };
        let mut paths = Vec::new();
        match fs::read_dir(&self.folder) {
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => paths.push(entry.path()),
                        Err(error) => errors.push(unreadable(error)),
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => errors.push(unreadable(error)),
        }
        paths.retain(|path| path.extension().is_some_and(|ext| ext == "ron"));
        paths.sort();
        paths
    }
}

fn join(base: &ThemeSet, files: &[(PathBuf, ThemeFile)]) -> (ThemeSet, Vec<ThemeError>) {
    let mut set = base.clone();
    let shown = files.iter().map(|(path, theme)| (path.display().to_string(), theme.clone()));
    let errors = set.add(shown.collect());
    (set, errors)
}

#[cfg(test)]
mod tests {
    use super::super::{ColourSpec, Role};
    use super::*;

    #[test]
    fn a_file_that_breaks_keeps_what_it_said_until_it_is_mended_or_gone() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        let base = ThemeSet::builtin().unwrap();
        let accent = |set: &ThemeSet, name: &str| set.theme(name).unwrap().style(Role::Accent).fg;
        let red =
            |n| format!("(name: \"mine\", parent: \"dark\", roles: {{\"accent\": (fg: \"{n}\")}})");
        let mut user = UserThemes::new(dir.path());
        assert!(user.stamps().is_empty());
        put("a.ron", &red("red"));
        put("b.ron", "(name: \"dark\", parent: \"dark\", roles: {\"accent\": (fg: \"blue\")})");
        let before = user.stamps();
        let (set, errors) = user.load(&base);
        assert!(errors.is_empty() && before.len() == 2);
        assert_eq!(accent(&set, "mine"), Some(ColourSpec::Ansi(1)));

        put("a.ron", "(name: \"mine\", parent: \"dark\", roles: {\"accent\": (fg: \"rde\")})");
        assert_ne!(user.stamps(), before);
        let (set, errors) = user.load(&base);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].short().starts_with("a.ron:1:"), "{}", errors[0].short());
        assert_eq!(accent(&set, "mine"), Some(ColourSpec::Ansi(1)), "as it was");
        assert_eq!(accent(&set, "dark"), Some(ColourSpec::Ansi(4)), "others are not touched");

        // readable but referring to nothing; another file changes meanwhile
        put("a.ron", "(name: \"mine\", parent: \"drak\")");
        put("b.ron", "(name: \"dark\", parent: \"dark\", roles: {\"accent\": (fg: \"green\")})");
        let (set, errors) = user.load(&base);
        assert!(errors.len() == 1 && errors[0].to_string().contains("did you mean \"dark\"?"));
        assert_eq!(accent(&set, "mine"), Some(ColourSpec::Ansi(1)));
        assert_eq!(accent(&set, "dark"), Some(ColourSpec::Ansi(2)));

        put("a.ron", &red("cyan"));
        let (set, errors) = user.load(&base);
        assert!(errors.is_empty());
        assert_eq!(accent(&set, "mine"), Some(ColourSpec::Ansi(6)));

        fs::remove_file(dir.path().join("a.ron")).unwrap();
        let (set, errors) = user.load(&base);
        assert!(errors.is_empty() && set.theme("mine").is_none());
    }
}
