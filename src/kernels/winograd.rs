//! Winograd's minimal filtering F(2x2, 3x3) for convolutions with stride 1 and
//! padding 1 (Lavin and Gray, arXiv 1509.09308, section 4.1): a tile of 2 x 2
//! outputs takes 16 products a channel pair where the direct convolution takes 36.
//!
//! A strip of tile rows is transformed channel by channel in vectors (NHWC, so
//! that lanes are channels), multiplied by the transformed weights for each of
//! the 16 places of a tile, and transformed back while it is in the first-level
//! cache. Each output is summed in one fixed order, so that results do not depend
//! on the number of threads. The error is of the size of the direct
//! convolution's: the transforms add and subtract, and halve weights.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::conv::{After, lanes};
use super::geometry::Geometry;
use super::plan::{Block, blocks};
use super::scratch::{Buffer, with_buffers};
use super::tile::{self, NARROW, POSITIONS_16, POSITIONS_32};

/// Places of a transformed tile: 4 x 4.
pub(super) const PLACES: usize = 16;
/// Floats of transformed input that a thread keeps in its second-level cache.
const STRIP: usize = 48 * 1024;
/// Tiles of a strip where channels are few: whole register tiles of 6 and 8.
const TILES: usize = 48;
/// Channels come in multiples of this, the widest vector's lanes, so that the
/// choice does not depend on the instruction set.
const CHANNELS: usize = 16;

/// Whether a convolution is taken this way.
pub(super) fn suits(g: &Geometry) -> bool {
    (g.kernel, g.stride, g.padding) == (3, 1, 1)
        && [g.height, g.width].iter().all(|side| side.is_multiple_of(2))
        && [g.inputs, g.outputs].iter().all(|c| *c > 0 && c.is_multiple_of(CHANNELS))
}

/// A convolution of images of one size, weights transformed.
pub(super) struct Winograd {
    height: usize,
    width: usize,
    inputs: usize,
    outputs: usize,
    blocks: Vec<Block>,
    /// Per block of outputs: `[place][input][vectors * lanes]`.
    weights: Buffer,
}

impl Winograd {
    /// The convolution itself; `weight` is OIHW.
    pub fn forward(g: &Geometry, weight: &[f32], lanes: usize) -> Winograd {
        Winograd::new([g.height, g.width, g.inputs, g.outputs], lanes, |o, i| {
            let at = (o * g.inputs + i) * 9;
            std::array::from_fn(|tap| weight[at + tap])
        })
    }

    /// The gradient of its input from that of its output: a convolution with the
    /// kernels turned by half a turn and the channels exchanged.
    pub fn input_grad(g: &Geometry, weight: &[f32], lanes: usize) -> Winograd {
        Winograd::new([g.height, g.width, g.outputs, g.inputs], lanes, |o, i| {
            let at = (i * g.inputs + o) * 9;
            std::array::from_fn(|tap| weight[at + 8 - tap])
        })
    }

    fn new(
        [height, width, inputs, outputs]: [usize; 4],
        lanes: usize,
        kernel: impl Fn(usize, usize) -> [f32; 9] + Sync,
    ) -> Winograd {
        let blocks = blocks(outputs, lanes);
        let mut weights = Buffer::zeros(PLACES * inputs * outputs);
        let mut rest = weights.as_mut_slice();
        let mut parts = Vec::with_capacity(blocks.len());
        for block in &blocks {
            let (part, behind) = rest.split_at_mut(PLACES * inputs * block.channels);
            parts.push((block, part));
            rest = behind;
        }
        parts.into_par_iter().for_each(|(block, part)| {
            let row = block.channels;
            for i in 0..inputs {
                for o in 0..row {
                    for (place, v) in transformed(kernel(block.first + o, i)).iter().enumerate() {
                        part[(place * inputs + i) * row + o] = *v;
                    }
                }
            }
        });
        Winograd { height, width, inputs, outputs, blocks, weights }
    }

    /// Runs the convolution over NHWC images. Lengths are the caller's business.
    pub fn run(&self, arch: Arch, source: &[f32], after: After<'_>, out: &mut [f32]) {
        let row = 2 * self.width * self.outputs;
        if row == 0 || out.is_empty() {
            return;
        }
        let rows = self.rows(out.len() / row, rayon::current_num_threads());
        let strips = out.par_chunks_mut(rows * row).enumerate();
        strips.for_each(|(at, out)| {
            let first = at * rows;
            let after = After { skip: after.skip.map(|s| &s[first * row..][..out.len()]), ..after };
            Strip { plan: self, source, first, after, out }.run(arch);
        });
    }

    /// Tile rows of a strip, of `total` over all images.
    fn rows(&self, total: usize, threads: usize) -> usize {
        let across = self.width / 2;
        let tiles = (STRIP / (PLACES * self.inputs)).clamp(1, TILES);
        (tiles / across).min(total / (3 * threads)).max(1)
    }
}

/// `G g Gᵀ`, the transformed kernel.
fn transformed(g: [f32; 9]) -> [f32; PLACES] {
    let four = |a: f32, b: f32, c: f32| [a, 0.5 * (a + c + b), 0.5 * (a + c - b), c];
    let down: [[f32; 4]; 3] = std::array::from_fn(|x| four(g[x], g[3 + x], g[6 + x]));
    let mut all = [0.0; PLACES];
    for (y, row) in all.chunks_exact_mut(4).enumerate() {
        row.copy_from_slice(&four(down[0][y], down[1][y], down[2][y]));
    }
    all
}

/// Some rows of tiles, counted over all images.
struct Strip<'a> {
    plan: &'a Winograd,
    source: &'a [f32],
    /// The first tile row.
    first: usize,
    after: After<'a>,
    /// Their output rows, two each.
    out: &'a mut [f32],
}

impl Strip<'_> {
    fn run(self, arch: Arch) {
        let (plan, lanes) = (self.plan, lanes(arch));
        let count = self.out.len() / (4 * plan.outputs);
        let len = count * stride(plan.inputs / lanes) * PLACES * lanes;
        with_buffers(len, plan.width * plan.inputs, |tiles, zeros| {
            zeros.fill(0.0);
            arch.dispatch(Rows { strip: self, tiles, zeros });
        });
    }
}

/// From tile to tile in vectors of inputs: off a large power of two, so that
/// neighbouring tiles do not compete for the same lines of the cache.
fn stride(vectors: usize) -> usize {
    vectors + usize::from(vectors.is_multiple_of(4))
}

/// A strip with its buffers. Between here and the inner loops no closure may
/// stand: only what is inlined is compiled for the instruction set.
struct Rows<'a> {
    strip: Strip<'a>,
    /// Transformed tiles: `[tile][vector of inputs][place][lane]`, [`stride`] vectors
    /// of inputs from tile to tile.
    tiles: &'a mut [f32],
    /// A row of zeros.
    zeros: &'a [f32],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.transform(simd);
        match S::F32_LANES {
            16 => self.all::<S, 256>(simd),
            8 => self.all::<S, 128>(simd),
            4 => self.all::<S, 64>(simd),
            _ => self.all::<S, 16>(simd),
        }
    }
}

impl Rows<'_> {
    /// The products of all tiles with all weights. `UNIT` is the floats of a tile's
    /// places for a vector of inputs.
    #[inline(always)]
    fn all<S: Simd, const UNIT: usize>(&mut self, simd: S) {
        let mut weights = self.strip.plan.weights.as_slice();
        for block in &self.strip.plan.blocks {
            let len = PLACES * self.strip.plan.inputs * block.channels;
            let (mine, rest) = weights.split_at(len);
            weights = rest;
            match (block.vectors, S::REGISTER_COUNT >= 32) {
                (1, _) => self.multiply::<S, NARROW, 1, UNIT>(simd, block, mine),
                (_, false) => self.multiply::<S, POSITIONS_16, 2, UNIT>(simd, block, mine),
                (_, true) => self.multiply::<S, POSITIONS_32, 2, UNIT>(simd, block, mine),
            }
        }
    }

    /// `Bᵀ d B` of every tile.
    #[inline(always)]
    fn transform<S: Simd>(&mut self, simd: S) {
        let Strip { plan, source, first, .. } = &self.strip;
        let (across, vectors) = (plan.width / 2, plan.inputs / S::F32_LANES);
        let tile = stride(vectors) * PLACES;
        let (tiles, _) = S::as_mut_simd_f32s(self.tiles);
        for (at, row) in tiles.chunks_exact_mut(across * tile).enumerate() {
            let size = [plan.height, plan.width * plan.inputs];
            let lines = lines::<S>(source, self.zeros, size, first + at);
            transform(simd, lines, vectors, row, [tile, PLACES, 1]);
        }
    }

    /// The products of all tiles with a block of weights, transformed back.
    #[inline(always)]
    fn multiply<S: Simd, const M: usize, const V: usize, const UNIT: usize>(
        &mut self,
        simd: S,
        block: &Block,
        weights: &[f32],
    ) {
        let Strip { plan, after, out, .. } = &mut self.strip;
        let (inputs, outputs) = (plan.inputs, plan.outputs);
        let across = plan.width / 2;
        let units = inputs * PLACES / UNIT;
        let stride = stride(units);
        let (tiles, _) = self.tiles.as_chunks::<UNIT>();
        let (weights, _) = S::as_simd_f32s(weights).0.as_chunks::<V>();
        let bias = after.bias.get(block.first..).unwrap_or(&[]);
        let bias = tile::load::<S, V>(simd, &bias[..bias.len().min(block.channels)]);
        let count = out.len() / (4 * outputs);
        // All of it is written anew for every register tile.
        let mut places = [[[simd.splat_f32s(0.0); V]; PLACES]; M];
        for first in (0..count).step_by(M) {
            // The last register tile repeats the last tile.
            let mut mine = [tiles; M];
            for (m, mine) in mine.iter_mut().enumerate() {
                *mine = &tiles[(first + m).min(count - 1) * stride..][..units];
            }
            for (place, weights) in weights.chunks_exact(inputs).enumerate().take(PLACES) {
                let sums = products::<S, M, V, UNIT>(simd, mine, place, weights);
                for m in 0..M {
                    places[m][place] = sums[m];
                }
            }
            for (m, places) in places.iter().enumerate().take(count - first) {
                let (y, x) = ((first + m) / across, (first + m) % across);
                let at = (4 * y * across + 2 * x) * outputs + block.first;
                let values = back::<S, V>(simd, places, bias);
                for (i, values) in values.iter().enumerate() {
                    let at = at + (i / 2 * 2 * across + i % 2) * outputs;
                    let range = at..at + block.channels;
                    after.store::<S, V>(simd, *values, range.clone(), &mut out[range]);
                }
            }
        }
    }
}

/// The products of one place of `M` tiles with the weights of `V` vectors of
/// outputs, summed over all inputs in order.
#[inline(always)]
fn products<S: Simd, const M: usize, const V: usize, const UNIT: usize>(
    simd: S,
    tiles: [&[[f32; UNIT]]; M],
    place: usize,
    weights: &[[S::f32s; V]],
) -> [[S::f32s; V]; M] {
    let lanes = UNIT / PLACES;
    let mut sums = [[simd.splat_f32s(0.0); V]; M];
    let units = tiles[0].len();
    for (unit, weights) in weights.chunks_exact(lanes).enumerate().take(units) {
        let mut values = [&[][..]; M];
        for (values, tile) in values.iter_mut().zip(tiles) {
            *values = &tile[unit][place * lanes..][..lanes];
        }
        for l in 0..lanes {
            for m in 0..M {
                let x = simd.splat_f32s(values[m][l]);
                for v in 0..V {
                    sums[m][v] = simd.mul_add_e_f32s(x, weights[l][v], sums[m][v]);
                }
            }
        }
    }
    sums
}

/// The four rows of images of `height` rows of `len` floats that a row of tiles, counted
/// over all images, meets; `zeros` stand above and below.
#[inline(always)]
pub(super) fn lines<'a, S: Simd>(
    images: &'a [f32],
    zeros: &'a [f32],
    [height, len]: [usize; 2],
    row: usize,
) -> [&'a [S::f32s]; 4] {
    let (image, y) = (row / (height / 2), row % (height / 2) * 2);
    let image = &images[image * height * len..][..height * len];
    let zeros = &zeros[..len];
    let above = if y == 0 { zeros } else { &image[(y - 1) * len..][..len] };
    let below = if y + 2 == height { zeros } else { &image[(y + 2) * len..][..len] };
    let (upper, lower) = image[y * len..][..2 * len].split_at(len);
    [
        S::as_simd_f32s(above).0,
        S::as_simd_f32s(upper).0,
        S::as_simd_f32s(lower).0,
        S::as_simd_f32s(below).0,
    ]
}

/// `Bᵀ d B` of a row of tiles of `vectors` of channels: columns first, which neighbouring
/// tiles share. `steps` lead to the next tile, vector of channels and place in `out`.
#[inline(always)]
pub(super) fn transform<S: Simd>(
    simd: S,
    lines: [&[S::f32s]; 4],
    vectors: usize,
    out: &mut [S::f32s],
    [tile, channels, place]: [usize; 3],
) {
    let zero = simd.splat_f32s(0.0);
    let across = lines[0].len() / (2 * vectors);
    for v in 0..vectors {
        let mut before = [[zero; 4], column(simd, lines, v)];
        for x in 0..across {
            let middle = column(simd, lines, (2 * x + 1) * vectors + v);
            let behind = match x + 1 == across {
                true => [zero; 4],
                false => column(simd, lines, (2 * x + 2) * vectors + v),
            };
            let out = &mut out[x * tile + v * channels..][..15 * place + 1];
            for i in 0..4 {
                let row = [before[0][i], before[1][i], middle[i], behind[i]];
                let row = combine(simd, row);
                for j in 0..4 {
                    out[(4 * i + j) * place] = row[j];
                }
            }
            before = [middle, behind];
        }
    }
}

/// A column of four rows of the source, combined downwards.
#[inline(always)]
fn column<S: Simd>(simd: S, lines: [&[S::f32s]; 4], at: usize) -> [S::f32s; 4] {
    let [a, b, c, d] = lines;
    combine(simd, [a[at], b[at], c[at], d[at]])
}

/// One side of `Bᵀ d B`.
#[inline(always)]
fn combine<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
    [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
}

/// `Aᵀ m A` plus a bias: two rows of two outputs.
#[inline(always)]
fn back<S: Simd, const V: usize>(
    simd: S,
    places: &[[S::f32s; V]; PLACES],
    bias: [S::f32s; V],
) -> [[S::f32s; V]; 4] {
    let mut out = [bias; 4];
    for v in 0..V {
        let mut upper = [bias[v]; 4];
        let mut lower = upper;
        for x in 0..4 {
            let (a, b) = (places[x][v], places[4 + x][v]);
            let (c, d) = (places[8 + x][v], places[12 + x][v]);
            upper[x] = simd.add_f32s(simd.add_f32s(a, b), c);
            lower[x] = simd.sub_f32s(simd.sub_f32s(b, c), d);
        }
        [out[0][v], out[1][v]] = across(simd, upper, bias[v]);
        [out[2][v], out[3][v]] = across(simd, lower, bias[v]);
    }
    out
}

/// The other side of `Aᵀ m A`, and the bias.
#[inline(always)]
fn across<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4], bias: S::f32s) -> [S::f32s; 2] {
    let left = simd.add_f32s(simd.add_f32s(a, b), c);
    let right = simd.sub_f32s(simd.sub_f32s(b, c), d);
    [simd.add_f32s(left, bias), simd.add_f32s(right, bias)]
}
