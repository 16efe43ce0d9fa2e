//! How a convolution, or the gradient of its input, becomes passes over a zero
//! padded source: which kernel taps meet which output positions, and the weights
//! in the order in which the inner loop reads them.
//!
//! The gradient of the input is itself a convolution of the output's gradient.
//! With a stride `s`, input positions fall into `s * s` phases, each of which
//! meets its own subset of the taps, so that no multiplication by an inserted
//! zero is made. Knows no instruction set but its lane count.

use super::geometry::Geometry;
use super::scratch::Buffer;

/// A block of output channels whose accumulators are held in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// First output channel.
    pub first: usize,
    /// Output channels, at most `vectors * lanes`.
    pub channels: usize,
    /// Vectors that hold them: 1 or 2.
    pub vectors: usize,
}

/// Cuts `channels` into blocks of two vectors, the last one of one vector where
/// that is enough.
pub(super) fn blocks(channels: usize, lanes: usize) -> Vec<Block> {
    (0..channels)
        .step_by(2 * lanes)
        .map(|first| {
            let channels = (channels - first).min(2 * lanes);
            Block { first, channels, vectors: channels.div_ceil(lanes) }
        })
        .collect()
}

/// A run of values of the source, contiguous within a padded row, that the inner
/// loop multiplies by consecutive weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// Distance from an output position's base in the padded source.
    pub offset: usize,
    /// Values: taps times source channels.
    pub len: usize,
}

/// The taps that output positions of one phase meet along one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Axis {
    phase: usize,
    /// Padded source coordinate of the first tap for the phase's first position.
    start: usize,
    /// Kernel indices in the order of ascending source coordinates.
    taps: Vec<usize>,
}

/// One phase of the output.
#[derive(Debug)]
pub(super) struct Pass {
    /// First output row and column of the phase.
    pub phase: [usize; 2],
    /// What each output position multiplies.
    pub segments: Vec<Segment>,
    /// Per block: `[segment][tap][source channel][vectors * lanes]`.
    pub weights: Buffer,
}

/// A convolution over a zero padded source, split by phases.
#[derive(Debug)]
pub(super) struct Plan {
    /// Height, width and channels of the source image.
    pub source: [usize; 3],
    /// Height, width and channels of the output image.
    pub output: [usize; 3],
    /// Zeros above and left of the source.
    pub before: usize,
    /// Width of a padded source row in pixels.
    pub row: usize,
    /// Step between output positions of a phase.
    pub out_step: usize,
    /// Step between their bases in the source.
    pub src_step: usize,
    /// Blocks of output channels.
    pub blocks: Vec<Block>,
    /// The phases.
    pub passes: Vec<Pass>,
    /// Source rows and columns that one position may meet.
    pub reach: usize,
}

impl Plan {
    /// The convolution itself; `weight` is OIHW.
    pub fn forward(g: &Geometry, weight: &[f32], lanes: usize) -> Plan {
        let axis = Axis { phase: 0, start: 0, taps: (0..g.kernel).collect() };
        let [height, width] = g.out_side();
        let kernel = Weights { data: weight, outputs: g.outputs, inputs: g.inputs, side: g.kernel };
        Plan::new(
            [g.height, g.width, g.inputs],
            [height, width, g.outputs],
            g.padding,
            [1, g.stride],
            &[axis],
            lanes,
            |o, i, ky, kx| kernel.at(o, i, ky, kx),
        )
    }

    /// The gradient of its input from the gradient of its output.
    pub fn input_grad(g: &Geometry, weight: &[f32], lanes: usize) -> Plan {
        let (axes, before) = gradient_axes(g);
        let [height, width] = g.out_side();
        let kernel = Weights { data: weight, outputs: g.outputs, inputs: g.inputs, side: g.kernel };
        Plan::new(
            [height, width, g.outputs],
            [g.height, g.width, g.inputs],
            before,
            [g.stride, 1],
            &axes,
            lanes,
            |o, i, ky, kx| kernel.at(i, o, ky, kx),
        )
    }

    fn new(
        source: [usize; 3],
        output: [usize; 3],
        before: usize,
        [out_step, src_step]: [usize; 2],
        axes: &[Axis],
        lanes: usize,
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    ) -> Plan {
        let reach = axes.iter().map(|a| a.start + a.taps.len()).max().unwrap_or(0);
        let extent = |side: usize| side.saturating_sub(1) / out_step * src_step + reach;
        let needed = extent(output[1]);
        // Without zeros on the left the image's own rows serve, if wide enough.
        let row = if before == 0 { needed.max(source[1]) } else { needed };
        let channels = source[2];
        let blocks = blocks(output[2], lanes);
        let mut passes = Vec::with_capacity(axes.len() * axes.len());
        for y in axes {
            for x in axes {
                let segments = y.taps.iter().enumerate().map(|(i, _)| Segment {
                    offset: ((y.start + i) * row + x.start) * channels,
                    len: x.taps.len() * channels,
                });
                let segments = segments.filter(|s| s.len > 0).collect();
                let weights = pack(&blocks, lanes, channels, [&y.taps, &x.taps], &weight);
                passes.push(Pass { phase: [y.phase, x.phase], segments, weights });
            }
        }
        Plan { source, output, before, row, out_step, src_step, blocks, passes, reach }
    }
}

/// For each phase `p` of the input: the taps `k` with `(p + padding - k)`
/// divisible by the stride, which meet output position `a + (p + padding - k) /
/// stride` for the phase's position `a`; and the zeros needed before the output.
fn gradient_axes(g: &Geometry) -> (Vec<Axis>, usize) {
    let mut phases = Vec::with_capacity(g.stride);
    let mut before = 0;
    for phase in 0..g.stride {
        let at = phase + g.padding;
        // Descending taps meet ascending positions, one step apart.
        let taps: Vec<usize> =
            (0..g.kernel).rev().filter(|k| k % g.stride == at % g.stride).collect();
        // The first tap's position may lie before the output, the last one's not.
        let first = taps.first().map_or(0, |k| (at as isize - *k as isize) / g.stride as isize);
        before = before.max((-first).max(0) as usize);
        phases.push((phase, first, taps));
    }
    let axes = phases.into_iter().map(|(phase, first, taps)| Axis {
        phase,
        start: (first + before as isize).max(0) as usize,
        taps,
    });
    (axes.collect(), before)
}

/// Weights as Burn and PyTorch keep them.
struct Weights<'a> {
    data: &'a [f32],
    outputs: usize,
    inputs: usize,
    side: usize,
}

impl Weights<'_> {
    #[inline]
    fn at(&self, o: usize, i: usize, ky: usize, kx: usize) -> f32 {
        debug_assert!(o < self.outputs && i < self.inputs);
        self.data[((o * self.inputs + i) * self.side + ky) * self.side + kx]
    }
}

fn pack(
    blocks: &[Block],
    lanes: usize,
    channels: usize,
    taps: [&[usize]; 2],
    weight: &impl Fn(usize, usize, usize, usize) -> f32,
) -> Buffer {
    let per_lane = taps[0].len() * taps[1].len() * channels;
    let vectors: usize = blocks.iter().map(|b| b.vectors).sum();
    let mut buffer = Buffer::zeros(vectors * lanes * per_lane);
    let mut rest = buffer.as_mut_slice();
    for block in blocks {
        let wide = block.vectors * lanes;
        let (mine, others) = rest.split_at_mut(wide * per_lane);
        rest = others;
        let mut steps = mine.chunks_exact_mut(wide);
        for &ky in taps[0] {
            for &kx in taps[1] {
                for (i, step) in steps.by_ref().take(channels).enumerate() {
                    for (lane, value) in step.iter_mut().take(block.channels).enumerate() {
                        *value = weight(block.first + lane, i, ky, kx);
                    }
                }
            }
        }
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(kernel: usize, stride: usize, padding: usize) -> Geometry {
        Geometry { batch: 1, height: 8, width: 8, inputs: 1, outputs: 1, kernel, stride, padding }
    }

    #[test]
    fn channels_are_cut_into_blocks() {
        let cut = |channels| {
            blocks(channels, 8).iter().map(|b| (b.first, b.channels, b.vectors)).collect::<Vec<_>>()
        };
        assert_eq!(cut(16), [(0, 16, 2)]);
        assert_eq!(cut(8), [(0, 8, 1)]);
        assert_eq!(cut(35), [(0, 16, 2), (16, 16, 2), (32, 3, 1)]);
        assert_eq!(cut(9), [(0, 9, 2)]);
    }

    #[test]
    fn gradient_taps_fall_into_phases() {
        let taps = |k, s, p| {
            let (axes, before) = gradient_axes(&geometry(k, s, p));
            (axes.into_iter().map(|a| (a.start, a.taps)).collect::<Vec<_>>(), before)
        };
        assert_eq!(taps(3, 1, 1), (vec![(0, vec![2, 1, 0])], 1));
        assert_eq!(taps(3, 2, 1), (vec![(0, vec![1]), (0, vec![2, 0])], 0));
        assert_eq!(taps(1, 2, 0), (vec![(0, vec![0]), (0, vec![])], 0));
        assert_eq!(taps(3, 2, 0), (vec![(0, vec![2, 0]), (1, vec![1])], 1));
    }
}
