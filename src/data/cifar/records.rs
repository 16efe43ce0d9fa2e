//! Records of label bytes and pixels, read as a stream.

use std::io::{self, Read};

use super::Layout;
use crate::data::{DataError, ImageSet};

/// `[channels, height, width]` of every CIFAR image.
const SHAPE: [usize; 3] = [3, 32, 32];
/// Pixel bytes per record.
const PIXELS: usize = 3 * 32 * 32;
/// Records read at once.
const CHUNK: usize = 256;

/// Reads records until the end of the stream, which may hold `limit` bytes.
pub(super) fn read(
    layout: &Layout,
    shown: &str,
    reader: &mut dyn Read,
    limit: u64,
    failed: &dyn Fn(io::Error) -> DataError,
) -> Result<ImageSet, DataError> {
    let record = layout.labels.len() + PIXELS;
    let mut images = ImageSet::new(SHAPE);
    let mut chunk = Vec::with_capacity(record * CHUNK);
    let mut bytes = 0u64;
    loop {
        chunk.clear();
        let got = reader.take((record * CHUNK) as u64).read_to_end(&mut chunk).map_err(failed)?;
        bytes += got as u64;
        if bytes > limit {
            let (file, what) = (shown.into(), "the file".to_string());
            return Err(DataError::TooLarge { file, what, limit });
        }
        let records = chunk.chunks_exact(record);
        let rest = records.remainder().len();
        for data in records {
            let (labels, pixels) = data.split_at(layout.labels.len());
            let mut class = 0;
            for (&label, &(kind, max)) in labels.iter().zip(layout.labels) {
                if label > max {
                    let (file, record) = (shown.to_string(), images.len() as u64);
                    return Err(DataError::Label { file, record, kind, label, max });
                }
                class = label;
            }
            images.push(pixels, u16::from(class));
        }
        if rest > 0 {
            let (file, at) = (shown.to_string(), images.len() as u64);
            return Err(DataError::Truncated { file, bytes, record, at });
        }
        if got == 0 {
            return Ok(images);
        }
    }
}
