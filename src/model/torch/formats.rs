//! PyTorch's file formats: which one a file is, and where its pickle and its storages lie.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use super::pickle::{Id, Pickle, Value};
use super::source::Place;
use super::tensor::storage_of;
use super::{Checkpoint, Element, Tensor, zip};

/// Larger pickles are refused; tensors do not count, they lie beside it.
const MAX_PICKLE: u64 = 1 << 30;
/// What is read of a file at first to find the pickles at its start.
const FIRST_READ: u64 = 4 << 20;
/// Opens a file of the format before zip files: `LONG1` bytes, or decimal text.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const MAGIC_TEXT: &[u8] = b"119547037146038801333356";
/// The only version of that format.
const VERSION: i64 = 1001;
const BIG_ENDIAN: &str =
    "it was written on a big-endian machine; load it there and save it as safetensors";

type Tensors = HashMap<String, Tensor>;
type Storages = HashMap<String, Place>;

pub(super) fn open(mut file: File) -> Result<Checkpoint, String> {
    let length = file.seek(SeekFrom::End(0)).map_err(|e| e.to_string())?;
    let start = head(&mut file, 512.min(length))?;
    let has = |part: &[u8]| start[..64.min(start.len())].windows(part.len()).any(|w| w == part);
    let (pickle, storages, tensors) = if start.starts_with(b"PK") {
        zipped(&mut file)?
    } else if start.get(257..262) == Some(b"ustar") {
        tarred(&mut file)?
    } else if has(&MAGIC) || has(MAGIC_TEXT) {
        before_zip(&mut file, length)?
    } else if let Some(other) = not_a_checkpoint(&start) {
        return Err(other.into());
    } else {
        let pickle = growing(&mut file, length, Pickle::parse)?;
        (pickle, Storages::new(), Tensors::new())
    };
    Ok(Checkpoint { file, pickle, storages, tensors })
}

/// What a file is that is often taken for a checkpoint.
fn not_a_checkpoint(start: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(start).trim_start().to_ascii_lowercase();
    let starts = |with: &str| text.starts_with(with);
    if starts("version https://git-lfs") {
        return Some("it is a pointer of Git LFS, not the file; `git lfs pull` gets that");
    }
    if starts("<!doctype") || starts("<html") || starts("<?xml") {
        return Some("it is a web page; download the file itself");
    }
    match start {
        [0x1f, 0x8b, ..] => Some("it is compressed by gzip; unpack it first"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("it is compressed by xz; unpack it first"),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some("it is a 7z archive; unpack it first"),
        [0x89, b'H', b'D', b'F', ..] => Some("it is HDF5, as Keras writes it, not a checkpoint"),
        [0x80 | b'(' | b'}' | b']' | b'c', ..] => None,
        _ => Some("it is neither a zip, tar or pickle of PyTorch nor safetensors"),
    }
}

fn head(file: &mut File, size: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(|e| e.to_string())?;
    file.take(size).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// Parses the start of a file, of which more is read until it is enough.
fn growing<T>(
    file: &mut File,
    length: u64,
    parse: impl Fn(&[u8]) -> Result<T, String>,
) -> Result<T, String> {
    let most = length.min(MAX_PICKLE);
    let mut size = FIRST_READ;
    loop {
        let bytes = head(file, size.min(most))?;
        match parse(&bytes) {
            Err(_) if size < most => size *= 8,
            done => return done,
        }
    }
}

fn zipped(file: &mut File) -> Result<(Pickle, Storages, Tensors), String> {
    let entries = zip::entries(file)?;
    let of_pickle = |name: &str| name == "data.pkl" || name.ends_with("/data.pkl");
    let main = entries.iter().filter(|e| of_pickle(&e.name)).min_by_key(|e| e.name.len());
    let Some(main) = main else {
        return Err(match entries.first() {
            Some(entry) => format!(
                "the zip archive holds no checkpoint but {} entries ({}); unpack it and give one",
                entries.len(),
                entry.name
            ),
            None => "the zip archive is empty".into(),
        });
    };
    let root = main.name.trim_end_matches("data.pkl");
    let inside = |name: &str| entries.iter().find(|e| e.name.strip_prefix(root) == Some(name));
    if let Some(order) = inside("byteorder") {
        match order.place.read_all(file, 16)?.as_slice() {
            b"little" => {}
            b"big" => return Err(BIG_ENDIAN.into()),
            _ => return Err("its byte order is neither little nor big".into()),
        }
    }
    let bytes = main.place.read_all(file, MAX_PICKLE).map_err(|e| format!("{}: {e}", main.name))?;
    let pickle = Pickle::parse(&bytes)?;
    let folder = format!("{root}data/");
    let key = |entry: &zip::Entry| Some((entry.name.strip_prefix(&folder)?.into(), entry.place));
    Ok((pickle, entries.iter().filter_map(key).collect(), Tensors::new()))
}

/// Five pickles (magic, version, machine, content, keys of storages), then for each
/// storage the number of its values and its bytes.
fn before_zip(file: &mut File, length: u64) -> Result<(Pickle, Storages, Tensors), String> {
    let (pickle, keys, start) = growing(file, length, |bytes| {
        let mut at = 0;
        let mut next = || -> Result<Pickle, String> {
            let pickle = Pickle::parse(&bytes[at..])?;
            at += pickle.used();
            Ok(pickle)
        };
        next()?;
        let version = next()?;
        if version.get(version.root()) != &Value::Int(VERSION) {
            return Err(format!("its version is not {VERSION}"));
        }
        little_endian(&next()?)?;
        let (pickle, keys) = (next()?, next()?);
        Ok((pickle, keys, at as u64))
    })?;
    let mut sizes = HashMap::new();
    for identifier in pickle.outside() {
        if let Ok(storage) = storage_of(&pickle, identifier) {
            sizes.insert(storage.key, storage.element.size() as u64);
        }
    }
    let mut storages = Storages::new();
    let mut at = start;
    for key in keys.sequence(keys.root()) {
        let key = keys.text(*key).ok_or("a storage has no key")?;
        let count = long_at(file, at)?;
        let value = *sizes.get(&key).ok_or_else(|| format!("nothing uses storage {key}"))?;
        let size = count.checked_mul(value).filter(|size| *size <= length);
        let end = size.and_then(|size| at.checked_add(8 + size)).filter(|end| *end <= length);
        let end =
            end.ok_or("a storage reaches beyond the end: the file was cut off, get it again")?;
        storages.insert(key, Place { offset: at + 8, size: end - at - 8, packed: None });
        at = end;
    }
    Ok((pickle, storages, Tensors::new()))
}

/// The format before that: entries `sys_info`, `pickle`, `tensors` and `storages`.
fn tarred(file: &mut File) -> Result<(Pickle, Storages, Tensors), String> {
    let mut places = HashMap::new();
    file.seek(SeekFrom::Start(0)).map_err(|e| e.to_string())?;
    let mut archive = tar::Archive::new(&*file);
    for entry in archive.entries().map_err(|e| e.to_string())? {
        let entry = entry.map_err(|e| format!("the tar archive is damaged ({e})"))?;
        let name = entry.path().map_err(|e| e.to_string())?.to_string_lossy().into_owned();
        let (offset, size) = (entry.raw_file_position(), entry.size());
        places.insert(
            name.trim_start_matches("./").to_string(),
            Place { offset, size, packed: None },
        );
    }
    let part = |file: &mut File, name: &str| {
        let place = places.get(name).ok_or_else(|| {
            format!("the tar archive holds no checkpoint (no entry {name}); unpack it and give one")
        })?;
        Ok::<_, String>((place.read_all(file, u64::MAX)?, place.offset))
    };
    if places.contains_key("sys_info") {
        little_endian(&Pickle::parse(&part(file, "sys_info")?.0)?)?;
    }
    let pickle = Pickle::parse(&part(file, "pickle")?.0)?;
    let (bytes, offset) = part(file, "storages")?;
    let (storages, elements) = tar_storages(Table { bytes: &bytes, at: 0 }, offset)?;
    let (bytes, _) = part(file, "tensors")?;
    let tensors = tar_tensors(Table { bytes: &bytes, at: 0 }, &elements)?;
    Ok((pickle, storages, tensors))
}

/// Pickles and numbers one behind the other.
struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Table<'_> {
    fn pickle(&mut self) -> Result<Pickle, String> {
        let pickle = Pickle::parse(self.bytes.get(self.at..).unwrap_or(&[]))?;
        self.at += pickle.used();
        Ok(pickle)
    }

    fn count(&mut self) -> Result<usize, String> {
        let pickle = self.pickle()?;
        pickle.size(pickle.root()).ok_or_else(|| "a count is no number".into())
    }

    fn number<const N: usize>(&mut self) -> Result<usize, String> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        let bytes = bytes.ok_or("the tar archive's tables are cut off")?;
        self.at += N;
        let number = bytes.iter().rev().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
        usize::try_from(number).map_err(|_| "a number is too large".into())
    }
}

/// A count; for each storage its key, device and class, its number of values and bytes;
/// then a list of views: key, key of the storage, first value, values.
fn tar_storages(
    mut table: Table<'_>,
    offset: u64,
) -> Result<(Storages, HashMap<String, Element>), String> {
    let beyond = "a storage reaches beyond the end";
    let (mut storages, mut elements) = (Storages::new(), HashMap::new());
    for _ in 0..table.count()? {
        let about = table.pickle()?;
        let [key, _device, class] = about.sequence(about.root()) else {
            return Err("a storage is described by too little".into());
        };
        let class = about.global(*class).unwrap_or("nothing");
        let element = Element::of(class).ok_or_else(|| format!("a storage is a {class}"))?;
        let size = table.number::<8>()?.checked_mul(element.size()).ok_or(beyond)?;
        let start = table.at;
        table.at = start.checked_add(size).filter(|at| *at <= table.bytes.len()).ok_or(beyond)?;
        let place = Place { offset: offset + start as u64, size: size as u64, packed: None };
        let key = about.text(*key).ok_or("a storage has no key")?;
        storages.insert(key.clone(), place);
        elements.insert(key, element);
    }
    let views = table.pickle()?;
    for view in views.sequence(views.root()) {
        let [key, whole, first, count] = views.sequence(*view) else {
            return Err("a view is described by too little".into());
        };
        let text = |id: &Id| views.text(*id).ok_or("a view has no key");
        let (key, whole) = (text(key)?, text(whole)?);
        let known = storages.get(&whole).copied().zip(elements.get(&whole).copied());
        let (place, element) = known.ok_or("a view is of no storage")?;
        let bytes = |id| views.size(id)?.checked_mul(element.size());
        let (first, size) = bytes(*first).zip(bytes(*count)).ok_or(beyond)?;
        let fits = first.checked_add(size).is_some_and(|end| end as u64 <= place.size);
        if !fits {
            return Err(beyond.into());
        }
        let place = Place { offset: place.offset + first as u64, size: size as u64, packed: None };
        storages.insert(key.clone(), place);
        elements.insert(key, element);
    }
    Ok((storages, elements))
}

/// A count; for each tensor its key, its storage's and its class, its rank, four unused
/// bytes, shape, strides and first value.
fn tar_tensors(
    mut table: Table<'_>,
    elements: &HashMap<String, Element>,
) -> Result<Tensors, String> {
    let mut tensors = Tensors::new();
    for _ in 0..table.count()? {
        let about = table.pickle()?;
        let [key, storage, _class] = about.sequence(about.root()) else {
            return Err("a tensor is described by too little".into());
        };
        let text = |id: &Id| about.text(*id).ok_or("a tensor has no key");
        let (key, storage) = (text(key)?, text(storage)?);
        let element = *elements.get(&storage).ok_or("a tensor has no storage")?;
        let rank = table.number::<4>()?;
        table.number::<4>()?;
        if rank > 16 {
            return Err(format!("a tensor has {rank} axes"));
        }
        let shape = (0..rank).map(|_| table.number::<8>()).collect::<Result<_, _>>()?;
        let stride = (0..rank).map(|_| table.number::<8>()).collect::<Result<_, _>>()?;
        let offset = table.number::<8>()?;
        tensors.insert(key, Tensor { storage, element, base: 0, offset, shape, stride });
    }
    Ok(tensors)
}

fn little_endian(machine: &Pickle) -> Result<(), String> {
    let Value::Dict(entries) = machine.get(machine.root()) else {
        return Err("it does not say how its numbers are written".into());
    };
    let is = |(key, _): &&(Id, Id)| machine.text(*key).as_deref() == Some("little_endian");
    match entries.iter().find(is).map(|(_, value)| machine.get(*value)) {
        Some(Value::Bool(true)) => Ok(()),
        Some(Value::Bool(false)) => Err(BIG_ENDIAN.into()),
        _ => Err("it does not say how its numbers are written".into()),
    }
}

fn long_at(file: &mut File, at: u64) -> Result<u64, String> {
    let place = Place { offset: at, size: 8, packed: None };
    let bytes = place.read(file, 0, 8)?;
    Ok(bytes.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte)))
}
