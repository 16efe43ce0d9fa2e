//! The built-in data set `shapes`: ten kinds of figure over cluttered
//! backgrounds, 32x32 RGB, generated from a fixed seed.
//!
//! There are [`TRAIN`] training and [`TEST`] test images, the same number of
//! every class, the classes in turn (image `i` is of class `i % 10`). Each image
//! has its own ChaCha8 stream, so that it does not depend on any other, and
//! only exactly rounded arithmetic is used, so that it is the same on every
//! machine. No figure is chiral: a mirror image has the same class.
//!
//! What varies, independently of the class: the figure's place, size, rotation
//! (any angle), stretch and colour, and the background's colour, ramp, smooth
//! texture, number and kind of dots and strokes (some of them over the figure),
//! and noise. Figures are lighter than their ground.
//!
//! # How hard it is
//! Measured on exactly these images:
//!
//! | classifier | settings | test accuracy |
//! |---|---|---|
//! | linear on pixels | multinomial logistic regression (scikit-learn, L-BFGS, 200 iterations, standardised pixels), best of C = 1e-4, 1e-3, 1e-2, 1 | 21.3 % |
//! | ResNet-8, width 1 | 20 epochs, initial rate 0.1 | 98.9 % (96.2 % after 8) |
//! | ResNet-14, width 1 | 20 epochs, initial rate 0.02 | 99.1 % (97.8 % after 12) |
//!
//! Both networks (PyTorch, CPU, padded shortcuts, one seed each): SGD, momentum
//! 0.9, batch 128, cosine rate per epoch, weight decay 5e-4 on kernels, the
//! crops and flips of [`augment`](super::augment). Epochs 1 to 10 are noisy: the
//! accuracy with running batch-norm statistics was 68.1, 51.9 and 96.2 % after
//! epochs 4, 6 and 8 of ResNet-8.
//!
//! Representations improve with depth: linear probes on that ResNet-14 (4x4
//! average-pooled, standardised, 30 epochs of SGD) reached 40.7 % after the stem
//! and 57.4, 73.4, 89.4, 97.0, 98.8 and 99.0 % after its six blocks.

mod figure;
mod paint;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{DataSource, Dataset, ImageSet};
use figure::{FIGURES, Figure};
use paint::{AREA, Canvas, Colour, SIDE, between, colour, contrasting, direction, unit, whole};

/// Training images, 500 of each class.
pub const TRAIN: usize = 5_000;
/// Test images, 100 of each class.
pub const TEST: usize = 1_000;

/// The generator's seed. Another seed or any change of the pictures makes
/// another data set, with another fingerprint.
const SEED: [u8; 32] = *b"blockscope built-in shapes, v1..";
/// Bytes per image.
const BYTES: usize = 3 * AREA;

/// The two splits, by the upper half of their images' stream numbers.
#[derive(Clone, Copy)]
enum Split {
    Train = 0,
    Test = 1,
}

/// Both splits.
pub(super) fn load() -> Dataset {
    let train = generate(Split::Train, TRAIN);
    Dataset::new(DataSource::Shapes, classes(), Some(train), generate(Split::Test, TEST))
}

/// The test split only.
pub(super) fn load_test() -> Dataset {
    Dataset::new(DataSource::Shapes, classes(), None, generate(Split::Test, TEST))
}

fn classes() -> Vec<String> {
    FIGURES.iter().map(|(_, name)| name.to_string()).collect()
}

/// The first `count` images of a split.
fn generate(split: Split, count: usize) -> ImageSet {
    let mut pixels = vec![0; count * BYTES];
    pixels.par_chunks_mut(BYTES).enumerate().for_each(|(index, out)| {
        let mut rng = ChaCha8Rng::from_seed(SEED);
        rng.set_stream(((split as u64) << 32) | index as u64);
        let (figure, _) = FIGURES[index % FIGURES.len()];
        draw(figure, &mut rng, out);
    });
    let labels = (0..FIGURES.len() as u16).cycle().take(count).collect();
    ImageSet::from_parts(pixels, labels, [3, SIDE, SIDE])
}

/// Draws one image into `out`.
fn draw(figure: Figure, rng: &mut ChaCha8Rng, out: &mut [u8]) {
    let ground = colour(rng).map(|value| value * 0.6);
    let mut canvas = Canvas::new(ground);
    let slope = [between(rng, -45.0, 45.0), between(rng, -45.0, 45.0), between(rng, -45.0, 45.0)];
    canvas.ramp(direction(rng), slope);
    let amplitude = [between(rng, 10.0, 35.0), between(rng, 10.0, 35.0), between(rng, 10.0, 35.0)];
    canvas.texture(rng, amplitude);
    for _ in 0..whole(rng, 3, 5) {
        clutter(&mut canvas, rng, ground);
    }

    let radius = between(rng, 5.5, 10.5);
    let middle = SIDE as f32 * 0.5;
    let centre = (middle + between(rng, -5.0, 5.0), middle + between(rng, -5.0, 5.0));
    let (cos, sin) = direction(rng);
    let (u_scale, v_scale) = (between(rng, 0.85, 1.15) / radius, 1.0 / radius);
    let ink = lighter(rng, ground);
    canvas.paint(centre, radius * 1.42, ink, 1.0, |x, y| {
        figure.contains((x * cos + y * sin) * u_scale, (y * cos - x * sin) * v_scale)
    });

    if unit(rng) < 0.5 {
        clutter(&mut canvas, rng, ground);
    }
    canvas.finish(rng, 24.0, out);
}

/// A colour whose channels' sum exceeds that of `ground` by at least 150.
///
/// `ground` is at most 153 per channel, so that one try in 14 or more succeeds.
fn lighter(rng: &mut ChaCha8Rng, ground: Colour) -> Colour {
    loop {
        let candidate = colour(rng).map(|value| 102.0 + value * 0.6);
        let lift: f32 = candidate.iter().zip(ground).map(|(a, b)| a - b).sum();
        if lift >= 150.0 {
            return candidate;
        }
    }
}

/// Paints a dot or a stroke, anywhere.
fn clutter(canvas: &mut Canvas, rng: &mut ChaCha8Rng, ground: Colour) {
    let side = SIDE as f32;
    let centre = (between(rng, 0.0, side), between(rng, 0.0, side));
    let ink = contrasting(rng, ground, 60.0);
    let opacity = between(rng, 0.5, 0.95);
    if unit(rng) < 0.5 {
        let radius = between(rng, 1.2, 3.2);
        canvas.paint(centre, radius, ink, opacity, |x, y| x * x + y * y <= radius * radius);
    } else {
        let (cos, sin) = direction(rng);
        let half_length = between(rng, 3.0, 10.0);
        let half_width = between(rng, 0.4, 0.9);
        canvas.paint(centre, half_length + 1.0, ink, opacity, |x, y| {
            (x * cos + y * sin).abs() <= half_length && (y * cos - x * sin).abs() <= half_width
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{load, load_test};

    #[test]
    fn the_images_are_the_same_everywhere() {
        let data = load(&DataSource::Shapes).unwrap();
        assert_eq!(
            data.fingerprint,
            "6059ba2173ac96ed232db18368bc772573f2b4f45eb3c88298152f2a7cd63eb4"
        );
        assert_eq!(
            data.train_fingerprint.as_deref(),
            Some("c03197ecccd0b0648498479f67b3201d4a5cc30347dd4f8cee973fee9b6bb92e")
        );
        let test = load_test(&DataSource::Shapes).unwrap();
        assert_eq!((&test.fingerprint, &test.test), (&data.fingerprint, &data.test));
        assert_eq!((data.train.len(), data.test.len()), (TRAIN, TEST));
        assert_eq!(data.train.shape(), [3, 32, 32]);
        assert_eq!(data.classes.len(), 10);
        for set in [&data.train, &data.test] {
            let mut counts = [0; 10];
            set.labels().iter().for_each(|&label| counts[usize::from(label)] += 1);
            assert_eq!(counts, [set.len() / 10; 10]);
        }
    }

    #[test]
    fn an_image_depends_on_its_place_alone_and_no_two_are_equal() {
        let (few, more) = (generate(Split::Train, 10), generate(Split::Train, 40));
        let test = generate(Split::Test, 40);
        assert!((0..10).all(|at| few.image(at) == more.image(at)));
        let all: Vec<&[u8]> = (0..40).flat_map(|at| [more.image(at), test.image(at)]).collect();
        let distinct: std::collections::HashSet<&[u8]> = all.iter().copied().collect();
        assert_eq!(distinct.len(), 80);
    }

    #[test]
    fn the_ground_does_not_tell_the_class() {
        // The corners show the ground: their mean must not tell the class.
        let set = generate(Split::Train, 2_000);
        let mut sums = [0.0f64; 10];
        for at in 0..set.len() {
            let image = set.image(at);
            let corners = [0, SIDE - 1, AREA - SIDE, AREA - 1];
            let values = (0..3).flat_map(|plane| corners.map(|at| image[plane * AREA + at]));
            sums[usize::from(set.label(at))] += values.map(f64::from).sum::<f64>() / 12.0;
        }
        let means = sums.map(|sum| sum / 200.0);
        let (low, high) = means.iter().fold((255.0f64, 0.0f64), |(l, h), &m| (l.min(m), h.max(m)));
        assert!(high - low < 12.0, "{means:?}");
    }
}
