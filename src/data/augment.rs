//! Augmentation of training images: reflect-pad by 4, crop back to size at a
//! random place, flip horizontally half of the time.
//!
//! Works on bytes, before normalisation, in the caller's buffers and with the
//! caller's generator, so that a resumed training continues exactly.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Pixels of padding on each side.
pub const PAD: usize = 4;

/// What the augmentation does, in words, for a recipe.
pub const DESCRIPTION: &str = "reflect-pad 4, random crop, horizontal flip";

/// One random choice of the augmentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CropFlip {
    /// Top of the crop in the padded image, 0 to `2 * PAD`.
    pub top: usize,
    /// Left of the crop in the padded image, 0 to `2 * PAD`.
    pub left: usize,
    /// Whether the crop is mirrored.
    pub flip: bool,
}

impl CropFlip {
    /// Draws a choice: crop uniform over all places, flip with probability 1/2.
    ///
    /// Always takes three numbers from the generator.
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        let last = 2 * PAD as u32;
        Self {
            top: rng.random_range(0..=last) as usize,
            left: rng.random_range(0..=last) as usize,
            flip: rng.random_range(0..2u32) == 1,
        }
    }

    /// Writes the cropped and flipped image into `out`, without making the
    /// padded one. Both are `C x H x W` for `shape = [C, H, W]`.
    ///
    /// Padding reflects without repeating the edge (NumPy's `reflect`,
    /// PyTorch's `padding_mode="reflect"`), again and again if an image is
    /// smaller than the padding.
    ///
    /// # Panics
    /// If `image` or `out` is not of the shape.
    pub fn apply(self, image: &[u8], shape: [usize; 3], out: &mut [u8]) {
        let [channels, height, width] = shape;
        assert_eq!(image.len(), channels * height * width, "image of another shape");
        assert_eq!(out.len(), image.len(), "buffer of another shape");
        if image.is_empty() {
            return;
        }
        let plane = height * width;
        for (source, target) in image.chunks_exact(plane).zip(out.chunks_exact_mut(plane)) {
            for (y, target) in target.chunks_exact_mut(width).enumerate() {
                let row = reflect(y + self.top, height) * width;
                let row = &source[row..row + width];
                for (x, pixel) in target.iter_mut().enumerate() {
                    *pixel = row[reflect(x + self.left, width)];
                }
                if self.flip {
                    target.reverse();
                }
            }
        }
    }
}

/// Draws a [`CropFlip`] and applies it.
///
/// # Panics
/// If `image` or `out` is not of the shape.
pub fn crop_flip(image: &[u8], shape: [usize; 3], rng: &mut ChaCha8Rng, out: &mut [u8]) {
    CropFlip::draw(rng).apply(image, shape, out);
}

/// The pixel of an axis of `size` that lies at `padded` of the padded axis.
fn reflect(padded: usize, size: usize) -> usize {
    if size == 1 {
        return 0;
    }
    let period = 2 * (size - 1);
    // `padded - PAD`, moved up by whole periods so that it is not negative.
    let at = (padded + PAD * period - PAD) % period;
    at.min(period - at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Pads explicitly, one pixel of border at a time outwards, then cuts.
    fn reference(image: &[u8], [c, h, w]: [usize; 3], choice: CropFlip) -> Vec<u8> {
        let mut out = Vec::new();
        for plane in image.chunks(h * w) {
            let rows: Vec<Vec<u8>> = plane.chunks(w).map(<[u8]>::to_vec).collect();
            let wide: Vec<Vec<u8>> = pad(&rows).iter().map(|row| pad(row)).collect();
            for row in &wide[choice.top..choice.top + h] {
                let mut row = row[choice.left..choice.left + w].to_vec();
                if choice.flip {
                    row.reverse();
                }
                out.extend(row);
            }
        }
        assert_eq!(out.len(), c * h * w);
        out
    }

    /// NumPy's `reflect`: the padded axis mirrors around its first and last
    /// original elements.
    fn pad<T: Clone>(axis: &[T]) -> Vec<T> {
        let before = axis[1..=PAD].iter().rev();
        let after = axis[axis.len() - 1 - PAD..axis.len() - 1].iter().rev();
        before.chain(axis).chain(after).cloned().collect()
    }

    #[test]
    fn reflection_is_that_of_numpy() {
        // np.pad(np.arange(6), 4, mode="reflect")
        let padded: Vec<usize> = (0..14).map(|at| reflect(at, 6)).collect();
        assert_eq!(padded, [4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 4, 3, 2, 1]);
        // np.pad(np.arange(3), 4, mode="reflect") and of one element
        let padded: Vec<usize> = (0..11).map(|at| reflect(at, 3)).collect();
        assert_eq!(padded, [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]);
        assert_eq!(reflect(7, 1), 0);
    }

    #[test]
    fn every_choice_equals_padding_cutting_and_flipping() {
        let shape = [3, 7, 9];
        let image: Vec<u8> = (0..3 * 7 * 9).map(|v| (v * 37 % 251) as u8).collect();
        let mut out = vec![0; image.len()];
        for (top, left) in (0..=8).flat_map(|t| (0..=8).map(move |l| (t, l))) {
            for flip in [false, true] {
                let choice = CropFlip { top, left, flip };
                choice.apply(&image, shape, &mut out);
                assert_eq!(out, reference(&image, shape, choice), "{choice:?}");
            }
        }
        CropFlip { top: PAD, left: PAD, flip: false }.apply(&image, shape, &mut out);
        assert_eq!(out, image);
    }

    #[test]
    fn draws_are_uniform_and_repeat_with_the_seed() {
        let draw = |count: usize| -> Vec<CropFlip> {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            (0..count).map(|_| CropFlip::draw(&mut rng)).collect()
        };
        let choices = draw(9_000);
        assert_eq!(choices[..50], draw(50));
        for place in 0..=2 * PAD {
            let top = choices.iter().filter(|c| c.top == place).count();
            let left = choices.iter().filter(|c| c.left == place).count();
            assert!((850..1150).contains(&top) && (850..1150).contains(&left), "{top} {left}");
        }
        let flips = choices.iter().filter(|c| c.flip).count();
        assert!((4_300..4_700).contains(&flips), "{flips}");
    }
}
