//! Batch norm over channels-last rows: statistics, and the gradients.
//!
//! Plain slices `[rows, channels]` (a row is one pixel of one image), channels
//! fastest. Each of the four passes reads its inputs once. Rows are dealt to a
//! fixed number of blocks whatever the number of threads, sums finish in f64.
//! Knows no tensors.

use rayon::prelude::*;

/// Rows per block of a parallel pass.
const BLOCK: usize = 4096;
/// Rows whose sums stay in f32 before they are added in f64.
const RUN: usize = 128;

/// Mean and biased variance of every channel.
///
/// Computed about the first row, so a large mean costs no precision.
pub fn moments(x: &[f32], channels: usize) -> (Vec<f32>, Vec<f32>) {
    if channels == 0 || x.len() < channels {
        return (vec![0.0; channels], vec![0.0; channels]);
    }
    let rows = (x.len() / channels) as f64;
    let pilot = &x[..channels];
    let (sums, squares) = reduce(x, x, channels, |sum, square, x, _| {
        for (((sum, square), x), pilot) in sum.iter_mut().zip(square).zip(x).zip(pilot) {
            let v = x - pilot;
            *sum += v;
            *square += v * v;
        }
    });
    let mut mean = Vec::with_capacity(channels);
    let mut variance = Vec::with_capacity(channels);
    for ((sum, square), pilot) in sums.iter().zip(&squares).zip(pilot) {
        let shift = sum / rows;
        mean.push((f64::from(*pilot) + shift) as f32);
        variance.push((square / rows - shift * shift).max(0.0) as f32);
    }
    (mean, variance)
}

/// Sums over rows of `dy` and of `dy * (x - mean)`, per channel.
pub fn gradient_sums(x: &[f32], dy: &[f32], mean: &[f32], channels: usize) -> (Vec<f64>, Vec<f64>) {
    reduce(x, dy, channels, |sum, product, x, dy| {
        for ((((sum, product), x), dy), mean) in
            sum.iter_mut().zip(product).zip(x).zip(dy).zip(mean)
        {
            *sum += dy;
            *product += dy * (x - mean);
        }
    })
}

/// `out = dy * a + x * b + c` per channel.
pub fn combine(x: &[f32], dy: &[f32], coefficients: [&[f32]; 3], out: &mut [f32]) {
    let [a, b, c] = coefficients;
    let channels = a.len().max(1);
    let block = BLOCK * channels;
    out.par_chunks_mut(block).zip(x.par_chunks(block)).zip(dy.par_chunks(block)).for_each(
        |((out, x), dy)| {
            let rows = out
                .chunks_exact_mut(channels)
                .zip(x.chunks_exact(channels))
                .zip(dy.chunks_exact(channels));
            for ((out, x), dy) in rows {
                for (((((out, x), dy), a), b), c) in
                    out.iter_mut().zip(x).zip(dy).zip(a).zip(b).zip(c)
                {
                    *out = dy * a + x * b + c;
                }
            }
        },
    );
}

/// Two per-channel sums over rows: `add(first, second, x row, y row)` adds one
/// row to f32 sums, which are moved to f64 every [`RUN`] rows.
fn reduce(
    x: &[f32],
    y: &[f32],
    channels: usize,
    add: impl Fn(&mut [f32], &mut [f32], &[f32], &[f32]) + Sync,
) -> (Vec<f64>, Vec<f64>) {
    let block = BLOCK * channels;
    let parts: Vec<(Vec<f64>, Vec<f64>)> = x
        .par_chunks(block)
        .zip(y.par_chunks(block))
        .map(|(x, y)| {
            let mut total = (vec![0.0f64; channels], vec![0.0f64; channels]);
            let mut first = vec![0.0f32; channels];
            let mut second = vec![0.0f32; channels];
            for (x, y) in x.chunks(RUN * channels).zip(y.chunks(RUN * channels)) {
                first.fill(0.0);
                second.fill(0.0);
                for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact(channels)) {
                    add(&mut first, &mut second, x, y);
                }
                accumulate(&mut total.0, first.iter().map(|v| f64::from(*v)));
                accumulate(&mut total.1, second.iter().map(|v| f64::from(*v)));
            }
            total
        })
        .collect();
    let mut total = (vec![0.0f64; channels], vec![0.0f64; channels]);
    for (first, second) in parts {
        accumulate(&mut total.0, first);
        accumulate(&mut total.1, second);
    }
    total
}

fn accumulate(sum: &mut [f64], more: impl IntoIterator<Item = f64>) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: usize, channels: usize, seed: u32) -> Vec<f32> {
        (0..n * channels)
            .map(|i| {
                let v = (i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed.wrapping_mul(97));
                (v >> 8) as f32 / (1 << 24) as f32 * 2.0 - 1.0
            })
            .collect()
    }

    #[test]
    fn moments_match_their_definition_even_with_a_large_mean() {
        for (n, channels) in [(1, 3), (7, 1), (5000, 5), (9001, 16)] {
            let x: Vec<f32> = rows(n, channels, 1).iter().map(|v| v + 100.0).collect();
            let (mean, variance) = moments(&x, channels);
            for c in 0..channels {
                let values = || (0..n).map(|r| f64::from(x[r * channels + c]));
                let m = values().sum::<f64>() / n as f64;
                let v = values().map(|v| (v - m).powi(2)).sum::<f64>() / n as f64;
                assert!((f64::from(mean[c]) - m).abs() < 1e-5);
                assert!((f64::from(variance[c]) - v).abs() < 1e-6 + 1e-5 * v);
            }
        }
    }

    #[test]
    fn sums_and_combinations_match_their_definition() {
        let (n, channels) = (4500, 6);
        let (x, dy) = (rows(n, channels, 2), rows(n, channels, 3));
        let mean = [0.1, -0.2, 0.3, 0.0, 1.0, -1.0];
        let (sum, product) = gradient_sums(&x, &dy, &mean, channels);
        let mut out = vec![0.0; n * channels];
        let (a, b, c) = ([2.0; 6], [-0.5; 6], mean);
        combine(&x, &dy, [&a, &b, &c], &mut out);
        for ch in 0..channels {
            let at = |r: usize| r * channels + ch;
            let s: f64 = (0..n).map(|r| f64::from(dy[at(r)])).sum();
            let p: f64 = (0..n)
                .map(|r| f64::from(dy[at(r)]) * (f64::from(x[at(r)]) - f64::from(mean[ch])))
                .sum();
            assert!((sum[ch] - s).abs() < 1e-2 && (product[ch] - p).abs() < 1e-2);
            for r in 0..n {
                let expected = 2.0 * dy[at(r)] - 0.5 * x[at(r)] + c[ch];
                assert!((out[at(r)] - expected).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let x = rows(30_000, 3, 4);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| moments(&x, 3))
        };
        assert_eq!(run(1), run(3));
    }
}
