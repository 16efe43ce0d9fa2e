//! Which files belong to a record: their BLAKE3 hashes in it. Files of another result under
//! the right names, as a copy that was made while they were replaced leaves them, are
//! noticed. Every file of a run is hashed when it is opened, which SHA-256 would make felt.
//! Knows no contents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The files that a record speaks of: the BLAKE3 hash of each by its name, in hexadecimal.
/// Records that were written before this was recorded have none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parts(BTreeMap<String, String>);

impl Parts {
    /// True if no file is recorded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of files that are written with a record.
    pub(super) fn of(files: &[(&str, Vec<u8>)]) -> Parts {
        Parts(files.iter().map(|(name, bytes)| (name.to_string(), hash(bytes))).collect())
    }

    /// Checks that a file is the one that was written with the record.
    ///
    /// # Errors
    /// That it is not, in words.
    pub(super) fn check(&self, record: &str, file: &str, bytes: &[u8]) -> Result<(), String> {
        match self.0.get(file) {
            Some(recorded) if *recorded == hash(bytes) => Ok(()),
            None if self.is_empty() => Ok(()),
            _ => Err(format!("not the file that was written with {record}")),
        }
    }
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_result_is_told_from_the_one_that_belongs() {
        let parts = Parts::of(&[("a.csv", b"one".to_vec()), ("b.npy", b"two".to_vec())]);
        assert_eq!(parts.check("r.ron", "a.csv", b"one"), Ok(()));
        for (file, bytes) in [("a.csv", &b"two"[..]), ("b.npy", b"one"), ("c", b"one")] {
            let error = parts.check("r.ron", file, bytes).unwrap_err();
            assert!(error.contains("written with r.ron"), "{error}");
        }
        // the published vector of the empty input
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(hash(b""), empty);
        // from before this was recorded
        assert_eq!(Parts::default().check("r.ron", "a.csv", b"any"), Ok(()));
    }
}
