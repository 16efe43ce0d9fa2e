//! Bytes in a file, as they are or deflated.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// How many times its size a deflated content may count for the memory it may take.
pub const MOST_DEFLATED: u64 = 64;

/// Where a content lies in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its first byte.
    pub offset: u64,
    /// Its bytes.
    pub size: u64,
    /// The bytes that it takes deflated, if it is.
    pub packed: Option<u64>,
}

impl Place {
    /// Bytes of it, from `from` on.
    ///
    /// # Errors
    /// If the file is shorter, or what is deflated is damaged.
    pub fn read(&self, file: &mut File, from: u64, count: usize) -> Result<Vec<u8>, String> {
        if from.checked_add(count as u64).is_none_or(|end| end > self.size) {
            return Err("it reaches beyond its storage".into());
        }
        let damaged = |e: std::io::Error| format!("the file is damaged, get it again ({e})");
        let mut bytes = Vec::new();
        match self.packed {
            None => {
                file.seek(SeekFrom::Start(self.offset + from)).map_err(damaged)?;
                file.take(count as u64).read_to_end(&mut bytes).map_err(damaged)?;
            }
            Some(packed) => {
                file.seek(SeekFrom::Start(self.offset)).map_err(damaged)?;
                let mut content = flate2::read::DeflateDecoder::new(file.take(packed));
                let skipped = std::io::copy(&mut content.by_ref().take(from), &mut std::io::sink());
                skipped.map_err(damaged)?;
                content.take(count as u64).read_to_end(&mut bytes).map_err(damaged)?;
            }
        }
        if bytes.len() != count {
            return Err("the file is shorter than it says: it was cut off, get it again".into());
        }
        Ok(bytes)
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Place::read`], and if it is more than `most` bytes.
    pub fn read_all(&self, file: &mut File, most: u64) -> Result<Vec<u8>, String> {
        if self.size > most.min(self.capacity()) {
            return Err(format!("{} bytes are too many", self.size));
        }
        self.read(file, 0, self.size as usize)
    }

    /// Bytes that it may take in memory.
    pub fn capacity(&self) -> u64 {
        match self.packed {
            None => self.size,
            Some(packed) => self.size.min(packed.saturating_mul(MOST_DEFLATED)),
        }
    }
}
