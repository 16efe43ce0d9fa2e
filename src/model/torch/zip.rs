//! Where the entries of a zip file lie: stored and deflated ones, zip64, any names.
//!
//! Knows nothing of what the entries hold.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::source::Place;

const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const CENTRAL: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
/// The end record without its comment.
const END_SIZE: usize = 22;
/// The locator of the zip64 end record, which lies right before the end record.
const LOCATOR_SIZE: u64 = 20;
/// A larger directory is refused: a million entries.
const MAX_DIRECTORY: u64 = 128 << 20;

/// An entry and where its content lies.
#[derive(Debug)]
pub struct Entry {
    /// Its name, with slashes.
    pub name: String,
    /// Its content.
    pub place: Place,
}

/// Lists the entries.
///
/// # Errors
/// What is wrong, without the name of the file.
pub fn entries(file: &mut File) -> Result<Vec<Entry>, String> {
    let length = file.seek(SeekFrom::End(0)).map_err(|e| e.to_string())?;
    let (start, size) = directory(file, length)?;
    if size > MAX_DIRECTORY {
        return Err("its table of contents is larger than 128 MiB".into());
    }
    let table = read_at(file, start, size as usize)?;
    let mut entries = Vec::new();
    let mut rest = &table[..];
    while rest.starts_with(CENTRAL) {
        let (entry, used) = entry(file, length, rest)?;
        entries.extend(entry);
        rest = rest.get(used..).ok_or(BAD_TABLE)?;
    }
    if entries.is_empty() && !table.is_empty() {
        return Err(BAD_TABLE.into());
    }
    Ok(entries)
}

const BAD_TABLE: &str = "the zip archive's table of contents is damaged; get the file again";

/// Where the central directory lies, and its size.
fn directory(file: &mut File, length: u64) -> Result<(u64, u64), String> {
    let tail = length.min(END_SIZE as u64 + 0xffff);
    let bytes = read_at(file, length - tail, tail as usize)?;
    let ends_here = |at: &usize| {
        bytes[*at..].starts_with(END)
            && number(&bytes, at + 20, 2) == Some((tail as usize - at - END_SIZE) as u64)
    };
    let last = (tail as usize).checked_sub(END_SIZE);
    let at = last
        .and_then(|last| {
            (0..=last)
                .rev()
                .find(ends_here)
                .or_else(|| (0..=last).rev().find(|at| bytes[*at..].starts_with(END)))
        })
        .ok_or("the end of the zip archive is missing: the file was cut off, get it again")?;
    let end = length - tail + at as u64;
    let field = |at, width| number(&bytes, at, width).ok_or(BAD_TABLE);
    let (size, start) = (field(at + 12, 4)?, field(at + 16, 4)?);
    let record = zip64(file, end)?;
    let (start, size) = record.unwrap_or((start, size));
    match start.checked_add(size) {
        Some(last) if last <= end => Ok((start, size)),
        _ => Err(BAD_TABLE.into()),
    }
}

/// The same from the zip64 end record, where there is one.
fn zip64(file: &mut File, end: u64) -> Result<Option<(u64, u64)>, String> {
    let Some(at) = end.checked_sub(LOCATOR_SIZE) else { return Ok(None) };
    let locator = read_at(file, at, LOCATOR_SIZE as usize)?;
    if !locator.starts_with(LOCATOR_64) {
        return Ok(None);
    }
    let at = number(&locator, 8, 8).filter(|at| at.checked_add(56).is_some_and(|last| last <= end));
    let record = read_at(file, at.ok_or(BAD_TABLE)?, 56)?;
    if !record.starts_with(END_64) {
        return Err(BAD_TABLE.into());
    }
    Ok(number(&record, 48, 8).zip(number(&record, 40, 8)))
}

/// The entry at the start of `table` (none for a folder), and the bytes it takes there.
fn entry(file: &mut File, length: u64, table: &[u8]) -> Result<(Option<Entry>, usize), String> {
    let field = |at, width| number(table, at, width).ok_or(BAD_TABLE);
    let (flags, method) = (field(8, 2)?, field(10, 2)?);
    let (mut packed, mut size, mut start) = (field(20, 4)?, field(24, 4)?, field(42, 4)?);
    let [name, extra, comment] = [field(28, 2)?, field(30, 2)?, field(32, 2)?].map(|n| n as usize);
    let used = 46 + name + extra + comment;
    let extra = table.get(46 + name..46 + name + extra).ok_or(BAD_TABLE)?;
    let name = table.get(46..46 + name).ok_or(BAD_TABLE)?;
    let name = String::from_utf8_lossy(name).into_owned();
    if let Some(wide) = wide_fields(extra) {
        let mut at = 0;
        for value in [&mut size, &mut packed, &mut start] {
            if *value == 0xffff_ffff {
                *value = number(wide, at, 8).ok_or(BAD_TABLE)?;
                at += 8;
            }
        }
    }
    if name.ends_with('/') {
        return Ok((None, used));
    }
    let deflated = match method {
        _ if flags & 1 != 0 => return Err("the zip archive is encrypted".into()),
        0 => false,
        8 => true,
        other => {
            return Err(format!(
                "entry {name} is compressed by method {other}; expected stored or deflated"
            ));
        }
    };
    // a folder of names without content may come before: torch pads its entries here
    let local = read_at(file, start, 30)?;
    let behind = number(&local, 26, 2).zip(number(&local, 28, 2));
    let (name_size, extra_size) = behind.filter(|_| local.starts_with(LOCAL)).ok_or(BAD_TABLE)?;
    let offset = start + 30 + name_size + extra_size;
    if offset.checked_add(packed).is_none_or(|last| last > length) || !deflated && packed != size {
        return Err(format!(
            "entry {name} reaches beyond the end: the file is damaged, get it again"
        ));
    }
    let place = Place { offset, size, packed: deflated.then_some(packed) };
    Ok((Some(Entry { name, place }), used))
}

/// The zip64 field of an extra block.
fn wide_fields(mut extra: &[u8]) -> Option<&[u8]> {
    loop {
        let (kind, size) = number(extra, 0, 2).zip(number(extra, 2, 2))?;
        let content = extra.get(4..4 + size as usize)?;
        if kind == 1 {
            return Some(content);
        }
        extra = &extra[4 + size as usize..];
    }
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(width)?)?;
    Some(field.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte)))
}

fn read_at(file: &mut File, at: u64, size: usize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; size];
    let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes));
    read.map_err(|e| format!("{BAD_TABLE} ({e})"))?;
    Ok(bytes)
}
