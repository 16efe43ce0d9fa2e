//! The one hot kernel of the science: `X Xᵀ` of a short, wide matrix, each
//! symmetric product computed once, finished in f64.
//!
//! Both the Gram matrix of a layer (examples x features) and the products of
//! all pairs of layers (layers x packed Gram entries) have this shape. Columns
//! are cut into chunks that stay in cache; a chunk's product is an f32 GEMM on
//! the lower triangle (`faer`), groups of a few chunks are summed in f64. The
//! grouping depends on the number of columns alone, so results do not depend on
//! the number of threads. Knows nothing of layers, batches or devices.

use std::cell::Cell;
use std::ops::Range;

use faer::linalg::matmul::{matmul, triangular};
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Columns per chunk: 256 rows of f32 are then 512 KiB.
const CHUNK: usize = 512;
/// Floats from row to row of a centred chunk: off a power of two, so that the
/// rows do not compete for the same places in the cache.
const STRIDE: usize = CHUNK + 16;
/// Most chunks whose products are summed in f32 before they go to f64.
const MOST_PER_GROUP: usize = 4;
/// Groups in memory at a time; enough to keep many cores busy.
const WAVE: usize = 16;
thread_local! {
    /// The groups' products, kept for the next layer: fresh memory would have to
    /// be zeroed and mapped anew for each.
    static BUFFERS: Cell<Vec<Vec<f32>>> = const { Cell::new(Vec::new()) };
}

/// Rows that a thread adds up at a time, at least.
const REDUCE: usize = 16;

/// Values of up to two to this power, and down to its inverse, have products that `f32`
/// holds.
const ORDINARY: i32 = 40;
/// No diagonal of a product of ordinary values that differ is as small.
const SMALL: f64 = 1e-24;

/// A symmetric matrix in f64 of which only the lower triangle is stored
/// (row-major, full rows; entries above the diagonal are zero).
#[derive(Debug, Clone, PartialEq)]
pub struct Symmetric {
    pub(super) n: usize,
    pub(super) lower: Vec<f64>,
}

impl Symmetric {
    /// A symmetric matrix from its full values, row by row.
    ///
    /// Only the lower triangle is read.
    ///
    /// # Panics
    /// If `values.len() != n * n`.
    pub fn from_full(n: usize, values: Vec<f64>) -> Symmetric {
        assert_eq!(values.len(), n * n, "a symmetric matrix of {n} rows");
        Symmetric { n, lower: values }
    }

    /// False where the products of its rows may have left what `f32` holds: its diagonal is
    /// not finite, or next to nothing.
    pub fn is_sound(&self) -> bool {
        let mut diagonal = (0..self.n).map(|i| self.lower[i * self.n + i]);
        let most = diagonal.try_fold(0.0f64, |most, v| v.is_finite().then(|| most.max(v)));
        self.n == 0 || most.is_some_and(|most| most > SMALL)
    }

    /// The Gram matrix of centred features from that of uncentred ones:
    /// subtracts row and column means and adds the grand mean, in f64.
    pub(super) fn double_centre(&mut self) {
        let n = self.n;
        let mut means = vec![0.0f64; n];
        for i in 0..n {
            let (row, diagonal) = self.lower_row(i).split_at(i);
            means[i] += diagonal[0];
            let mut sum = 0.0;
            for (mean, v) in means.iter_mut().zip(row) {
                *mean += v;
                sum += v;
            }
            means[i] += sum;
        }
        means.iter_mut().for_each(|m| *m /= n as f64);
        let half = means.iter().sum::<f64>() / (2.0 * n as f64);
        means.iter_mut().for_each(|m| *m -= half);
        for i in 0..n {
            let own = means[i];
            for (v, mean) in self.lower[i * n..=i * n + i].iter_mut().zip(&means) {
                *v -= own + mean;
            }
        }
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The entry; `i` and `j` in any order.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        let (hi, lo) = if i >= j { (i, j) } else { (j, i) };
        self.lower[hi * self.n + lo]
    }

    /// Row `i` up to and including the diagonal.
    pub fn lower_row(&self, i: usize) -> &[f64] {
        &self.lower[i * self.n..i * self.n + i + 1]
    }
}

/// Whether columns are centred before the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Centre {
    /// Columns are centred. A pilot (the mean of four rows) is subtracted in
    /// f32 first, which keeps the digits and makes a constant column exactly
    /// zero; what is left of the mean is taken out of the product in f64.
    Columns,
    /// Only the pilot is subtracted: enough where U-centring follows, which takes
    /// out what is left.
    Pilot,
    /// The matrix is taken as it is.
    None,
}

/// `X Xᵀ` of `rows` (`n` x `p`, row-major).
///
/// # Panics
/// If `rows.len()` is not `n * p` for some whole `p`.
pub fn symmetric_product(rows: &[f32], n: usize, centre: Centre) -> Symmetric {
    let product = product_as_it_is(rows, n, centre);
    match product.is_sound() {
        true => product,
        false => scaled_product(rows, n, centre).unwrap_or(product),
    }
}

/// The product of values whose squares `f32` does not hold: of the same times a power of
/// two, which changes no digit. `None` where that is not what is wrong.
fn scaled_product(rows: &[f32], n: usize, centre: Centre) -> Option<Symmetric> {
    let largest =
        rows.iter().fold(0.0f32, |most, v| if v.is_nan() { f32::NAN } else { most.max(v.abs()) });
    if !(largest.is_finite() && largest > 0.0) {
        return None;
    }
    let exponent = largest.log2().floor() as i32;
    if exponent.abs() < ORDINARY {
        return None;
    }
    let factor = 2f64.powi(-exponent);
    let scaled: Vec<f32> = rows.iter().map(|v| (f64::from(*v) * factor) as f32).collect();
    let mut product = product_as_it_is(&scaled, n, centre);
    let back = 2f64.powi(2 * exponent);
    product.lower.iter_mut().for_each(|v| *v *= back);
    Some(product)
}

fn product_as_it_is(rows: &[f32], n: usize, centre: Centre) -> Symmetric {
    if n == 0 {
        return Symmetric { n, lower: Vec::new() };
    }
    let p = rows.len() / n;
    assert_eq!(rows.len(), n * p, "a matrix of {n} rows");
    let lower = grouped(
        p.div_ceil(CHUNK),
        Entries::lower(n, 1),
        |at, accum, product, scratch: &mut Shifted| {
            let columns = columns(at, p);
            let chunk = match centre {
                Centre::None => {
                    MatRef::from_row_major_slice(rows, n, p).subcols(columns.start, columns.len())
                }
                Centre::Columns | Centre::Pilot => {
                    scratch.fill(rows, n, p, columns.clone());
                    MatRef::from_row_major_slice_with_stride(
                        &scratch.rows,
                        n,
                        columns.len(),
                        STRIDE,
                    )
                }
            };
            triangular::matmul(
                MatMut::from_row_major_slice_mut(product, n, n),
                triangular::BlockStructure::TriangularLower,
                accum,
                chunk,
                triangular::BlockStructure::Rectangular,
                chunk.transpose(),
                triangular::BlockStructure::Rectangular,
                1.0f32,
                Par::Seq,
            );
        },
    );
    let mut product = Symmetric { n, lower };
    if centre == Centre::Columns {
        product.double_centre();
    }
    product
}

/// The columns of a chunk.
fn columns(chunk: usize, p: usize) -> Range<usize> {
    chunk * CHUNK..((chunk + 1) * CHUNK).min(p)
}

/// `A Bᵀ` of two matrices with equally many columns, `n` x `m` in f64, row-major.
///
/// # Panics
/// If the numbers of columns differ.
pub fn cross_product(a: &[f32], n: usize, b: &[f32], m: usize) -> Vec<f64> {
    if n == 0 || m == 0 {
        return Vec::new();
    }
    let p = a.len() / n;
    assert!(a.len() == n * p && b.len() == m * p, "two matrices of {p} columns");
    grouped(
        p.div_ceil(CHUNK),
        Entries { row: m, rows: n, lower: false },
        |at, accum, product, (): &mut ()| {
            let columns = columns(at, p);
            let left = MatRef::from_row_major_slice(a, n, p).subcols(columns.start, columns.len());
            let right = MatRef::from_row_major_slice(b, m, p).subcols(columns.start, columns.len());
            let product = MatMut::from_row_major_slice_mut(product, n, m);
            matmul(product, accum, left, right.transpose(), 1.0f32, Par::Seq);
        },
    )
}

/// Which entries of a product are meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entries {
    /// Entries of a row.
    row: usize,
    /// Rows.
    rows: usize,
    /// Only those up to the diagonal, of square matrices one after the other.
    lower: bool,
}

impl Entries {
    /// The lower triangles of `count` matrices of `n` rows.
    pub(super) fn lower(n: usize, count: usize) -> Entries {
        Entries { row: n, rows: n * count, lower: true }
    }

    /// The part of a row that is meant.
    pub(super) fn meant(&self, row: usize) -> usize {
        if self.lower { row % self.row + 1 } else { self.row }
    }
}

/// Sums a product over chunks: neighbouring chunks are gathered in f32 by
/// `add(chunk, accum, product, scratch)`, their groups in f64, in order.
///
/// How chunks are grouped depends on their number alone, so the result does not
/// depend on the number of threads; a wave of groups at a time bounds the memory.
pub(super) fn grouped<Scratch: Default>(
    chunks: usize,
    entries: Entries,
    add: impl Fn(usize, Accum, &mut [f32], &mut Scratch) + Sync,
) -> Vec<f64> {
    let len = entries.row * entries.rows;
    let per_group = (chunks / 8).clamp(1, MOST_PER_GROUP);
    let groups = chunks.div_ceil(per_group);
    let mut total = vec![0.0f64; len];
    let mut products = BUFFERS.take();
    products.resize_with(products.len().max(groups.min(WAVE)), Vec::new);
    for product in &mut products[..groups.min(WAVE)] {
        // what is left from before is replaced by the first chunk
        product.resize(len, 0.0);
    }
    for wave in (0..groups).step_by(WAVE) {
        let count = WAVE.min(groups - wave);
        products[..count].par_iter_mut().enumerate().for_each_init(
            Scratch::default,
            |scratch, (at, product)| {
                let first = (wave + at) * per_group;
                for chunk in first..(first + per_group).min(chunks) {
                    let accum = if chunk == first { Accum::Replace } else { Accum::Add };
                    add(chunk, accum, product, scratch);
                }
            },
        );
        let products = &products[..count];
        total.par_chunks_mut(entries.row).with_min_len(REDUCE).enumerate().for_each(|(at, to)| {
            let (first, meant) = (at * entries.row, entries.meant(at));
            for product in products {
                for (to, v) in to[..meant].iter_mut().zip(&product[first..first + meant]) {
                    *to += f64::from(*v);
                }
            }
        });
    }
    BUFFERS.set(products);
    total
}

/// Means of four rows spread over `n`, which stand in for the columns' means:
/// what they leave of a mean is small against the deviation even where one row
/// is far off. Added as a tree, so that equal values give exactly that value.
pub(super) fn pilot(rows: &[f32], n: usize, p: usize, columns: Range<usize>, mean: &mut Vec<f32>) {
    let [a, b, c, d] = [0, n / 4, n / 2, 3 * n / 4]
        .map(|row| &rows[row * p + columns.start..row * p + columns.end]);
    mean.clear();
    mean.extend(
        a.iter().zip(b).zip(c.iter().zip(d)).map(|((a, b), (c, d))| 0.25 * ((a + b) + (c + d))),
    );
}

/// A chunk of columns less their pilot; re-used from chunk to chunk.
#[derive(Default)]
struct Shifted {
    pilot: Vec<f32>,
    rows: Vec<f32>,
}

impl Shifted {
    /// Keeps `columns` of `rows` (`n` x `p`), shifted, rows [`STRIDE`] apart.
    fn fill(&mut self, rows: &[f32], n: usize, p: usize, columns: Range<usize>) {
        pilot(rows, n, p, columns.clone(), &mut self.pilot);
        self.rows.resize(n * STRIDE, 0.0);
        for (to, row) in self.rows.chunks_exact_mut(STRIDE).zip(rows.chunks_exact(p)) {
            for ((to, v), pilot) in to.iter_mut().zip(&row[columns.clone()]).zip(&self.pilot) {
                *to = v - pilot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::noise::noise;

    #[test]
    fn agrees_with_the_definition_across_chunk_edges() {
        for (n, p) in [(1, 1), (5, 3), (7, 511), (9, 512), (6, 513), (12, 9001)] {
            let x = noise(n * p, (n * p) as u64);
            for centre in [Centre::None, Centre::Columns] {
                let k = symmetric_product(&x, n, centre);
                let mean: Vec<f64> = (0..p)
                    .map(|c| match centre {
                        Centre::None | Centre::Pilot => 0.0,
                        Centre::Columns => {
                            (0..n).map(|i| f64::from(x[i * p + c])).sum::<f64>() / n as f64
                        }
                    })
                    .collect();
                for i in 0..n {
                    for j in 0..n {
                        let exact: f64 = (0..p)
                            .map(|c| {
                                (f64::from(x[i * p + c]) - mean[c])
                                    * (f64::from(x[j * p + c]) - mean[c])
                            })
                            .sum();
                        assert!((k.get(i, j) - exact).abs() < 1e-5 * (p as f64), "{n}x{p}");
                    }
                }
            }
        }
    }

    #[test]
    fn cross_product_is_the_block_of_the_stacked_product() {
        let (n, m, p) = (5, 4, 1300);
        let stacked = noise((n + m) * p, 7);
        let whole = symmetric_product(&stacked, n + m, Centre::None);
        let (a, b) = stacked.split_at(n * p);
        let block = cross_product(a, n, b, m);
        for i in 0..n {
            for j in 0..m {
                assert!((block[i * m + j] - whole.get(i, n + j)).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn constant_columns_centre_to_exactly_zero() {
        let rows: Vec<f32> = (0..6).flat_map(|_| [0.1f32, 1e7, -3.3]).collect();
        let k = symmetric_product(&rows, 6, Centre::Columns);
        assert!((0..6).all(|i| k.lower_row(i).iter().all(|v| *v == 0.0)));
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let x = noise(10 * 20_000, 3);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| symmetric_product(&x, 10, Centre::Columns))
        };
        assert_eq!(run(1), run(3));
    }
}
