//! A chunk of a sweep: tiles of rows and what is done with them.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::Tally;

/// Features of a tile: of as many rows as are handled together, 2 KiB.
pub(super) const TILE: usize = 64;
/// Stands in for rows that are not there.
const NOTHING: [f32; TILE] = [0.0; TILE];
/// Rows handled together: as many values of `Q` or sums as leave registers free.
pub(super) const ROWS: usize = 8;

/// Lanes of a vector.
pub(super) struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// Scratch of a thread.
#[derive(Default)]
pub(super) struct Block {
    /// Near the means of the chunk's features.
    pub(super) pilot: Vec<f32>,
    /// A tile of rows less their pilot; rows beyond the last are zero.
    values: Vec<f32>,
    /// `X_Jᵀ Q`: for each vector of columns, one vector a feature.
    inner: Vec<f32>,
    /// Sums of columns, and of those in f64.
    sums: Vec<f32>,
    totals: Vec<f64>,
}

/// Adds a chunk's product to `product` (both it and `q` have `lanes` columns and
/// whole [`ROWS`] of rows).
pub(super) struct Chunk<'a> {
    pub(super) rows: &'a [f32],
    pub(super) n: usize,
    pub(super) columns: Range<usize>,
    pub(super) q: &'a [f32],
    pub(super) lanes: usize,
    pub(super) block: &'a mut Block,
    pub(super) product: &'a mut [f32],
    pub(super) tally: Option<&'a mut Tally>,
    pub(super) plain: bool,
}

impl WithSimd for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Chunk { rows, n, columns, q, lanes, block, product, mut tally, plain } = self;
        let p = rows.len() / n;
        let padded = columns.len().next_multiple_of(TILE);
        let Block { pilot, values, inner, sums, totals } = block;
        values.resize(ROWS * TILE, 0.0);
        for (buffer, size) in [(&mut *inner, lanes * padded), (&mut *sums, padded)] {
            buffer.clear();
            buffer.resize(size, 0.0);
        }
        totals.clear();
        totals.resize(padded, 0.0);
        // a tile's rows as they are where they lie, or in `values` less their pilot
        let row = |first: usize, r: usize, tile: usize, width: usize| {
            let start = (first + r) * p + columns.start + tile * TILE;
            (first + r < n).then(|| &rows[start..start + width])
        };
        for (at, q) in q.chunks_exact(ROWS * lanes).enumerate() {
            let first = at * ROWS;
            let mut measured = [[simd.splat_f32s(0.0); 3]; ROWS];
            let tiles = inner.chunks_exact_mut(lanes * TILE).zip(sums.chunks_exact_mut(TILE));
            for ((t, pilot), (inner, sums)) in pilot.chunks(TILE).enumerate().zip(tiles) {
                let width = pilot.len();
                let row = |r: usize| row(first, r, t, width);
                let x = match plain {
                    true => std::array::from_fn(|r| row(r).unwrap_or(&NOTHING[..width])),
                    false => {
                        shift(simd, values, row, pilot);
                        std::array::from_fn(|r| &values[r * TILE..r * TILE + width])
                    }
                };
                if tally.is_some() {
                    measure(simd, row, x, sums, &mut measured);
                }
                match lanes / S::F32_LANES % 2 {
                    0 => gather::<S, 2, 6>(simd, x, q, inner),
                    _ => gather::<S, 1, 12>(simd, x, q, inner),
                }
            }
            if let Some(tally) = tally.as_deref_mut() {
                for (to, found) in tally.squares[first..].iter_mut().zip(measured) {
                    let [squares, shifted, zeros] = found.map(|v| simd.reduce_sum_f32s(v));
                    *to += f64::from(squares);
                    tally.trace += f64::from(shifted);
                    tally.zeros += zeros as usize;
                }
                // f32 within a stretch that is short enough to lose nothing
                if at % 8 == 7 {
                    flush(sums, totals);
                }
            }
        }
        if let Some(tally) = tally {
            flush(sums, totals);
            tally.trace -= totals.iter().map(|sum| sum * sum).sum::<f64>() / n as f64;
        }
        for (at, product) in product.chunks_exact_mut(ROWS * lanes).enumerate() {
            let first = at * ROWS;
            let tiles = inner.chunks_exact(lanes * TILE);
            for ((t, pilot), inner) in pilot.chunks(TILE).enumerate().zip(tiles) {
                let width = pilot.len();
                let row = |r: usize| row(first, r, t, width);
                let x = match plain {
                    true => std::array::from_fn(|r| row(r).unwrap_or(&NOTHING[..width])),
                    false => {
                        shift(simd, values, row, pilot);
                        std::array::from_fn(|r| &values[r * TILE..r * TILE + width])
                    }
                };
                match lanes / S::F32_LANES % 2 {
                    0 => scatter::<S, 2, { ROWS / 2 }>(simd, x, inner, product),
                    _ => scatter::<S, 1, ROWS>(simd, x, inner, product),
                }
            }
        }
    }
}

fn flush(sums: &mut [f32], totals: &mut [f64]) {
    for (sum, total) in sums.iter_mut().zip(totals) {
        *total += f64::from(std::mem::take(sum));
    }
}

/// A tile of rows less their pilot; rows that are not there are zero.
#[inline(always)]
fn shift<'a, S: Simd>(
    simd: S,
    values: &mut [f32],
    row: impl Fn(usize) -> Option<&'a [f32]>,
    pilot: &[f32],
) {
    let (pilot, pilot_rest) = S::as_simd_f32s(pilot);
    for (r, to) in values.chunks_exact_mut(TILE).enumerate() {
        let Some(row) = row(r) else {
            to.fill(0.0);
            continue;
        };
        let (to, to_rest) = S::as_mut_simd_f32s(&mut to[..row.len()]);
        let (row, row_rest) = S::as_simd_f32s(row);
        for ((to, row), pilot) in to.iter_mut().zip(row).zip(pilot) {
            *to = simd.sub_f32s(*row, *pilot);
        }
        for ((to, row), pilot) in to_rest.iter_mut().zip(row_rest).zip(pilot_rest) {
            *to = row - pilot;
        }
    }
}

/// Adds up a tile: for each row the squares of its values as they are, those of
/// the values less their pilot (`x`) and its zeros; and `x` by columns.
#[inline(always)]
fn measure<'a, S: Simd>(
    simd: S,
    row: impl Fn(usize) -> Option<&'a [f32]>,
    x: [&[f32]; ROWS],
    sums: &mut [f32],
    measured: &mut [[S::f32s; 3]; ROWS],
) {
    let zero = simd.splat_f32s(0.0);
    let one = simd.splat_f32s(1.0);
    for r in 0..ROWS {
        let Some(row) = row(r) else { continue };
        let [mut squares, mut shifted, mut zeros] = measured[r];
        let mut add = |row: S::f32s, x: S::f32s, present: S::f32s| {
            squares = simd.mul_add_e_f32s(row, row, squares);
            shifted = simd.mul_add_e_f32s(x, x, shifted);
            let is_zero = simd.equal_f32s(row, zero);
            zeros = simd.add_f32s(zeros, simd.select_f32s(is_zero, present, zero));
        };
        let (whole, rest) = S::as_simd_f32s(row);
        let (values, values_rest) = S::as_simd_f32s(x[r]);
        let (totals, totals_rest) = S::as_mut_simd_f32s(&mut sums[..row.len()]);
        for ((row, x), sum) in whole.iter().zip(values).zip(totals) {
            add(*row, *x, one);
            *sum = simd.add_f32s(*sum, *x);
        }
        for ((row, x), sum) in rest.iter().zip(values_rest).zip(totals_rest) {
            // one value, so one lane
            let single = |v: f32| simd.partial_load_f32s(&[v]);
            add(single(*row), single(*x), single(1.0));
            *sum += x;
        }
        measured[r] = [squares, shifted, zeros];
    }
}

/// `inner += xᵀ q` for a few rows, `V` vectors of columns and `F` features at a
/// time. `inner` holds, for each `V` vectors of columns, those of one feature
/// behind those of the other.
#[inline(always)]
fn gather<S: Simd, const V: usize, const F: usize>(
    simd: S,
    x: [&[f32]; ROWS],
    q: &[f32],
    inner: &mut [f32],
) {
    let lanes = q.len() / ROWS;
    let width = x[0].len();
    let x = x.map(|row| &row[..width]);
    let q: [&[S::f32s]; ROWS] =
        std::array::from_fn(|r| S::as_simd_f32s(&q[r * lanes..(r + 1) * lanes]).0);
    for (group, inner) in inner.chunks_exact_mut(V * S::F32_LANES * TILE).enumerate() {
        let (inner, _) = S::as_mut_simd_f32s(inner);
        let (inner, _) = inner.as_chunks_mut::<V>();
        let q: [[S::f32s; V]; ROWS] =
            std::array::from_fn(|r| std::array::from_fn(|v| q[r][group * V + v]));
        let (tiles, rest) = inner[..width].as_chunks_mut::<F>();
        let end = tiles.len() * F;
        for (t, tile) in tiles.iter_mut().enumerate() {
            // sums that do not wait for each other
            let mut sums = *tile;
            for r in 0..ROWS {
                let x = &x[r][t * F..(t + 1) * F];
                for f in 0..F {
                    let x = simd.splat_f32s(x[f]);
                    for v in 0..V {
                        sums[f][v] = simd.mul_add_e_f32s(x, q[r][v], sums[f][v]);
                    }
                }
            }
            *tile = sums;
        }
        for (f, inner) in rest.iter_mut().enumerate() {
            for r in 0..ROWS {
                for v in 0..V {
                    let x = simd.splat_f32s(x[r][end + f]);
                    inner[v] = simd.mul_add_e_f32s(x, q[r][v], inner[v]);
                }
            }
        }
    }
}

/// `product += x inner` for a few rows, `V` vectors of columns and `R` rows at a
/// time.
#[inline(always)]
fn scatter<S: Simd, const V: usize, const R: usize>(
    simd: S,
    x: [&[f32]; ROWS],
    inner: &[f32],
    product: &mut [f32],
) {
    let lanes = product.len() / ROWS;
    let width = x[0].len();
    for (at, product) in product.chunks_exact_mut(R * lanes).enumerate() {
        let x: [&[f32]; R] = std::array::from_fn(|r| &x[at * R + r][..width]);
        for (group, inner) in inner.chunks_exact(V * S::F32_LANES * TILE).enumerate() {
            let (inner, _) = S::as_simd_f32s(inner).0.as_chunks::<V>();
            let mut sums = [[simd.splat_f32s(0.0); V]; R];
            for (f, inner) in inner[..width].iter().enumerate() {
                for r in 0..R {
                    let x = simd.splat_f32s(x[r][f]);
                    for v in 0..V {
                        sums[r][v] = simd.mul_add_e_f32s(x, inner[v], sums[r][v]);
                    }
                }
            }
            for (to, sums) in product.chunks_exact_mut(lanes).zip(sums) {
                let (to, _) = S::as_mut_simd_f32s(to);
                for (to, sum) in to[group * V..(group + 1) * V].iter_mut().zip(sums) {
                    *to = simd.add_f32s(*to, sum);
                }
            }
        }
    }
}
