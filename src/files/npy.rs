//! Matrices as `.npy` files: f64, C order, NaN for undefined cells.
//!
//! The header is checked against the file's length before anything is
//! allocated, because a header may claim any size. Knows no layers.

use ndarray::Array2;
use ndarray_npy::{ReadNpyExt, WriteNpyExt};

use crate::domain::SimilarityMatrix;

/// Longest header that is read. NumPy writes 118 bytes for a matrix.
const MAX_HEADER: usize = 512;

/// The file's contents.
pub(crate) fn encode(matrix: &SimilarityMatrix) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(128 + 8 * matrix.rows() * matrix.cols());
    let values = matrix.view().as_standard_layout().into_owned();
    values.write_npy(&mut bytes).map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// The matrix of a file.
///
/// # Errors
/// What is wrong with the file, in words.
pub(crate) fn decode(bytes: &[u8]) -> Result<SimilarityMatrix, String> {
    sized(bytes, 8)?;
    let values = Array2::<f64>::read_npy(bytes).map_err(|e| format!("not a matrix of f64: {e}"))?;
    Ok(SimilarityMatrix::new(values))
}

/// The file of a table of f32.
pub(crate) fn encode_f32(values: &Array2<f32>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(128 + 4 * values.len());
    values.as_standard_layout().write_npy(&mut bytes).map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// The table of f32 of a file.
///
/// # Errors
/// What is wrong with the file, in words.
pub(crate) fn decode_f32(bytes: &[u8]) -> Result<Array2<f32>, String> {
    sized(bytes, 4)?;
    Array2::<f32>::read_npy(bytes).map_err(|e| format!("not a matrix of f32: {e}"))
}

/// Refuses a header that does not fit the file's length.
fn sized(bytes: &[u8], size: usize) -> Result<(), String> {
    let (rows, cols, data) = layout(bytes)?;
    let expected = rows.checked_mul(cols).and_then(|cells| cells.checked_mul(size));
    if expected != Some(bytes.len() - data) {
        return Err(format!(
            "the header says {rows}x{cols} numbers of {size} bytes, but {} bytes follow it",
            bytes.len() - data
        ));
    }
    Ok(())
}

/// Rows, columns and where the numbers begin.
fn layout(bytes: &[u8]) -> Result<(usize, usize, usize), String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("not an .npy file")?;
    let (start, length) = match *rest {
        [1, _, a, b, ..] => (10, usize::from(u16::from_le_bytes([a, b]))),
        [2 | 3, _, a, b, c, d, ..] => (12, u32::from_le_bytes([a, b, c, d]) as usize),
        _ => return Err("an .npy version that is not known".into()),
    };
    if length > MAX_HEADER {
        return Err(format!("a header of {length} bytes; a matrix needs fewer than {MAX_HEADER}"));
    }
    let header = bytes.get(start..start + length).ok_or("the file ends inside its header")?;
    let header = std::str::from_utf8(header).map_err(|_| "the header is not text")?;
    // One dictionary with one tuple in it; more would nest.
    if header.matches(['(', '[', '{']).count() != 2 {
        return Err("the header does not describe a plain matrix".into());
    }
    let tuple = header
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(tuple, _)| tuple)
        .ok_or("the header names no shape")?;
    let sides: Option<Vec<usize>> = tuple
        .trim_end_matches([',', ' '])
        .split(',')
        .map(|side| side.trim().parse().ok())
        .collect();
    match sides.as_deref() {
        Some(&[rows, cols]) => Ok((rows, cols, start + length)),
        _ => Err(format!("the shape ({tuple}) is not that of a matrix")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    #[test]
    fn values_and_undefined_cells_survive() {
        let matrix = SimilarityMatrix::new(array![[1.0, f64::NAN, -0.25], [0.5, 1e-300, 1.0]]);
        let bytes = encode(&matrix).unwrap();
        assert_eq!(bytes.len(), 128 + 48);
        let back = decode(&bytes).unwrap();
        assert_eq!((back.rows(), back.cols()), (2, 3));
        assert_eq!(back.get(0, 1), None);
        assert_eq!(back.get(0, 2), Some(-0.25));
        assert_eq!(back.get(1, 1), Some(1e-300));
    }

    #[test]
    fn a_transposed_view_is_written_in_c_order() {
        let matrix = SimilarityMatrix::new(array![[1.0, 2.0], [3.0, 4.0]].reversed_axes());
        assert_eq!(decode(&encode(&matrix).unwrap()).unwrap().get(0, 1), Some(3.0));
    }

    #[test]
    fn a_header_that_lies_is_refused_before_allocating() {
        let huge = file(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000, 4000000000), }\n",
            8,
        );
        assert!(decode(&huge).unwrap_err().contains("4000000000x4000000000"));
        let short = file("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }\n", 31);
        assert!(decode(&short).unwrap_err().contains("2x2"));
        let wrong = file("{'descr': '<i8', 'fortran_order': False, 'shape': (2, 2), }\n", 32);
        assert!(decode(&wrong).unwrap_err().contains("f64"));
        let vector = file("{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }\n", 32);
        assert!(decode(&vector).unwrap_err().contains("(4,)"));
        assert!(decode(&file(&"(".repeat(500), 0)).is_err());
        let mut long = b"\x93NUMPY\x02\x00".to_vec();
        long.extend(u32::MAX.to_le_bytes());
        assert!(decode(&long).unwrap_err().contains("4294967295"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..200) {
            let _ = decode(&bytes);
            let good = encode(&SimilarityMatrix::new(array![[1.0, 2.0], [3.0, 4.0]])).unwrap();
            let _ = decode(&good[..at.min(good.len())]);
            let mut damaged = good;
            for (to, from) in damaged.iter_mut().skip(at).zip(bytes.drain(..).take(4)) {
                *to = from;
            }
            let _ = decode(&damaged);
        }
    }
}
