//! From bytes to network inputs: scale to `[0, 1]`, subtract the mean, divide
//! by the deviation, per channel.

use super::ImageSet;

/// Normalisation of image bytes, as a table of 256 values per channel.
///
/// A value is `(v / 255 - mean) / std` in f32, rounded step by step as PyTorch's
/// `ToTensor` and `Normalize` do. Channels beyond the third are not supported;
/// a grey image uses the first.
#[derive(Debug, Clone)]
pub struct Normaliser {
    tables: Vec<[f32; 256]>,
}

impl Normaliser {
    /// A normaliser for the given mean and standard deviation of red, green and
    /// blue in `[0, 1]`. A deviation of zero gives infinities: check it first.
    pub fn new(mean: [f32; 3], std: [f32; 3]) -> Self {
        let table = |(mean, std): (f32, f32)| {
            let mut table = [0.0; 256];
            for (value, out) in table.iter_mut().enumerate() {
                *out = (value as f32 / 255.0 - mean) / std;
            }
            table
        };
        Self { tables: mean.into_iter().zip(std).map(table).collect() }
    }

    /// Appends one image of planes of `plane = H x W` bytes to `out`.
    pub fn push(&self, image: &[u8], plane: usize, out: &mut Vec<f32>) {
        for (channel, table) in image.chunks(plane.max(1)).zip(&self.tables) {
            out.extend(channel.iter().map(|&value| table[usize::from(value)]));
        }
    }

    /// Replaces `out` by the images at `indices`, NCHW.
    ///
    /// # Panics
    /// If an index is not below the number of images.
    pub fn batch(&self, set: &ImageSet, indices: &[u32], out: &mut Vec<f32>) {
        let [_, height, width] = set.shape();
        out.clear();
        out.reserve(indices.len() * set.image_len());
        for &index in indices {
            self.push(set.image(index as usize), height * width, out);
        }
    }
}

/// Replaces `out` by the images at `indices`, NCHW, each value
/// `(v / 255 - mean) / std` by channel.
///
/// For many batches keep a [`Normaliser`].
///
/// # Panics
/// If an index is not below the number of images.
pub fn batch_f32(
    set: &ImageSet,
    indices: &[u32],
    mean: [f32; 3],
    std: [f32; 3],
    out: &mut Vec<f32>,
) {
    Normaliser::new(mean, std).batch(set, indices, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_scaled_by_channel_in_the_order_of_the_indices() {
        let mut set = ImageSet::new([3, 1, 2]);
        set.push(&[0, 255, 10, 20, 30, 40], 0);
        set.push(&[1, 2, 3, 4, 5, 6], 1);
        let (mean, std) = ([0.5, 0.25, 0.1], [0.5, 0.2, 0.3]);
        let mut out = vec![9.0; 3];
        batch_f32(&set, &[1, 0, 1], mean, std, &mut out);
        let expected: Vec<f32> = [1, 0, 1]
            .iter()
            .flat_map(|&i| {
                let scale =
                    |(k, &v): (usize, &u8)| (f32::from(v) / 255.0 - mean[k / 2]) / std[k / 2];
                set.image(i).iter().enumerate().map(scale).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(out, expected);
        assert_eq!(out[6], -1.0);
        assert_eq!(out[7], 1.0);
    }
}
