//! A chunk of a sweep: tiles of rows and what is done with them.
//!
//! Vector lanes are features: a value of `Q` is a broadcast that meets two vectors
//! of features, and a row of the product is gathered lane by lane.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::{Norm, Tally};

/// Features of a tile: of as many rows as are handled together, 2 KiB.
pub(super) const TILE: usize = 64;
/// Rows handled together.
pub(super) const ROWS: usize = 8;
/// Columns of `Q` handled together.
pub(super) const COLUMNS: usize = 4;
/// Vectors of features, or rows, handled together: with [`COLUMNS`] as many sums
/// as keep two multipliers busy.
const PAIR: usize = 2;
/// Stands in for rows that are not there.
const NOTHING: [f32; TILE] = [0.0; TILE];

/// Scratch of a thread.
#[derive(Default)]
pub(super) struct Block {
    /// Near the means of the chunk's features.
    pub(super) pilot: Vec<f32>,
    /// What the norm multiplies and adds to the chunk's features: 1 and 0 without.
    norm: [Vec<f32>; 2],
    /// As many zeros.
    zeros: Vec<f32>,
    /// A tile of rows, less their pilot if that is asked for, normed; what is
    /// beyond the last row or feature is zero.
    values: Vec<f32>,
    /// `X_Jᵀ Q`: for each tile, one column behind the other.
    inner: Vec<f32>,
    /// Products of a few rows, one vector each whose lanes are still to be added
    /// up: for each [`COLUMNS`], row by row.
    outer: Vec<f32>,
    /// Sums of columns, and of those in f64.
    sums: Vec<f32>,
    totals: Vec<f64>,
}

/// Adds a chunk's product to `product` (both it and `q` have `wide` columns, whole
/// [`COLUMNS`], and whole [`ROWS`] of rows).
pub(super) struct Chunk<'a> {
    pub(super) rows: &'a [f32],
    pub(super) n: usize,
    pub(super) columns: Range<usize>,
    pub(super) norm: Option<Norm<'a>>,
    pub(super) q: &'a [f32],
    pub(super) wide: usize,
    pub(super) block: &'a mut Block,
    pub(super) product: &'a mut [f32],
    pub(super) tally: Option<&'a mut Tally>,
    pub(super) plain: bool,
}

impl WithSimd for Chunk<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.norm {
            None => self.run::<S, false>(simd),
            Some(_) => self.run::<S, true>(simd),
        }
    }
}

impl Chunk<'_> {
    #[inline(always)]
    fn run<S: Simd, const NORMED: bool>(self, simd: S) {
        let Chunk { rows, n, columns, norm: factors, q, wide, block, product, mut tally, plain } =
            self;
        let p = rows.len() / n;
        let padded = columns.len().next_multiple_of(TILE);
        let Block { pilot, norm, zeros, values, inner, outer, sums, totals } = block;
        let [scale, bias] = norm;
        let factor = |i: usize| factors.map_or([1.0, 0.0], |norm| norm.of(columns.start + i));
        scale.clear();
        scale.extend((0..columns.len()).map(|i| factor(i)[0]));
        bias.clear();
        bias.extend((0..columns.len()).map(|i| factor(i)[1]));
        zeros.resize(columns.len(), 0.0);
        // rows that are shifted by their pilot need no other shift
        let (offset, add) = if plain { (&*zeros, &*bias) } else { (&*pilot, &*zeros) };
        let maps = |tile: usize, width: usize| {
            let part = tile * TILE..tile * TILE + width;
            [&offset[part.clone()], &scale[part.clone()], &add[part]]
        };
        values.resize(ROWS * TILE, 0.0);
        for (buffer, size) in [(&mut *inner, wide * padded), (&mut *sums, padded)] {
            buffer.clear();
            buffer.resize(size, 0.0);
        }
        outer.resize(ROWS * wide * S::F32_LANES, 0.0);
        totals.clear();
        totals.resize(padded, 0.0);
        let row = |first: usize, r: usize, tile: usize, width: usize| {
            let start = (first + r) * p + columns.start + tile * TILE;
            (first + r < n).then(|| &rows[start..start + width])
        };
        for (at, q) in q.chunks_exact(ROWS * wide).enumerate() {
            let first = at * ROWS;
            let mut measured = [[simd.splat_f32s(0.0); 3]; ROWS];
            let tiles = inner.chunks_exact_mut(wide * TILE).zip(sums.chunks_exact_mut(TILE));
            for (t, (inner, sums)) in tiles.enumerate() {
                let width = TILE.min(columns.len() - t * TILE);
                let row = |r: usize| row(first, r, t, width);
                let x = tile::<S, NORMED>(simd, values, row, maps(t, width), plain);
                if tally.is_some() {
                    let part = t * TILE..t * TILE + width;
                    let norm = [&scale[part.clone()], &bias[part]];
                    measure::<S, NORMED>(simd, row, norm, x, sums, &mut measured);
                }
                gather(simd, x, q, inner);
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
        for (at, product) in product.chunks_exact_mut(ROWS * wide).enumerate() {
            let first = at * ROWS;
            outer.fill(0.0);
            for (t, inner) in inner.chunks_exact(wide * TILE).enumerate() {
                let width = TILE.min(columns.len() - t * TILE);
                let row = |r: usize| row(first, r, t, width);
                let x = tile::<S, NORMED>(simd, values, row, maps(t, width), plain);
                scatter(simd, x, inner, outer);
            }
            let (outer, _) = S::as_simd_f32s(outer);
            for (group, outer) in outer.chunks_exact(ROWS * COLUMNS).enumerate() {
                for (r, sums) in outer.chunks_exact(COLUMNS).enumerate() {
                    let to = &mut product[r * wide + group * COLUMNS..][..COLUMNS];
                    for (to, sum) in to.iter_mut().zip(sums) {
                        *to += simd.reduce_sum_f32s(*sum);
                    }
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

/// A tile of rows where they lie, if that will do, or in `values`: less what
/// `offset` says and, if [`Chunk::norm`] is there, times `scale`, plus `add`.
#[inline(always)]
fn tile<'a, S: Simd, const NORMED: bool>(
    simd: S,
    values: &'a mut [f32],
    row: impl Fn(usize) -> Option<&'a [f32]>,
    [offset, scale, add]: [&[f32]; 3],
    plain: bool,
) -> [&'a [f32]; ROWS] {
    let width = offset.len();
    if plain && !NORMED && width == TILE {
        return std::array::from_fn(|r| row(r).unwrap_or(&NOTHING));
    }
    for (r, to) in values.chunks_exact_mut(TILE).enumerate() {
        let Some(row) = row(r) else {
            to.fill(0.0);
            continue;
        };
        let (to, beyond) = to.split_at_mut(width);
        beyond.fill(0.0);
        let [(row, row_rest), (offset, offset_rest), (scale, scale_rest), (add, add_rest)] =
            [row, offset, scale, add].map(S::as_simd_f32s);
        let (to, to_rest) = S::as_mut_simd_f32s(to);
        for ((((to, row), offset), scale), add) in
            to.iter_mut().zip(row).zip(offset).zip(scale).zip(add)
        {
            let v = simd.sub_f32s(*row, *offset);
            *to = if NORMED { simd.mul_add_e_f32s(v, *scale, *add) } else { v };
        }
        for ((((to, row), offset), scale), add) in
            to_rest.iter_mut().zip(row_rest).zip(offset_rest).zip(scale_rest).zip(add_rest)
        {
            let v = row - offset;
            *to = if NORMED { v * scale + add } else { v };
        }
    }
    let values = &*values;
    std::array::from_fn(|r| &values[r * TILE..(r + 1) * TILE])
}

/// Adds up a tile: for each row the squares of its (normed) values, those of the
/// values less their pilot (`x`) and its zeros; and `x` by columns.
#[inline(always)]
fn measure<'a, S: Simd, const NORMED: bool>(
    simd: S,
    row: impl Fn(usize) -> Option<&'a [f32]>,
    norm: [&[f32]; 2],
    x: [&[f32]; ROWS],
    sums: &mut [f32],
    measured: &mut [[S::f32s; 3]; ROWS],
) {
    let zero = simd.splat_f32s(0.0);
    let one = simd.splat_f32s(1.0);
    for r in 0..ROWS {
        let Some(row) = row(r) else { continue };
        let [mut squares, mut shifted, mut zeros] = measured[r];
        let mut take = |[row, scale, bias, x]: [S::f32s; 4], present: S::f32s| {
            let row = if NORMED { simd.mul_add_e_f32s(row, scale, bias) } else { row };
            squares = simd.mul_add_e_f32s(row, row, squares);
            shifted = simd.mul_add_e_f32s(x, x, shifted);
            let is_zero = simd.equal_f32s(row, zero);
            zeros = simd.add_f32s(zeros, simd.select_f32s(is_zero, present, zero));
        };
        let parts = [row, norm[0], norm[1], &x[r][..row.len()]].map(S::as_simd_f32s);
        let (totals, totals_rest) = S::as_mut_simd_f32s(&mut sums[..row.len()]);
        let whole = parts.map(|(whole, _)| &whole[..totals.len()]);
        for (i, sum) in totals.iter_mut().enumerate() {
            let values = whole.map(|part| part[i]);
            take(values, one);
            *sum = simd.add_f32s(*sum, values[3]);
        }
        let rest = parts.map(|(_, rest)| &rest[..totals_rest.len()]);
        for (i, sum) in totals_rest.iter_mut().enumerate() {
            // one value, so one lane
            let single = |v: f32| simd.partial_load_f32s(&[v]);
            take(rest.map(|part| single(part[i])), single(1.0));
            *sum += rest[3][i];
        }
        measured[r] = [squares, shifted, zeros];
    }
}

/// `inner += xᵀ q` for a few rows; `inner` is columns by features.
#[inline(always)]
fn gather<S: Simd>(simd: S, x: [&[f32]; ROWS], q: &[f32], inner: &mut [f32]) {
    let wide = q.len() / ROWS;
    let x: [&[[S::f32s; PAIR]]; ROWS] = x.map(|row| S::as_simd_f32s(row).0.as_chunks::<PAIR>().0);
    let pairs = x[0].len();
    for (group, inner) in inner.chunks_exact_mut(COLUMNS * TILE).enumerate() {
        let q: [&[f32; COLUMNS]; ROWS] = std::array::from_fn(|r| {
            let at = r * wide + group * COLUMNS;
            q[at..at + COLUMNS].first_chunk().unwrap_or(&[0.0; COLUMNS])
        });
        let mut columns = inner
            .chunks_exact_mut(TILE)
            .map(|c| S::as_mut_simd_f32s(c).0.as_chunks_mut::<PAIR>().0);
        let mut next = || columns.next().unwrap_or_default();
        let inner: [&mut [[S::f32s; PAIR]]; COLUMNS] = [next(), next(), next(), next()];
        for f in 0..pairs {
            let mut sums: [[S::f32s; PAIR]; COLUMNS] = std::array::from_fn(|c| inner[c][f]);
            for r in 0..ROWS {
                let x = x[r][f];
                for c in 0..COLUMNS {
                    let q = simd.splat_f32s(q[r][c]);
                    for v in 0..PAIR {
                        sums[c][v] = simd.mul_add_e_f32s(q, x[v], sums[c][v]);
                    }
                }
            }
            for c in 0..COLUMNS {
                inner[c][f] = sums[c];
            }
        }
    }
}

/// `outer += x innerᵀ` for a few rows, lane by lane.
#[inline(always)]
fn scatter<S: Simd>(simd: S, x: [&[f32]; ROWS], inner: &[f32], outer: &mut [f32]) {
    let x: [&[S::f32s]; ROWS] = x.map(|row| S::as_simd_f32s(row).0);
    let vectors = x[0].len();
    let (outer, _) = S::as_mut_simd_f32s(outer);
    let (outer, _) = outer.as_chunks_mut::<COLUMNS>();
    for (inner, outer) in inner.chunks_exact(COLUMNS * TILE).zip(outer.chunks_exact_mut(ROWS)) {
        let inner: [&[S::f32s]; COLUMNS] = std::array::from_fn(|c| {
            &S::as_simd_f32s(&inner[c * TILE..(c + 1) * TILE]).0[..vectors]
        });
        for (at, outer) in outer.as_chunks_mut::<PAIR>().0.iter_mut().enumerate() {
            let x: [&[S::f32s]; PAIR] = std::array::from_fn(|r| &x[at * PAIR + r][..vectors]);
            let mut sums = *outer;
            for f in 0..vectors {
                let values: [S::f32s; PAIR] = std::array::from_fn(|r| x[r][f]);
                for c in 0..COLUMNS {
                    let inner = inner[c][f];
                    for r in 0..PAIR {
                        sums[r][c] = simd.mul_add_e_f32s(values[r], inner, sums[r][c]);
                    }
                }
            }
            *outer = sums;
        }
    }
}
