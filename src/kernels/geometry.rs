//! Sizes of a convolution and the copy of an image band into a zero padded
//! buffer. Knows no instruction set and no framework.

use std::ops::Range;

/// The sizes of a two-dimensional convolution with square kernel, equal strides
/// and equal padding. Activations are NHWC, weights OIHW, all dense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Images in the batch.
    pub batch: usize,
    /// Height of an input image.
    pub height: usize,
    /// Width of an input image.
    pub width: usize,
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step between neighbouring output positions.
    pub stride: usize,
    /// Rows and columns of zeros on each side.
    pub padding: usize,
}

impl Geometry {
    /// Whether the kernels here compute this convolution: a kernel, a stride and
    /// at least one output position, and no output position that sees nothing
    /// but padding.
    pub fn is_supported(&self) -> bool {
        self.kernel >= 1
            && self.stride >= 1
            && self.padding < self.kernel
            && self.height + 2 * self.padding >= self.kernel
            && self.width + 2 * self.padding >= self.kernel
    }

    /// Height and width of the output.
    pub fn out_side(&self) -> [usize; 2] {
        [self.height, self.width].map(|s| (s + 2 * self.padding - self.kernel) / self.stride + 1)
    }

    /// Values of the input.
    pub fn input_len(&self) -> usize {
        self.batch * self.height * self.width * self.inputs
    }

    /// Values of the output.
    pub fn output_len(&self) -> usize {
        let [h, w] = self.out_side();
        self.batch * h * w * self.outputs
    }

    /// Values of the weights.
    pub fn weight_len(&self) -> usize {
        self.outputs * self.inputs * self.kernel * self.kernel
    }
}

/// A dense image, `[height][width][channels]`, seen with zeros around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Padded<'a> {
    pub image: &'a [f32],
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    /// Zeros above and left of the image.
    pub before: usize,
    /// Width of a padded row in pixels.
    pub row: usize,
}

impl Padded<'_> {
    /// Values of a padded row.
    pub fn row_len(&self) -> usize {
        self.row * self.channels
    }

    /// Copies the padded rows `rows` into `out`, row after row. Columns and rows
    /// of the image beyond the padded area are left out; those missing are zero.
    pub fn copy_rows(&self, rows: Range<usize>, out: &mut [f32]) {
        let len = self.row_len();
        if len == 0 {
            return;
        }
        let left = (self.before * self.channels).min(len);
        let used = (self.width * self.channels).min(len - left);
        for (y, out) in rows.zip(out.chunks_exact_mut(len)) {
            let source = y.checked_sub(self.before).filter(|y| *y < self.height);
            let Some(y) = source else {
                out.fill(0.0);
                continue;
            };
            let source = &self.image[y * self.width * self.channels..][..used];
            let (zeros, rest) = out.split_at_mut(left);
            let (copy, right) = rest.split_at_mut(used);
            zeros.fill(0.0);
            copy.copy_from_slice(source);
            right.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_usual_formula() {
        let g = Geometry {
            batch: 2,
            height: 7,
            width: 32,
            inputs: 3,
            outputs: 5,
            kernel: 3,
            stride: 2,
            padding: 1,
        };
        assert_eq!(g.out_side(), [4, 16]);
        assert_eq!(g.output_len(), 2 * 4 * 16 * 5);
        assert!(g.is_supported());
        assert!(!Geometry { padding: 3, ..g }.is_supported());
        assert!(!Geometry { height: 0, padding: 0, ..g }.is_supported());
    }

    #[test]
    fn bands_carry_zeros_around_the_image() {
        let image: Vec<f32> = (1..=6).map(|v| v as f32).collect();
        let padded = Padded { image: &image, height: 3, width: 2, channels: 1, before: 1, row: 4 };
        let mut out = [f32::NAN; 20];
        padded.copy_rows(0..5, &mut out);
        let expected =
            [0., 0., 0., 0., 0., 1., 2., 0., 0., 3., 4., 0., 0., 5., 6., 0., 0., 0., 0., 0.];
        assert_eq!(out, expected);
        let mut narrow = [f32::NAN; 2];
        Padded { row: 1, before: 0, ..padded }.copy_rows(2..4, &mut narrow);
        assert_eq!(narrow, [5.0, 0.0]);
    }
}
