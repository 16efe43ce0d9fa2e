//! The gradient of a 3x3 convolution's weights by minimal filtering F(3x3, 2x2): the
//! tiles of the forward filtering seen from the weights. A tile of 4 x 4 inputs and the
//! 2 x 2 gradients of its outputs take 16 products a channel pair where the direct sum
//! takes 36 (Lavin and Gray, arXiv 1509.09308, section 4).
//!
//! Inputs and gradients of a strip of tiles are transformed in vectors of channels;
//! for each of the 16 places of a tile, products of inputs and outputs are summed over
//! all tiles in registers. The sums go back to 3 x 3 kernels once, at the end. As in
//! `weight_grad`, the batch is cut into partitions whose number depends on the sizes
//! only, so that results do not depend on the number of threads.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::conv::lanes;
use super::geometry::Geometry;
use super::plan::{Block, blocks};
use super::scratch::{Buffer, with_buffers};
use super::tile;
use super::winograd::{PLACES, lines, transform};

/// Outputs that share the transformed inputs.
const GROUP: usize = 64;
/// The most partitions of a batch, and the fewest (or one an image): the more outputs,
/// the larger the sums of each.
const PARTITIONS: (usize, usize) = (16, 4);
/// Tiles of a strip, at least: enough products for each load and store of the sums.
const TILES: usize = 48;
/// Floats between the places of a strip: off a power of two, so that they do not
/// compete for the same lines of the cache.
const GAP: usize = 16;

/// The gradient of the weights of a convolution that [`super::winograd::suits`]. `x`
/// and `dy` are NHWC, `dw` is OIHW; lengths are the caller's business.
pub(super) fn weight_grad(arch: Arch, g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let lanes = lanes(arch);
    let groups: Vec<Group> = (0..g.outputs)
        .step_by(GROUP)
        .map(|first| Group {
            first,
            channels: GROUP.min(g.outputs - first),
            blocks: blocks(GROUP.min(g.outputs - first), lanes),
        })
        .collect();
    let partitions = g.batch.min((PARTITIONS.0 / g.outputs.div_ceil(32)).max(PARTITIONS.1));
    let len = PLACES * g.inputs * g.outputs;
    let mut sums = Buffer::zeros(partitions * len);
    let mut strips = Vec::with_capacity(partitions * groups.len());
    for (partition, mut sums) in sums.as_mut_slice().chunks_exact_mut(len).enumerate() {
        // images are dealt evenly, in order
        let images = partition * g.batch / partitions..(partition + 1) * g.batch / partitions;
        for group in &groups {
            let (mine, rest) = sums.split_at_mut(PLACES * g.inputs * group.channels);
            sums = rest;
            strips.push(Strips { g, group, x, dy, images: images.clone(), sums: mine });
        }
    }
    strips.into_par_iter().for_each(|strips| strips.run(arch));
    finish(g, &groups, lanes, sums.as_mut_slice(), dw);
}

/// Some output channels.
struct Group {
    first: usize,
    channels: usize,
    /// Counted from `first`; every block is full.
    blocks: Vec<Block>,
}

/// Some images for some outputs.
struct Strips<'a> {
    g: &'a Geometry,
    group: &'a Group,
    x: &'a [f32],
    dy: &'a [f32],
    images: Range<usize>,
    /// Per block of outputs: `[place][input][vectors * lanes]`.
    sums: &'a mut [f32],
}

impl Strips<'_> {
    fn run(self, arch: Arch) {
        let Geometry { width, inputs, .. } = *self.g;
        let tiles = TILES.next_multiple_of(width / 2);
        let [source, gradients] = [inputs, self.group.channels].map(|c| tiles * c + GAP);
        let first = PLACES * source + width * inputs;
        with_buffers(first, PLACES * gradients, |sources, gradients| {
            let (zeros, sources) = sources.split_at_mut(width * inputs);
            zeros.fill(0.0);
            arch.dispatch(Filled { strips: self, tiles, sources, gradients, zeros });
        });
    }
}

/// The same with buffers. Between here and the inner loops no closure may stand: only
/// what is inlined is compiled for the instruction set.
struct Filled<'a> {
    strips: Strips<'a>,
    /// Tiles that the buffers hold.
    tiles: usize,
    /// `[place][tile][input]`, [`GAP`] floats between places.
    sources: &'a mut [f32],
    /// `[place][block][tile][vectors * lanes]`, [`GAP`] floats between places.
    gradients: &'a mut [f32],
    /// A row of zeros.
    zeros: &'a [f32],
}

impl WithSimd for Filled<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Geometry { height, width, .. } = *self.strips.g;
        let (down, across) = (height / 2, width / 2);
        let Range { start, end } = self.strips.images;
        let rows = self.tiles / across;
        for first in (start * down..end * down).step_by(rows) {
            let last = (first + rows).min(end * down);
            for row in first..last {
                self.sources(simd, row, (row - first) * across);
                self.gradients(simd, row, (row - first) * across);
            }
            self.products(simd, (last - first) * across);
        }
    }
}

impl Filled<'_> {
    /// `Bᵀ d B` of a row of tiles, counted over all images; its first tile is the
    /// strip's tile `at`.
    #[inline(always)]
    fn sources<S: Simd>(&mut self, simd: S, row: usize, at: usize) {
        let Geometry { height, width, inputs, .. } = *self.strips.g;
        let vectors = inputs / S::F32_LANES;
        let lines = lines::<S>(self.strips.x, self.zeros, [height, width * inputs], row);
        let (sources, _) = S::as_mut_simd_f32s(self.sources);
        let place = (self.tiles * inputs + GAP) / S::F32_LANES;
        transform(simd, lines, vectors, &mut sources[at * vectors..], [vectors, 1, place]);
    }

    /// The gradients of the same tiles, without the halves, which `finish` makes good.
    #[inline(always)]
    fn gradients<S: Simd>(&mut self, simd: S, row: usize, at: usize) {
        let Geometry { width, outputs, .. } = *self.strips.g;
        let Group { first, channels, blocks } = self.strips.group;
        let len = width * outputs;
        let rows = &self.strips.dy[2 * row * len..][..2 * len];
        let (upper, lower) = rows.split_at(len);
        let place = (self.tiles * channels + GAP) / S::F32_LANES;
        let (gradients, _) = S::as_mut_simd_f32s(self.gradients);
        for block in blocks {
            for v in 0..block.vectors {
                let to = block.first / S::F32_LANES * self.tiles + at * block.vectors + v;
                let from = first + block.first + v * S::F32_LANES;
                for x in 0..width / 2 {
                    let (left, right) = (2 * x * outputs + from, (2 * x + 1) * outputs + from);
                    let left = spread(simd, vector(simd, upper, left), vector(simd, lower, left));
                    let right =
                        spread(simd, vector(simd, upper, right), vector(simd, lower, right));
                    let to = to + x * block.vectors;
                    for i in 0..4 {
                        let row = spread(simd, left[i], right[i]);
                        for j in 0..4 {
                            gradients[to + (4 * i + j) * place] = row[j];
                        }
                    }
                }
            }
        }
    }

    /// Adds the products of `count` tiles to the sums.
    #[inline(always)]
    fn products<S: Simd>(&mut self, simd: S, count: usize) {
        for block in &self.strips.group.blocks {
            match (block.vectors, S::REGISTER_COUNT >= 32) {
                (1, true) => self.block::<S, 16, 1>(simd, count, block),
                (1, false) => self.block::<S, 8, 1>(simd, count, block),
                (_, true) => self.block::<S, 8, 2>(simd, count, block),
                (_, false) => self.block::<S, 4, 2>(simd, count, block),
            }
        }
    }

    /// `M` inputs by `V` vectors of outputs at a time; `M` divides the inputs.
    #[inline(always)]
    fn block<S: Simd, const M: usize, const V: usize>(
        &mut self,
        simd: S,
        count: usize,
        block: &Block,
    ) {
        let inputs = self.strips.g.inputs;
        let wide = V * S::F32_LANES;
        let sums = &mut self.strips.sums[PLACES * inputs * block.first..][..PLACES * inputs * wide];
        let (sums, _) = S::as_mut_simd_f32s(sums).0.as_chunks_mut::<V>();
        let places = self.sources.chunks_exact(self.tiles * inputs + GAP);
        let others = self.gradients.chunks_exact(self.tiles * self.strips.group.channels + GAP);
        for ((sums, source), gradients) in sums.chunks_exact_mut(inputs).zip(places).zip(others) {
            let gradients = &gradients[block.first * self.tiles..][..count * wide];
            let (gradients, _) = S::as_simd_f32s(gradients).0.as_chunks::<V>();
            for (t, target) in sums.as_chunks_mut::<M>().0.iter_mut().enumerate() {
                let mut sums = *target;
                tile::accumulate(simd, &mut sums, &source[t * M..], inputs, gradients);
                *target = sums;
            }
        }
    }
}

/// One side of the gradients' transform, doubled in the middle.
#[inline(always)]
fn spread<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> [S::f32s; 4] {
    [a, simd.add_f32s(a, b), simd.sub_f32s(a, b), b]
}

#[inline(always)]
fn vector<S: Simd>(simd: S, values: &[f32], at: usize) -> S::f32s {
    match S::as_simd_f32s(&values[at..at + S::F32_LANES]).0 {
        [vector, ..] => *vector,
        [] => simd.splat_f32s(0.0),
    }
}

/// Adds the partitions in order, and takes the sums of 16 places to 3 x 3 kernels.
fn finish(g: &Geometry, groups: &[Group], lanes: usize, sums: &mut [f32], dw: &mut [f32]) {
    let mut tasks = Vec::new();
    let (mut kernels, mut start) = (dw, 0);
    for group in groups {
        for block in &group.blocks {
            let (mine, rest) = kernels.split_at_mut(block.channels * g.inputs * 9);
            kernels = rest;
            tasks.push((start, block.vectors * lanes, mine));
            start += PLACES * g.inputs * block.channels;
        }
    }
    let sums = &*sums;
    tasks.into_par_iter().for_each(|(start, wide, kernels)| {
        let mut total = vec![0.0_f32; PLACES * wide];
        for input in 0..g.inputs {
            for (place, total) in total.chunks_exact_mut(wide).enumerate() {
                let at = start + (place * g.inputs + input) * wide;
                total.copy_from_slice(&sums[at..at + wide]);
                for other in sums[at..].chunks(PLACES * g.inputs * g.outputs).skip(1) {
                    total.iter_mut().zip(other).for_each(|(t, v)| *t += v);
                }
            }
            for lane in 0..wide {
                let kernel = &mut kernels[(lane * g.inputs + input) * 9..][..9];
                kernel_of(kernel, |place| total[place * wide + lane]);
            }
        }
    });
}

/// `Aᵀ m A` with the halves that the gradients' transform leaves out.
fn kernel_of(kernel: &mut [f32], place: impl Fn(usize) -> f32) {
    let three = |a: f32, b: f32, c: f32, d: f32| {
        let sum = 0.5 * (b + c);
        [a + sum, 0.5 * (b - c), sum - d]
    };
    let down: [[f32; 3]; 4] =
        std::array::from_fn(|x| three(place(x), place(4 + x), place(8 + x), place(12 + x)));
    for (y, kernel) in kernel.chunks_exact_mut(3).enumerate() {
        kernel.copy_from_slice(&three(down[0][y], down[1][y], down[2][y], down[3][y]));
    }
}
