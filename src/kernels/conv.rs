//! Convolution and the gradient of its input, f32, NHWC: 3x3 kernels with stride 1
//! by minimal filtering (`winograd`), everything else directly, here.
//!
//! No im2col and no transposition: for each tile of output the inner loop runs
//! over kernel rows and `(kernel column, source channel)`, multiplies one or two
//! vectors of weights by one broadcast source value a position, and writes
//! nothing but the result. Each output value is summed in one fixed order, so
//! that results do not depend on the number of threads.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::geometry::{Geometry, Padded};
use super::plan::{Block, Pass, Plan};
use super::scratch::with_buffers;
use super::tile::{self, NARROW, POSITIONS_16, POSITIONS_32};
use super::winograd::{self, Winograd};

/// Values of a padded band that a thread keeps in its second-level cache.
const BAND: usize = 24 * 1024;
/// Multiplications below which a second thread costs more than it saves.
const SMALL: usize = 1 << 18;

/// What is done to an output value before it is stored.
#[derive(Debug, Clone, Copy, Default)]
pub struct After<'a> {
    /// Added per channel; none if empty.
    pub bias: &'a [f32],
    /// Added then, in the layout of the output.
    pub skip: Option<&'a [f32]>,
    /// Whether negative values become zero at last.
    pub relu: bool,
}

impl After<'_> {
    /// Stores `values`, bias included, as the outputs `range`.
    #[inline(always)]
    pub(super) fn store<S: Simd, const V: usize>(
        &self,
        simd: S,
        mut values: [S::f32s; V],
        range: Range<usize>,
        out: &mut [f32],
    ) {
        if let Some(skip) = self.skip {
            let skip = tile::load::<S, V>(simd, &skip[range]);
            for v in 0..V {
                values[v] = simd.add_f32s(values[v], skip[v]);
            }
        }
        if self.relu {
            for value in &mut values {
                *value = simd.max_f32s(*value, simd.splat_f32s(0.0));
            }
        }
        tile::store::<S, V>(simd, values, out);
    }
}

/// `out = after(x * weight)`. `x` is NHWC, `weight` OIHW, `out` NHWC.
///
/// # Panics
/// If the geometry is not supported or a length disagrees with it.
pub fn forward(
    arch: Arch,
    g: &Geometry,
    x: &[f32],
    weight: &[f32],
    after: After<'_>,
    out: &mut [f32],
) {
    check(g, x.len(), weight.len(), out.len());
    assert!([0, g.outputs].contains(&after.bias.len()), "one bias a channel");
    assert!(after.skip.is_none_or(|s| s.len() == out.len()), "a skip of the output's size");
    if winograd::suits(g) {
        return Winograd::forward(g, weight, lanes(arch)).run(arch, x, after, out);
    }
    let plan = Plan::forward(g, weight, lanes(arch));
    run(arch, &plan, g.batch, x, after, out);
}

/// The gradient of the input. `dy` and `dx` are NHWC, `weight` is OIHW.
///
/// # Panics
/// If the geometry is not supported or a length disagrees with it.
pub fn input_grad(arch: Arch, g: &Geometry, dy: &[f32], weight: &[f32], dx: &mut [f32]) {
    check(g, dx.len(), weight.len(), dy.len());
    if winograd::suits(g) {
        return Winograd::input_grad(g, weight, lanes(arch)).run(arch, dy, After::default(), dx);
    }
    let plan = Plan::input_grad(g, weight, lanes(arch));
    run(arch, &plan, g.batch, dy, After::default(), dx);
}

pub(super) fn check(g: &Geometry, input: usize, weight: usize, output: usize) {
    assert!(g.is_supported(), "unsupported convolution {g:?}");
    let expected = (g.input_len(), g.weight_len(), g.output_len());
    assert_eq!((input, weight, output), expected, "lengths of input, weight, output for {g:?}");
}

/// Lanes of a vector of the instruction set.
pub(super) fn lanes(arch: Arch) -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch.dispatch(Lanes)
}

fn run(arch: Arch, plan: &Plan, batch: usize, source: &[f32], after: After<'_>, out: &mut [f32]) {
    let out_row = plan.output[1] * plan.output[2];
    let out_image = plan.output[0] * out_row;
    let src_image = plan.source.iter().product::<usize>();
    if out_image == 0 || batch == 0 {
        return;
    }
    let work = batch * out_image * plan.source[2] * plan.reach * plan.reach;
    let threads = if work < SMALL { 1 } else { rayon::current_num_threads() };
    let rows = band_rows(plan, batch, threads);
    let bands: Vec<Band<'_>> = out
        .chunks_mut(out_image)
        .enumerate()
        .flat_map(|(n, image)| {
            image.chunks_mut(rows * out_row).enumerate().map(move |(i, out)| Band {
                plan,
                after: After {
                    skip: after.skip.map(|s| &s[n * out_image + i * rows * out_row..][..out.len()]),
                    ..after
                },
                image: &source[n * src_image..][..src_image],
                first: i * rows,
                out,
            })
        })
        .collect();
    if threads == 1 {
        bands.into_iter().for_each(|band| band.run(arch));
    } else {
        bands.into_par_iter().for_each(|band| band.run(arch));
    }
}

/// Output rows of a band: what fits the cache, less where images are too few to
/// feed all threads. A multiple of the output step.
fn band_rows(plan: &Plan, batch: usize, threads: usize) -> usize {
    let row_len = (plan.row * plan.source[2]).max(1);
    let fitting = (BAND / row_len).saturating_sub(plan.reach) / plan.src_step * plan.out_step;
    let height = plan.output[0];
    // Bands of equal height, and three or more a thread.
    let bands = height.div_ceil(fitting.max(1)).max((3 * threads).div_ceil(batch)).min(height);
    height.div_ceil(bands).next_multiple_of(plan.out_step)
}

/// Some rows of one output image.
struct Band<'a> {
    plan: &'a Plan,
    after: After<'a>,
    image: &'a [f32],
    /// First output row, a multiple of the output step.
    first: usize,
    out: &'a mut [f32],
}

impl Band<'_> {
    fn run(self, arch: Arch) {
        let Band { plan, after, image, first, out } = self;
        let [height, width, channels] = plan.source;
        let rows = out.len() / (plan.output[1] * plan.output[2]);
        let start = first / plan.out_step * plan.src_step;
        let count = (rows - 1) / plan.out_step * plan.src_step + plan.reach;
        let padded = Padded { image, height, width, channels, before: plan.before, row: plan.row };
        let len = padded.row_len();
        if plan.before == 0 && plan.row == width && start + count <= height {
            let source = &image[start * len..][..count * len];
            arch.dispatch(Passes { plan, after, source, out });
        } else {
            with_buffers(count * len, 0, |source, _| {
                padded.copy_rows(start..start + count, source);
                arch.dispatch(Passes { plan, after, source, out });
            });
        }
    }
}

/// All phases and blocks of a band. Between here and the inner loop no closure
/// may stand: only what is inlined is compiled for the instruction set.
struct Passes<'a> {
    plan: &'a Plan,
    after: After<'a>,
    /// The band's padded source rows.
    source: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Passes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Passes { plan, after, source, out } = self;
        for pass in &plan.passes {
            let mut weights = pass.weights.as_slice();
            let len: usize = pass.segments.iter().map(|s| s.len).sum();
            for block in &plan.blocks {
                let (mine, rest) = weights.split_at(len * block.vectors * S::F32_LANES);
                weights = rest;
                let job = Job { plan, pass, block, after, source };
                match (block.vectors, S::REGISTER_COUNT >= 32) {
                    (1, _) => job.run::<S, NARROW, 1>(simd, mine, out),
                    (_, false) => job.run::<S, POSITIONS_16, 2>(simd, mine, out),
                    (_, true) => job.run::<S, POSITIONS_32, 2>(simd, mine, out),
                }
            }
        }
    }
}

/// One block of channels of one phase over a band.
struct Job<'a> {
    plan: &'a Plan,
    pass: &'a Pass,
    block: &'a Block,
    after: After<'a>,
    source: &'a [f32],
}

impl Job<'_> {
    #[inline(always)]
    fn run<S: Simd, const M: usize, const V: usize>(
        &self,
        simd: S,
        weights: &[f32],
        out: &mut [f32],
    ) {
        let plan = self.plan;
        let [_, width, channels] = plan.output;
        let rows = out.len() / (width * channels);
        let [y0, x0] = self.pass.phase;
        if y0 >= rows || x0 >= width {
            return;
        }
        let down = (rows - y0).div_ceil(plan.out_step);
        let across = (width - x0).div_ceil(plan.out_step);
        let (weights, _) = S::as_simd_f32s(weights).0.as_chunks::<V>();
        let bias = self.after.bias.get(self.block.first..).unwrap_or(&[]);
        let bias = tile::load::<S, V>(simd, &bias[..bias.len().min(self.block.channels)]);
        let src_x = plan.src_step * plan.source[2];
        let src_y = plan.src_step * plan.row * plan.source[2];
        let out_x = plan.out_step * channels;
        let out_y = plan.out_step * width * channels;
        let out_0 = (y0 * width + x0) * channels + self.block.first;

        let (mut y, mut x) = (0, 0);
        let mut left = down * across;
        while left > 0 {
            let used = left.min(M);
            let mut bases = [0; M];
            let mut targets = [0; M];
            for m in 0..M {
                // The last tile repeats its last position.
                bases[m] = y * src_y + x * src_x;
                targets[m] = out_0 + y * out_y + x * out_x;
                if m + 1 < used || used == M {
                    x += 1;
                    if x == across {
                        x = 0;
                        y += 1;
                    }
                }
            }
            let sums = tile::outputs::<S, M, V>(
                simd,
                self.source,
                bases,
                &self.pass.segments,
                weights,
                bias,
            );
            for m in 0..used {
                let range = targets[m]..targets[m] + self.block.channels;
                self.after.store::<S, V>(simd, sums[m], range.clone(), &mut out[range]);
            }
            left -= used;
        }
    }
}
