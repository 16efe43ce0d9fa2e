//! The `.tar.gz` as downloaded, read as a stream.
//!
//! Entries are matched by the last component of their name and their bytes
//! stay in memory: no path of an archive is ever used to open or write a file.

use std::io::{self, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::{FILE_LIMIT, Parts};
use crate::data::error::one_line;
use crate::data::{DataError, files};

/// Most bytes that an archive may unpack to, over five times the published ones.
const ARCHIVE_LIMIT: u64 = 1 << 30;

/// Reads the wanted parts; the first entry of a name counts. Stops as soon as
/// every part has been found.
pub(super) fn read(file: &Path, parts: &mut Parts<'_>) -> Result<(), DataError> {
    let packed = io::BufReader::with_capacity(1 << 16, files::open(file)?);
    let unpacked = Limited { inner: MultiGzDecoder::new(packed), left: ARCHIVE_LIMIT };
    let mut archive = tar::Archive::new(unpacked);
    let failed = |error: io::Error| failure(file, &error);
    // Raw entries: extension records (long names, sparse maps) are never
    // interpreted, only skipped.
    for entry in archive.entries().map_err(failed)?.raw(true) {
        let mut entry = entry.map_err(failed)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path_bytes().into_owned();
        let last = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let Some(name) = std::str::from_utf8(last).ok().filter(|name| parts.wants(name)) else {
            continue;
        };
        let shown = format!("{}: {name}", file.display());
        if entry.size() > FILE_LIMIT {
            return Err(too_large(file, name, FILE_LIMIT));
        }
        parts.read(name, &shown, &mut entry, &failed)?;
        if parts.complete() {
            break;
        }
    }
    Ok(())
}

fn too_large(file: &Path, what: &str, limit: u64) -> DataError {
    DataError::TooLarge { file: file.to_path_buf(), what: what.to_string(), limit }
}

fn failure(file: &Path, error: &io::Error) -> DataError {
    if error.kind() == io::ErrorKind::FileTooLarge {
        return too_large(file, "the archive", ARCHIVE_LIMIT);
    }
    DataError::Archive { file: file.to_path_buf(), reason: one_line(&error.to_string()) }
}

/// A reader that fails, rather than ends, after a number of bytes.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        match self.left.checked_sub(got as u64) {
            Some(left) => {
                self.left = left;
                Ok(got)
            }
            None => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limited_reader_passes_its_limit_and_fails_beyond() {
        let read = |left| {
            let mut out = Vec::new();
            Limited { inner: &[7u8; 100][..], left }.read_to_end(&mut out).map(|_| out.len())
        };
        assert_eq!(read(100).unwrap(), 100);
        assert_eq!(read(99).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let shown = failure(Path::new("a.tar.gz"), &io::ErrorKind::FileTooLarge.into());
        assert!(matches!(shown, DataError::TooLarge { limit: ARCHIVE_LIMIT, .. }));
    }
}
