//! Passes over activations that read and write each value once, shared among
//! threads. Plain slices; knows no tensors.

use rayon::prelude::*;

/// Values a thread takes at a time.
const CHUNK: usize = 1 << 16;

/// Values whose factors are laid out one by one, so that a row of few channels
/// is not a loop of its own.
const STRETCH: usize = 512;

/// `x[.., c] = x[.., c] * scale[c] + shift[c]`, channels fastest; plus `skip`, if
/// there is one, and through a ReLU, if `RELU`. One pass.
pub(super) fn affine_rows<const RELU: bool>(
    x: &mut [f32],
    skip: Option<&[f32]>,
    scale: &[f32],
    shift: &[f32],
) {
    let channels = scale.len().max(1);
    let repeats = (STRETCH / channels).max(1);
    let (scale, shift) = (scale.repeat(repeats), shift.repeat(repeats));
    let chunk = CHUNK.next_multiple_of(scale.len().max(1));
    let arch = pulp::Arch::new();
    let pass = |x: &mut [f32], skip: Option<&[f32]>| {
        arch.dispatch(|| match skip {
            None => {
                for x in x.chunks_mut(scale.len().max(1)) {
                    for ((x, a), b) in x.iter_mut().zip(&scale).zip(&shift) {
                        let y = *x * a + b;
                        *x = if RELU { positive(y) } else { y };
                    }
                }
            }
            Some(skip) => {
                let stretch = scale.len().max(1);
                for (x, skip) in x.chunks_mut(stretch).zip(skip.chunks(stretch)) {
                    let factors = scale.iter().zip(&shift);
                    for ((x, skip), (a, b)) in x.iter_mut().zip(skip).zip(factors) {
                        let y = (*x * a + b) + skip;
                        *x = if RELU { positive(y) } else { y };
                    }
                }
            }
        });
    };
    match skip {
        None => x.par_chunks_mut(chunk).for_each(|x| pass(x, None)),
        Some(skip) => {
            x.par_chunks_mut(chunk).zip(skip.par_chunks(chunk)).for_each(|(x, s)| pass(x, Some(s)));
        }
    }
}

/// As [`affine_rows`] for planes: each channel's `plane` values lie together.
pub(super) fn affine_planes(x: &mut [f32], plane: usize, scale: &[f32], shift: &[f32]) {
    let channels = scale.len().max(1);
    x.par_chunks_mut(plane.max(1)).enumerate().for_each(|(i, x)| {
        let (a, b) = (scale[i % channels], shift[i % channels]);
        x.iter_mut().for_each(|x| *x = *x * a + b);
    });
}

#[inline(always)]
fn positive(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// `max(x, 0)`; NaN stays NaN.
pub(super) fn relu(x: &mut [f32]) {
    x.par_chunks_mut(CHUNK).for_each(|x| x.iter_mut().for_each(|x| *x = positive(*x)));
}

/// [`relu`] into new memory.
pub(super) fn relu_of(x: &[f32]) -> Vec<f32> {
    x.par_iter().with_min_len(CHUNK).map(|x| positive(*x)).collect()
}

#[inline(always)]
fn gate(y: f32, dy: f32) -> f32 {
    if y <= 0.0 { 0.0 } else { dy }
}

/// Zeroes the gradient where the ReLU's output is not positive; it stays where
/// the output is NaN.
pub(super) fn relu_grad(y: &[f32], dy: &mut [f32]) {
    dy.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).for_each(|(dy, y)| {
        dy.iter_mut().zip(y).for_each(|(dy, y)| *dy = gate(*y, *dy));
    });
}

/// [`relu_grad`] into new memory.
pub(super) fn relu_grad_of(y: &[f32], dy: &[f32]) -> Vec<f32> {
    let pairs = y.par_iter().with_min_len(CHUNK).zip(dy);
    pairs.map(|(y, dy)| gate(*y, *dy)).collect()
}

/// `x += y`.
pub(super) fn add(x: &mut [f32], y: &[f32]) {
    x.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).for_each(|(x, y)| {
        x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
    });
}

/// `x + y` in new memory.
pub(super) fn sum_of(x: &[f32], y: &[f32]) -> Vec<f32> {
    x.par_iter().with_min_len(CHUNK).zip(y).map(|(x, y)| x + y).collect()
}

/// Channels last from planes: `[n][channels][plane]` to `[n][plane][channels]`.
pub(super) fn to_channels_last(x: &[f32], channels: usize, plane: usize) -> Vec<f32> {
    /// Pixels whose channels stay in the first-level cache.
    const TILE: usize = 32;
    let image = (channels * plane).max(1);
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(image).zip(x.par_chunks(image)).for_each(|(out, x)| {
        for first in (0..plane).step_by(TILE) {
            let pixels = TILE.min(plane - first);
            let out = &mut out[first * channels..][..pixels * channels];
            for c in 0..channels {
                let x = &x[c * plane + first..][..pixels];
                for (out, x) in out.iter_mut().skip(c).step_by(channels).zip(x) {
                    *out = *x;
                }
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_do_what_they_say() {
        let mut x = vec![1.0, -2.0, 3.0, -4.0];
        affine_rows::<false>(&mut x, None, &[2.0, 10.0], &[0.5, 1.0]);
        assert_eq!(x, [2.5, -19.0, 6.5, -39.0]);
        affine_rows::<true>(&mut x, Some(&[0.0, 1.0, 2.0, 400.0]), &[2.0, 10.0], &[0.5, 1.0]);
        assert_eq!(x, [5.5, 0.0, 15.5, 11.0]);
        // many times the stretch, and a rest
        let mut x = vec![1.0; 3 * STRETCH + 3];
        affine_rows::<true>(&mut x, None, &[1.0, 2.0, -3.0], &[0.0; 3]);
        assert!(x.chunks_exact(3).all(|x| x == [1.0, 2.0, 0.0]));
        let mut x = vec![1.0, -2.0, 3.0, -4.0];
        affine_planes(&mut x, 2, &[2.0, 10.0], &[0.5, 1.0]);
        assert_eq!(x, [2.5, -3.5, 31.0, -39.0]);
        let mut y = vec![-1.0, 0.0, 2.0, f32::NAN];
        relu(&mut y);
        assert!(y[..3] == [0.0, 0.0, 2.0] && y[3].is_nan());
        let mut dy = vec![1.0; 4];
        assert_eq!(relu_grad_of(&y, &dy), [0.0, 0.0, 1.0, 1.0]);
        relu_grad(&y, &mut dy);
        assert_eq!(dy, [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(relu_of(&x), [2.5, 0.0, 31.0, 0.0]);
        assert_eq!(sum_of(&x, &dy), [2.5, -3.5, 32.0, -38.0]);
        add(&mut x, &dy);
        assert_eq!(x, [2.5, -3.5, 32.0, -38.0]);
    }

    #[test]
    fn channels_move_to_the_end() {
        let (n, channels, plane) = (2, 3, 70);
        let x: Vec<f32> = (0..n * channels * plane).map(|v| v as f32).collect();
        let out = to_channels_last(&x, channels, plane);
        for i in 0..n {
            for c in 0..channels {
                for p in 0..plane {
                    assert_eq!(
                        out[(i * plane + p) * channels + c],
                        x[(i * channels + c) * plane + p]
                    );
                }
            }
        }
    }
}
