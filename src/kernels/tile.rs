//! The inner loop: a tile of output positions by output channels held in
//! registers. Generic over the instruction set; knows only slices.

use pulp::Simd;

use super::plan::Segment;

/// Positions of a tile of [`outputs`] whose channels take two vectors, for 16
/// registers: the accumulators, two vectors of weights and a broadcast value fit.
pub(super) const POSITIONS_16: usize = 6;
/// The same for 32 registers. More would fit, but each position also takes an
/// address, and those have 16 registers on every machine.
pub(super) const POSITIONS_32: usize = 8;
/// Entries of a tile of [`accumulate`], which needs one address only.
pub(super) const ENTRIES_16: usize = 6;
/// The same for 32 registers.
pub(super) const ENTRIES_32: usize = 12;
/// Positions or entries of a tile whose channels take one vector.
pub(super) const NARROW: usize = 8;

/// `bias + sum of source * weight` for `M` output positions and `V` vectors of
/// output channels. `bases` are the positions' places in `source`; `weights` are
/// the segments' weights one after the other.
#[inline(always)]
pub(super) fn outputs<S: Simd, const M: usize, const V: usize>(
    simd: S,
    source: &[f32],
    bases: [usize; M],
    segments: &[Segment],
    weights: &[[S::f32s; V]],
    bias: [S::f32s; V],
) -> [[S::f32s; V]; M] {
    let mut sums = [bias; M];
    let mut rest = weights;
    for segment in segments {
        let (weights, others) = rest.split_at(segment.len);
        rest = others;
        // Slices of one known length: the compiler drops the checks inside.
        let mut values = [source; M];
        for (values, base) in values.iter_mut().zip(bases) {
            *values = &source[base + segment.offset..][..weights.len()];
        }
        for (c, w) in weights.iter().enumerate() {
            for m in 0..M {
                let x = simd.splat_f32s(values[m][c]);
                for v in 0..V {
                    sums[m][v] = simd.mul_add_e_f32s(x, w[v], sums[m][v]);
                }
            }
        }
    }
    sums
}

/// Adds `source[base + m] * gradient` of every position of a row to `sums`:
/// `M` consecutive source values by `V` vectors of output channels. `gradients`
/// holds the row's positions, whose source places are `step` apart.
#[inline(always)]
pub(super) fn accumulate<S: Simd, const M: usize, const V: usize>(
    simd: S,
    sums: &mut [[S::f32s; V]; M],
    source: &[f32],
    step: usize,
    gradients: &[[S::f32s; V]],
) {
    let mut base = 0;
    for g in gradients {
        let Some((values, _)) = source[base..].split_first_chunk::<M>() else { return };
        base += step;
        for m in 0..M {
            let x = simd.splat_f32s(values[m]);
            for v in 0..V {
                sums[m][v] = simd.mul_add_e_f32s(x, g[v], sums[m][v]);
            }
        }
    }
}

/// The first `V` vectors of a slice of `V * lanes` values or fewer; lanes beyond
/// it are zero.
#[inline(always)]
pub(super) fn load<S: Simd, const V: usize>(simd: S, values: &[f32]) -> [S::f32s; V] {
    let (whole, tail) = S::as_simd_f32s(values);
    let mut vectors = [simd.splat_f32s(0.0); V];
    for (v, vector) in vectors.iter_mut().enumerate() {
        if let Some(whole) = whole.get(v) {
            *vector = *whole;
        } else if v == whole.len() {
            *vector = simd.partial_load_f32s(tail);
        }
    }
    vectors
}

/// Stores as many values as `out` has room for.
#[inline(always)]
pub(super) fn store<S: Simd, const V: usize>(simd: S, vectors: [S::f32s; V], out: &mut [f32]) {
    let (whole, tail) = S::as_mut_simd_f32s(out);
    if whole.len() == V {
        whole.copy_from_slice(&vectors);
    } else if let Some((first, _)) = whole.split_first_mut() {
        *first = vectors[0];
        simd.partial_store_f32s(tail, vectors[V - 1]);
    } else {
        simd.partial_store_f32s(tail, vectors[0]);
    }
}
