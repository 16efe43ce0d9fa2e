//! Two Gram matrices from one product: that of a layer and that of the batch
//! norm behind it.
//!
//! In evaluation mode a batch norm multiplies each channel by a constant (and
//! adds another, which centring removes), so with `G_c` the product of channel
//! `c` alone, `K = sum G_c` and `K_norm = sum a_c² G_c`. Here vector lanes *are*
//! channels: a tile of the product keeps one partial sum per lane, and both
//! matrices are weighted sums of the same accumulators. A general GEMM hides its
//! accumulators, so this is a kernel of ours; everything else goes through a
//! library (`product`). It knows nothing of layers, batches or devices.

use std::ops::Range;

use faer::Accum;
use pulp::{Arch, Simd, WithSimd};

use super::product::{Centre, Entries, Symmetric, grouped, pilot};

/// Channels handled together: a cache line of them, and the widest vector's.
const CHANNELS: usize = 16;
/// Positions handled together: the length of a tile's inner loop.
const POSITIONS: usize = 64;
/// Floats between rows of a scratch block beyond its contents, so that rows do
/// not compete for the same places in the cache.
const GAP: usize = 16;
/// Rows and columns of a tile: twelve accumulators, three values and one fit
/// sixteen registers.
const TILE: (usize, usize) = (3, 4);
/// Columns of the product whose rows stay in the first-level cache.
const NEAR: usize = 2 * TILE.1;
/// Side of a square of the product whose rows (two times 120 KiB) stay in the
/// second-level cache; whole tiles and whole [`NEAR`]s.
const SQUARE: usize = 72;

/// `(Xc Xcᵀ, Xc diag(a²) Xcᵀ)` with columns centred as `centre` says, from `rows` (`n` x
/// `positions * channels`, the channels of a position side by side) and the
/// channels' factors `a`.
///
/// `None` if the channels do not fill whole cache lines; take two products then.
///
/// # Panics
/// If `rows.len()` is not a multiple of `n * factors.len()`.
pub fn paired_products(
    rows: &[f32],
    n: usize,
    factors: &[f32],
    centre: Centre,
) -> Option<[Symmetric; 2]> {
    let channels = factors.len();
    if n == 0 || channels == 0 || !channels.is_multiple_of(CHANNELS) {
        return None;
    }
    assert!(rows.len().is_multiple_of(n * channels), "a matrix of {n} rows");
    let positions = rows.len() / n / channels;
    let squares: Vec<f32> = factors.iter().map(|a| a * a).collect();
    let runs = positions.div_ceil(POSITIONS);
    let arch = Arch::new();
    let blocks = channels / CHANNELS;
    let entries = Entries::lower(n, 2);
    let mut plain = grouped(runs * blocks, entries, |at, accum, product, block: &mut Block| {
        let (run, line) = (at / blocks, at % blocks);
        let first = line * CHANNELS;
        let positions = run * POSITIONS..((run + 1) * POSITIONS).min(positions);
        if matches!(accum, Accum::Replace) {
            for (at, row) in product.chunks_exact_mut(n).enumerate() {
                row[..entries.meant(at)].fill(0.0);
            }
        }
        arch.dispatch(Products {
            source: Source { rows, n, channels, first, positions },
            squares: &squares[first..first + CHANNELS],
            block,
            product,
        });
    });
    let scaled = plain.split_off(n * n);
    let finish = |lower: Vec<f64>| {
        let mut product = Symmetric { n, lower };
        if centre == Centre::Columns {
            product.double_centre();
        }
        product
    };
    let (plain, scaled) = rayon::join(|| finish(plain), || finish(scaled));
    Some([plain, scaled])
}

/// Where a block's values come from: channels `first..first + CHANNELS` of
/// `positions`.
struct Source<'a> {
    rows: &'a [f32],
    n: usize,
    channels: usize,
    first: usize,
    positions: Range<usize>,
}

/// A block of values, lane by lane: for each group of as many channels as a
/// vector has lanes, `n` rows of positions. Less their pilot.
#[derive(Default)]
struct Block {
    pilot: Vec<f32>,
    values: Vec<f32>,
}

impl Block {
    /// Gathers the block and returns the floats from row to row.
    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, source: &Source<'_>) -> usize {
        let Source { rows, n, channels, first, ref positions } = *source;
        let (p, lanes) = (rows.len() / n, S::F32_LANES);
        let columns = positions.start * channels..positions.end * channels;
        pilot(rows, n, p, columns.clone(), &mut self.pilot);
        let stride = positions.len() * lanes + GAP;
        self.values.resize(n * stride * (CHANNELS / lanes), 0.0);
        for (group, part) in self.values.chunks_exact_mut(n * stride).enumerate() {
            let at = first + group * lanes;
            for (to, row) in part.chunks_exact_mut(stride).zip(rows.chunks_exact(p)) {
                let from = row[columns.clone()].chunks_exact(channels);
                let pilots = self.pilot.chunks_exact(channels);
                let (to, _) = S::as_mut_simd_f32s(to);
                for ((to, from), pilot) in to.iter_mut().zip(from).zip(pilots) {
                    let (from, _) = S::as_simd_f32s(&from[at..at + lanes]);
                    let (pilot, _) = S::as_simd_f32s(&pilot[at..at + lanes]);
                    for (from, pilot) in from.iter().zip(pilot) {
                        *to = simd.sub_f32s(*from, *pilot);
                    }
                }
            }
        }
        stride
    }
}

/// Adds a block's two products to `product`: `n * n` values each, of which the
/// lower triangles are meant (tiles on the diagonal reach beyond).
struct Products<'a> {
    source: Source<'a>,
    squares: &'a [f32],
    block: &'a mut Block,
    product: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Products { source, squares, block, product } = self;
        let n = source.n;
        let stride = block.fill(simd, &source);
        let length = stride - GAP;
        let (plain, scaled) = product.split_at_mut(n * n);
        let (squares, _) = S::as_simd_f32s(squares);
        let parts = block.values.chunks_exact(n * stride);
        for (part, squares) in parts.zip(squares) {
            let row = |i: usize| {
                let start = i.min(n - 1) * stride;
                S::as_simd_f32s(&part[start..start + length]).0
            };
            // squares of the product whose rows stay in the second-level cache
            for top in (0..n).step_by(SQUARE) {
                for left in (0..=top).step_by(SQUARE) {
                    for near in (left..(left + SQUARE).min(n)).step_by(NEAR) {
                        let first = top.max(near / TILE.0 * TILE.0);
                        for i in (first..(top + SQUARE).min(n)).step_by(TILE.0) {
                            for j in (near..(near + NEAR).min(n).min(i + TILE.0)).step_by(TILE.1) {
                                let a = std::array::from_fn(|r| row(i + r));
                                let b = std::array::from_fn(|c| row(j + c));
                                let sums = tile::<S, { TILE.0 }, { TILE.1 }>(simd, a, b);
                                add(simd, &sums, *squares, (n, i, j), [&mut *plain, &mut *scaled]);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Adds a tile's sums to both products of `n` columns, at row `i`, column `j`.
#[inline(always)]
fn add<S: Simd, const R: usize, const C: usize>(
    simd: S,
    sums: &[[S::f32s; C]; R],
    squares: S::f32s,
    (n, i, j): (usize, usize, usize),
    [plain, scaled]: [&mut [f32]; 2],
) {
    for (r, sums) in sums.iter().enumerate().take(n - i) {
        let at = (i + r) * n + j;
        let to = at..at + C.min(n - j);
        let to = plain[to.clone()].iter_mut().zip(&mut scaled[to]);
        for ((plain, scaled), sum) in to.zip(sums) {
            *plain += simd.reduce_sum_f32s(*sum);
            *scaled += simd.reduce_sum_f32s(simd.mul_f32s(*sum, squares));
        }
    }
}

/// Lane by lane products of `R` by `C` rows.
#[inline(always)]
fn tile<S: Simd, const R: usize, const C: usize>(
    simd: S,
    a: [&[S::f32s]; R],
    b: [&[S::f32s]; C],
) -> [[S::f32s; C]; R] {
    let length = a[0].len();
    let (a, b) = (a.map(|row| &row[..length]), b.map(|row| &row[..length]));
    let mut sums = [[simd.splat_f32s(0.0); C]; R];
    for k in 0..length {
        let values = a.map(|row| row[k]);
        for c in 0..C {
            let other = b[c][k];
            for r in 0..R {
                sums[r][c] = simd.mul_add_e_f32s(values[r], other, sums[r][c]);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::product::symmetric_product;
    use super::*;

    fn noise(len: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 7919 + i / 13) % 1013) as f32 / 500.0 - 0.3).collect()
    }

    #[test]
    fn both_products_are_those_taken_one_by_one() {
        for (n, positions, channels) in
            [(1, 1, 16), (4, 3, 16), (7, 64, 32), (13, 65, 48), (10, 130, 16), (33, 9, 64)]
        {
            let rows = noise(n * positions * channels);
            let factors: Vec<f32> = (0..channels).map(|c| c as f32 / 7.0 - 1.5).collect();
            let scaled: Vec<f32> =
                rows.iter().enumerate().map(|(i, v)| v * factors[i % channels] + 3.0).collect();
            let pair = paired_products(&rows, n, &factors, Centre::Columns).unwrap();
            for (found, rows) in pair.iter().zip([&rows, &scaled]) {
                let expected = symmetric_product(rows, n, Centre::Columns);
                let size = (0..n).map(|i| expected.get(i, i)).fold(1e-9, f64::max);
                for i in 0..n {
                    for j in 0..=i {
                        let off = (found.get(i, j) - expected.get(i, j)).abs();
                        assert!(
                            off <= 1e-5 * size,
                            "{n} {positions} {channels}: {i},{j} {off} {size}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn channels_that_do_not_fill_lines_are_left_to_the_general_product() {
        assert!(paired_products(&noise(4 * 24), 4, &[1.0; 24], Centre::Columns).is_none());
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let rows = noise(9 * 700 * 16);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| paired_products(&rows, 9, &[0.7; 16], Centre::Columns))
        };
        assert_eq!(run(1), run(3));
    }
}
