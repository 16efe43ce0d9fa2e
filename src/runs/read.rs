//! Reading a run's files, from a folder or from inside the program, with every
//! size checked first. A run may come from anywhere: links inside it are not
//! followed, and what does not fit is refused in one line.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Deserialize;

use super::check;
use super::embedded::Embedded;
use super::error::RunError;
use super::layout::{FORMAT, Versioned};
use super::manifest::RunManifest;
use crate::files::set::COMMIT;

/// Largest `run.ron`.
const RUN_LIMIT: u64 = 1 << 20;
/// Largest record beside an array, such as `map.ron`.
pub(super) const RECORD_LIMIT: u64 = 8 << 20;
/// Largest array: that of 4,096 layers, and a header.
pub(super) const ARRAY_LIMIT: u64 = 8 * 4096 * 4096 + 1024;
/// Most entries of a folder that are looked at.
const ENTRIES: usize = 10_000;
/// How often a record is read that others keep replacing.
const TRIES: usize = 10;
/// Largest weights file.
pub(super) const WEIGHTS_LIMIT: u64 = 8 << 30;

/// Where a run's files are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    Folder(&'a Path),
    Embedded(Embedded, &'a str),
}

impl Source<'_> {
    /// The path of a file for messages.
    pub(super) fn path(self, file: &str) -> PathBuf {
        match self {
            Source::Folder(folder) => folder.join(file),
            Source::Embedded(_, name) => Path::new("(built in)").join(name).join(file),
        }
    }

    /// The contents of `file` (with `/`), or `None` if it is not there.
    pub(super) fn bytes(
        self,
        file: &str,
        limit: u64,
    ) -> Result<Option<Cow<'static, [u8]>>, RunError> {
        match self {
            Source::Folder(folder) => {
                // a set that counts already and is not in its place yet
                let found = match committed(file) {
                    Some(first) => plain_file(folder, &first, limit)?,
                    None => None,
                };
                let found = match found {
                    None => plain_file(folder, file, limit)?,
                    found => found,
                };
                Ok(found.map(Cow::Owned))
            }
            Source::Embedded(table, name) => Ok(table.file(name, file).map(Cow::Borrowed)),
        }
    }

    /// True if a file is there, whatever it holds.
    pub(super) fn has(self, file: &str) -> bool {
        match self {
            Source::Folder(folder) => self::has(folder, file).is_some(),
            Source::Embedded(table, name) => table.file(name, file).is_some(),
        }
    }

    /// Reads a record and what it speaks of, `read`, once more if another process has
    /// replaced them meanwhile.
    pub(super) fn steady<T>(
        self,
        record: &str,
        read: impl Fn() -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let Source::Folder(folder) = self else { return read() };
        for _ in 0..TRIES {
            let before = has(folder, record);
            let found = read();
            if before == has(folder, record) {
                return found;
            }
        }
        read()
    }

    /// The names of the folders in `folder` (with `/`), in order; none if it is not
    /// there. Files, links and hidden folders are left out.
    pub(super) fn folders(self, folder: &str) -> Result<Vec<String>, RunError> {
        let mut names = match self {
            Source::Folder(run) => plain_folders(run, folder)?,
            Source::Embedded(table, name) => {
                let inside = table.files(name).filter_map(|(file, _)| {
                    let rest = file.strip_prefix(folder)?.strip_prefix('/')?;
                    rest.split_once('/').map(|(name, _)| name.to_string())
                });
                inside.collect()
            }
        };
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// Where a file of a set lies before it is in its place.
fn committed(file: &str) -> Option<String> {
    let (dir, name) = file.rsplit_once('/')?;
    Some(format!("{dir}/{COMMIT}/{name}"))
}

/// What tells a file from one that takes its place.
type Stamp = (u64, u64, Option<SystemTime>);

/// The stamp of a file that is there.
fn has(folder: &Path, file: &str) -> Option<Stamp> {
    let stamp = |file: &str| {
        let meta = fs::symlink_metadata(folder.join(file)).ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&meta);
        #[cfg(not(unix))]
        let number = 0;
        Some((number, meta.len(), meta.modified().ok()))
    };
    committed(file).and_then(|first| stamp(&first)).or_else(|| stamp(file))
}

/// The folders in a folder below `run`; a link on the way is refused.
fn plain_folders(run: &Path, folder: &str) -> Result<Vec<String>, RunError> {
    let mut path = run.to_path_buf();
    for part in folder.split('/') {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(meta) if !meta.is_dir() => return Err(RunError::NotPlain(path)),
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(RunError::io("read", &path, e)),
        }
    }
    let failed = |e| RunError::io("read", &path, e);
    let mut names = Vec::new();
    for entry in fs::read_dir(&path).map_err(failed)?.take(ENTRIES) {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir()
            && let Ok(name) = entry.file_name().into_string()
            && check::name(&name).is_ok()
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// Reads a plain file of at most `limit` bytes below `folder`.
fn plain_file(folder: &Path, file: &str, limit: u64) -> Result<Option<Vec<u8>>, RunError> {
    let mut path = folder.to_path_buf();
    for part in file.split('/') {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_symlink() => return Err(RunError::NotPlain(path)),
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(RunError::io("read", &path, e)),
        }
    }
    let failed = |e| RunError::io("read", &path, e);
    // Not opened before it is known to be plain: opening a pipe would wait.
    let Some(meta) = there(fs::metadata(&path)).map_err(failed)? else { return Ok(None) };
    if !meta.is_file() {
        return Err(RunError::NotPlain(path));
    }
    let too_large = |size| RunError::TooLarge { path: path.clone(), size, limit };
    if meta.len() > limit {
        return Err(too_large(meta.len()));
    }
    let mut bytes = Vec::with_capacity(meta.len() as usize);
    // moved to its place meanwhile
    let Some(file) = there(File::open(&path)).map_err(failed)? else { return Ok(None) };
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(Some(bytes))
}

fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

/// Reads `run.ron`.
pub(super) fn manifest(source: Source<'_>) -> Result<RunManifest, RunError> {
    let path = source.path("run.ron");
    let bytes = source
        .bytes("run.ron", RUN_LIMIT)?
        .ok_or_else(|| RunError::damaged(&path, "missing; this folder is not a run"))?;
    let manifest: RunManifest = versioned(&bytes, &path)?;
    check::manifest(&manifest).map_err(|e| RunError::damaged(&path, e))?;
    Ok(manifest)
}

/// Reads `metrics.csv`; a run without one has no rows.
pub(super) fn metrics(source: Source<'_>) -> Result<Vec<super::MetricsRow>, RunError> {
    match source.bytes("metrics.csv", super::metrics::limit())? {
        None => Ok(Vec::new()),
        Some(bytes) => super::metrics::parse_metrics(&bytes, &source.path("metrics.csv")),
    }
}

/// Parses RON that carries a `format`. A newer one is refused by name, whatever else
/// the file holds.
pub(super) fn versioned<T: Versioned>(bytes: &[u8], path: &Path) -> Result<T, RunError> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        RunError::damaged(path, format!("not text: byte {} is not UTF-8", e.valid_up_to()))
    })?;
    let parsed = ron::from_str::<T>(text);
    // a file that does not parse may be a newer one
    let format = match &parsed {
        Ok(record) => Some(record.format()),
        Err(_) => ron::from_str::<Head>(text).ok().map(|head| head.format),
    };
    match format {
        Some(found) if found > FORMAT => Err(RunError::Newer { path: path.to_path_buf(), found }),
        Some(0) => Err(RunError::damaged(path, "format 0 was never written")),
        _ => parsed.map_err(|e| RunError::Syntax {
            path: path.to_path_buf(),
            line: e.span.start.line,
            column: e.span.start.col,
            message: crate::text::one_line(&e.code.to_string()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use proptest::prelude::*;

    fn run_with(text: &str) -> RunError {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("run.ron"), text).unwrap();
        let error = manifest(Source::Folder(dir.path())).unwrap_err();
        let shown = error.to_string();
        assert!(!shown.contains('\n') && shown.contains("run.ron"), "{shown}");
        error
    }

    #[test]
    fn damage_is_reported_by_line_and_column() {
        let text = super::super::write::to_ron(&fixtures::manifest("a")).unwrap();
        let error = run_with(&text.replace("depth: 8", "depth: eight"));
        let line = text.lines().position(|l| l.contains("depth: 8")).unwrap() + 1;
        assert!(error.to_string().contains(&format!("run.ron:{line}:")), "{error}");
        assert!(matches!(run_with("("), RunError::Syntax { line: 1, .. }));
        assert!(matches!(run_with(&"(".repeat(100_000)), RunError::Syntax { .. }));
        assert!(matches!(
            run_with(&format!("(format: {}", "[".repeat(100_000))),
            RunError::Syntax { .. }
        ));
    }

    #[test]
    fn a_newer_format_is_refused_by_name_whatever_else_it_holds() {
        let error =
            run_with("(format: 3, name: \"a\", wonders: Some([1, (x: 2)]), kind: Other(4))");
        assert!(
            error
                .to_string()
                .contains("run.ron was written by a newer blockscope (format 3, this one reads 2)"),
            "{error}"
        );
    }

    #[test]
    fn oversized_files_are_not_read() {
        let error = run_with(&" ".repeat((RUN_LIMIT + 1) as usize));
        assert!(matches!(error, RunError::TooLarge { size, .. } if size == RUN_LIMIT + 1));
    }

    #[test]
    fn unknown_fields_and_missing_optional_ones_are_accepted() {
        let text = super::super::write::to_ron(&fixtures::manifest("a")).unwrap();
        let less: String =
            text.lines().filter(|l| !l.contains("seed")).map(|l| format!("{l}\n")).collect();
        let more = less.replacen("    name:", "    later: [(a: 1)],\n    name:", 1);
        assert_ne!(less, more);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("run.ron"), more).unwrap();
        assert_eq!(manifest(Source::Folder(dir.path())).unwrap().seed, None);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_folders_in_place_of_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret"), "x").unwrap();
        let run = dir.path().join("run");
        fs::create_dir(&run).unwrap();
        std::os::unix::fs::symlink("../secret", run.join("weights.safetensors")).unwrap();
        let found = super::super::weights::read(Source::Folder(&run), &fixtures::manifest("a"));
        assert!(matches!(found, Err(RunError::NotPlain(_))));
        std::os::unix::fs::symlink("..", run.join("analysis")).unwrap();
        let main = crate::domain::MapKey::cka();
        let map =
            crate::runs::store::maps::one(Source::Folder(&run), &fixtures::manifest("a"), &main);
        assert!(matches!(map, Err(RunError::NotPlain(_))));
        fs::create_dir(run.join("run.ron")).unwrap();
        assert!(matches!(manifest(Source::Folder(&run)), Err(RunError::NotPlain(_))));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}", cut in 0usize..2000) {
            let _ = versioned::<RunManifest>(text.as_bytes(), Path::new("run.ron"));
            let good = super::super::write::to_ron(&fixtures::manifest("a")).unwrap();
            let cut = cut.min(good.len());
            let damaged = format!("{}{text}{}", &good[..cut], &good[cut..]);
            let _ = versioned::<RunManifest>(damaged.as_bytes(), Path::new("run.ron"));
        }
    }
}
