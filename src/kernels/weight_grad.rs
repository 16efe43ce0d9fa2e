//! The gradients of a convolution's weights and bias, f32, NHWC: 3x3 kernels with stride
//! 1 by minimal filtering (`winograd_grad`), everything else directly, here.
//!
//! `dw[o][ky][kx][i] = sum over positions of dy[position][o] * x[position moved
//! by (ky, kx)][i]`. A tile of consecutive `(kx, i)` by output channels stays in
//! registers while the inner loop runs over the positions of a row. The batch is
//! cut into partitions whose number depends on the sizes only; each has its own
//! sums, and these are added in order, so that results do not depend on the
//! number of threads.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::conv::{check, lanes};
use super::geometry::{Geometry, Padded};
use super::plan::{Block, blocks};
use super::scratch::{Buffer, with_buffers};
use super::tile::{self, ENTRIES_16, ENTRIES_32, NARROW};
use super::{winograd, winograd_grad};

/// The most partitions of a batch.
const PARTITIONS: usize = 16;
/// Sums that a thread adds up at a time.
const REDUCED: usize = 4096;
/// Values of a padded source band that a thread keeps in its second-level cache.
const BAND: usize = 12 * 1024;

/// The gradient of the weights. `x` and `dy` are NHWC, `dw` is OIHW.
///
/// # Panics
/// If the geometry is not supported or a length disagrees with it.
pub fn weight_grad(arch: Arch, g: &Geometry, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    check(g, x.len(), dw.len(), dy.len());
    if winograd::suits(g) {
        return winograd_grad::weight_grad(arch, g, x, dy, dw);
    }
    let plan = Plan::new(arch, g);
    let partitions = partitions(g);
    let mut sums = Buffer::zeros(partitions * plan.partition_len());
    let mut tasks = Vec::with_capacity(partitions * plan.blocks.len());
    for (partition, mut sums) in
        sums.as_mut_slice().chunks_mut(plan.partition_len().max(1)).enumerate()
    {
        // Images are dealt evenly, in order.
        let images = partition * g.batch / partitions..(partition + 1) * g.batch / partitions;
        for block in &plan.blocks {
            let (mine, rest) = sums.split_at_mut(plan.block_len(block));
            sums = rest;
            tasks.push((images.clone(), block, mine));
        }
    }
    tasks.into_par_iter().for_each(|(images, block, sums)| {
        for n in images {
            plan.image(arch, n, x, dy, block, sums);
        }
    });
    plan.reduce(sums.as_mut_slice(), dw);
}

/// The gradient of the bias: `db[o]` is the sum of `dy[..][o]`. `dy` is any
/// number of positions by `db.len()` channels.
///
/// # Panics
/// If `dy` is not a whole number of positions.
pub fn bias_grad(dy: &[f32], db: &mut [f32]) {
    let channels = db.len();
    if channels == 0 {
        return;
    }
    assert_eq!(dy.len() % channels, 0, "a whole number of positions");
    let positions = dy.len() / channels;
    let part = positions.div_ceil(PARTITIONS).max(1);
    let parts: Vec<Vec<f64>> = dy
        .par_chunks(part * channels)
        .map(|dy| {
            let mut total = vec![0.0_f64; channels];
            let mut sums = vec![0.0_f32; channels];
            for dy in dy.chunks(64 * channels) {
                sums.fill(0.0);
                for position in dy.chunks_exact(channels) {
                    sums.iter_mut().zip(position).for_each(|(s, v)| *s += v);
                }
                total.iter_mut().zip(&sums).for_each(|(t, s)| *t += f64::from(*s));
            }
            total
        })
        .collect();
    for (o, db) in db.iter_mut().enumerate() {
        *db = parts.iter().map(|part| part[o]).sum::<f64>() as f32;
    }
}

/// Enough partitions to feed many threads, fewer where blocks of channels do and
/// the sums are large.
fn partitions(g: &Geometry) -> usize {
    let blocks = g.outputs.div_ceil(16);
    g.batch.min((2 * PARTITIONS / blocks).clamp(4, PARTITIONS))
}

struct Plan<'a> {
    g: &'a Geometry,
    lanes: usize,
    blocks: Vec<Block>,
    /// Values of the tile along `(kx, i)`, for blocks of one and two vectors.
    tile: [usize; 2],
    /// Width and number of padded source rows.
    padded: [usize; 2],
}

impl<'a> Plan<'a> {
    fn new(arch: Arch, g: &'a Geometry) -> Plan<'a> {
        struct Wide;
        impl WithSimd for Wide {
            type Output = usize;
            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> usize {
                if S::REGISTER_COUNT >= 32 { ENTRIES_32 } else { ENTRIES_16 }
            }
        }
        let lanes = lanes(arch);
        let [height, width] = g.out_side();
        let extent = |side: usize| (side - 1) * g.stride + g.kernel;
        let row = extent(width);
        Plan {
            g,
            lanes,
            blocks: blocks(g.outputs, lanes),
            tile: [NARROW, arch.dispatch(Wide)],
            padded: [if g.padding == 0 { row.max(g.width) } else { row }, extent(height)],
        }
    }

    /// `(kx, i)` rounded up to whole tiles.
    fn entries(&self, block: &Block) -> usize {
        (self.g.kernel * self.g.inputs).next_multiple_of(self.tile[block.vectors - 1])
    }

    fn block_len(&self, block: &Block) -> usize {
        self.g.kernel * self.entries(block) * block.vectors * self.lanes
    }

    fn partition_len(&self) -> usize {
        self.blocks.iter().map(|b| self.block_len(b)).sum()
    }

    /// Adds one image's part of one block to `sums`, band by band.
    fn image(&self, arch: Arch, n: usize, x: &[f32], dy: &[f32], block: &Block, sums: &mut [f32]) {
        let g = self.g;
        let [height, width] = g.out_side();
        let image = g.height * g.width * g.inputs;
        let padded = Padded {
            image: &x[n * image..][..image],
            height: g.height,
            width: g.width,
            channels: g.inputs,
            before: g.padding,
            row: self.padded[0],
        };
        let dy = &dy[n * height * width * g.outputs..][..height * width * g.outputs];
        let wide = block.vectors * self.lanes;
        let slack = self.tile[block.vectors - 1];
        let fitting = (BAND / padded.row_len().max(1)).saturating_sub(g.kernel - 1) / g.stride;
        // Short rows need more of them, or loading and storing sums would count.
        let band = fitting.max(64_usize.div_ceil(width)).min(height);
        let rows = (band - 1) * g.stride + g.kernel;
        let source_len = rows * padded.row_len() + slack;
        with_buffers(source_len, band * width * wide, |source, packed| {
            for first in (0..height).step_by(band) {
                let here = band.min(height - first);
                let start = first * g.stride;
                let count = (here - 1) * g.stride + g.kernel;
                padded.copy_rows(start..start + count, source);
                let dy = &dy[first * width * g.outputs..][..here * width * g.outputs];
                for (to, from) in packed.chunks_exact_mut(wide).zip(dy.chunks_exact(g.outputs)) {
                    let (values, zeros) = to.split_at_mut(block.channels);
                    values.copy_from_slice(&from[block.first..][..block.channels]);
                    zeros.fill(0.0);
                }
                arch.dispatch(Band {
                    kernel: g.kernel,
                    entries: self.entries(block),
                    vectors: block.vectors,
                    width,
                    step: [padded.row_len(), g.stride * padded.row_len(), g.stride * g.inputs],
                    source,
                    packed: &packed[..here * width * wide],
                    sums,
                });
            }
        });
    }

    /// Adds the partitions in order and writes OIHW.
    fn reduce(&self, sums: &mut [f32], dw: &mut [f32]) {
        let (k, inputs) = (self.g.kernel, self.g.inputs);
        let len = self.partition_len();
        let (total, others) = sums.split_at_mut(len);
        total.par_chunks_mut(REDUCED).enumerate().for_each(|(i, total)| {
            for other in others.chunks_exact(len) {
                let other = &other[i * REDUCED..];
                total.iter_mut().zip(other).for_each(|(t, v)| *t += v);
            }
        });
        let mut start = 0;
        for block in &self.blocks {
            let wide = block.vectors * self.lanes;
            let entries = self.entries(block);
            for lane in 0..block.channels {
                let o = block.first + lane;
                let dw = &mut dw[o * inputs * k * k..][..inputs * k * k];
                for (i, dw) in dw.chunks_exact_mut(k * k).enumerate() {
                    for (tap, dw) in dw.iter_mut().enumerate() {
                        let entry = tap / k * entries + tap % k * inputs + i;
                        *dw = total[start + entry * wide + lane];
                    }
                }
            }
            start += self.block_len(block);
        }
    }
}

/// Some rows of one image, for one block of output channels.
struct Band<'a> {
    kernel: usize,
    entries: usize,
    vectors: usize,
    width: usize,
    /// Source distance between kernel rows, output rows and output columns.
    step: [usize; 3],
    /// Padded source rows and slack for the last tile's overhang, whose sums
    /// nobody reads.
    source: &'a [f32],
    /// `[position][vectors * lanes]`.
    packed: &'a [f32],
    /// `[ky][entries][vectors * lanes]`.
    sums: &'a mut [f32],
}

impl WithSimd for Band<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.vectors, S::REGISTER_COUNT >= 32) {
            (1, _) => self.run::<S, NARROW, 1>(simd),
            (_, false) => self.run::<S, ENTRIES_16, 2>(simd),
            (_, true) => self.run::<S, ENTRIES_32, 2>(simd),
        }
    }
}

impl Band<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize, const V: usize>(self, simd: S) {
        let (gradients, _) = S::as_simd_f32s(self.packed).0.as_chunks::<V>();
        let (sums, _) = S::as_mut_simd_f32s(self.sums).0.as_chunks_mut::<V>();
        let (tiles, _) = sums.as_chunks_mut::<M>();
        let per_row = self.entries / M;
        let [kernel_row, out_row, column] = self.step;
        for ky in 0..self.kernel {
            for t in 0..per_row {
                let target = &mut tiles[ky * per_row + t];
                let mut sums = *target;
                let mut base = ky * kernel_row + t * M;
                for row in gradients.chunks_exact(self.width) {
                    tile::accumulate::<S, M, V>(simd, &mut sums, &self.source[base..], column, row);
                    base += out_row;
                }
                *target = sums;
            }
        }
    }
}
