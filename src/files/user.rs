//! Reads small text files that a user wrote (themes, keys, settings) without
//! trusting them. Knows nothing of what they mean.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest file, in bytes.
const LIMIT: u64 = 1 << 20;

/// The file's text, or in a few words why there is none.
///
/// # Errors
/// If it is no plain file, cannot be read, is larger than 1 MiB or not UTF-8.
pub fn read(path: &Path) -> Result<String, String> {
    // Not opened before it is known to be a file: opening a pipe would wait.
    match path.metadata() {
        Ok(meta) if !meta.is_file() => return Err("not a file".into()),
        Ok(_) => {}
        Err(error) => return Err(error.to_string()),
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LIMIT {
        return Err(format!("larger than {LIMIT} bytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("not text: byte {} is not UTF-8", error.utf8_error().valid_up_to())
    })
}
