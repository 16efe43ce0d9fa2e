//! A small canvas in f32 RGB: background, clutter, figures, noise.
//!
//! Knows nothing of classes. Uses only additions, products, divisions, square
//! roots and comparisons, which IEEE 754 rounds exactly, so that an image is
//! the same to the last bit on every machine.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Pixels per side.
pub(super) const SIDE: usize = 32;
/// Pixels per image.
pub(super) const AREA: usize = SIDE * SIDE;
/// Sub-samples per pixel and axis where a region is painted.
const SUB: usize = 4;

/// A colour, each channel 0 to 255.
pub(super) type Colour = [f32; 3];

/// A number in `[0, 1)` with 24 random bits.
pub(super) fn unit(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// A number in `[low, high)`.
pub(super) fn between(rng: &mut ChaCha8Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * unit(rng)
}

/// A whole number in `low..=high`.
pub(super) fn whole(rng: &mut ChaCha8Rng, low: u32, high: u32) -> u32 {
    let span = u64::from(high - low) + 1;
    low + ((u64::from(rng.next_u32()) * span) >> 32) as u32
}

/// A direction as `(cosine, sine)`, uniform on the circle.
pub(super) fn direction(rng: &mut ChaCha8Rng) -> (f32, f32) {
    loop {
        let (x, y) = (between(rng, -1.0, 1.0), between(rng, -1.0, 1.0));
        let square = x * x + y * y;
        if (0.01..=1.0).contains(&square) {
            let norm = square.sqrt();
            return (x / norm, y / norm);
        }
    }
}

/// A colour, uniform in the RGB cube.
pub(super) fn colour(rng: &mut ChaCha8Rng) -> Colour {
    [unit(rng) * 255.0, unit(rng) * 255.0, unit(rng) * 255.0]
}

/// A colour at least `least` away from `other` (Euclidean, 0 to 441).
pub(super) fn contrasting(rng: &mut ChaCha8Rng, other: Colour, least: f32) -> Colour {
    loop {
        let candidate = colour(rng);
        let distance2: f32 = candidate.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
        if distance2 >= least * least {
            return candidate;
        }
    }
}

/// One image while it is painted.
pub(super) struct Canvas {
    planes: [[f32; AREA]; 3],
}

impl Canvas {
    /// A canvas of one colour.
    pub(super) fn new(base: Colour) -> Self {
        Self { planes: base.map(|value| [value; AREA]) }
    }

    /// Adds a linear ramp through the centre: `slope` per channel from the
    /// centre to the edge, along a direction.
    pub(super) fn ramp(&mut self, (dx, dy): (f32, f32), slope: Colour) {
        let half = SIDE as f32 * 0.5;
        for (plane, slope) in self.planes.iter_mut().zip(slope) {
            for (at, pixel) in plane.iter_mut().enumerate() {
                let x = (at % SIDE) as f32 + 0.5 - half;
                let y = (at / SIDE) as f32 + 0.5 - half;
                *pixel += slope * (x * dx + y * dy) / half;
            }
        }
    }

    /// Adds smooth random texture: a lattice of values every `STEP` pixels,
    /// bilinearly interpolated, of the given amplitude per channel.
    pub(super) fn texture(&mut self, rng: &mut ChaCha8Rng, amplitude: Colour) {
        const STEP: usize = 4;
        const NODES: usize = SIDE / STEP + 1;
        let mut lattice = [0.0f32; NODES * NODES];
        lattice.fill_with(|| between(rng, -1.0, 1.0));
        for (y, row) in (0..SIDE).map(|y| (y, y / STEP)) {
            let fy = (y % STEP) as f32 / STEP as f32;
            for x in 0..SIDE {
                let (column, fx) = (x / STEP, (x % STEP) as f32 / STEP as f32);
                let node = |r: usize, c: usize| lattice[r * NODES + c];
                let top = node(row, column) * (1.0 - fx) + node(row, column + 1) * fx;
                let low = node(row + 1, column) * (1.0 - fx) + node(row + 1, column + 1) * fx;
                let value = top * (1.0 - fy) + low * fy;
                for (plane, amplitude) in self.planes.iter_mut().zip(amplitude) {
                    plane[y * SIDE + x] += amplitude * value;
                }
            }
        }
    }

    /// Paints the region where `inside(x, y)` holds, within `reach` of the
    /// centre, anti-aliased by 4x4 sub-samples, over what is there.
    ///
    /// `x` and `y` are relative to the centre, in pixels.
    pub(super) fn paint(
        &mut self,
        (cx, cy): (f32, f32),
        reach: f32,
        colour: Colour,
        opacity: f32,
        inside: impl Fn(f32, f32) -> bool,
    ) {
        let span = |centre: f32| {
            let low = (centre - reach).max(0.0) as usize;
            let high = ((centre + reach).max(0.0) as usize + 1).min(SIDE);
            low..high
        };
        for y in span(cy) {
            for x in span(cx) {
                let mut hits = 0u32;
                for sub in 0..SUB * SUB {
                    let sx = x as f32 + ((sub % SUB) as f32 + 0.5) / SUB as f32 - cx;
                    let sy = y as f32 + ((sub / SUB) as f32 + 0.5) / SUB as f32 - cy;
                    hits += u32::from(inside(sx, sy));
                }
                if hits == 0 {
                    continue;
                }
                let cover = opacity * hits as f32 / (SUB * SUB) as f32;
                for (plane, colour) in self.planes.iter_mut().zip(colour) {
                    let pixel = &mut plane[y * SIDE + x];
                    *pixel += (colour - *pixel) * cover;
                }
            }
        }
    }

    /// Adds independent triangular noise of at most `amplitude` to every
    /// channel of every pixel and writes the rounded planes to `out`.
    pub(super) fn finish(self, rng: &mut ChaCha8Rng, amplitude: f32, out: &mut [u8]) {
        for (value, out) in self.planes.as_flattened().iter().zip(out) {
            let bits = rng.next_u32();
            // The difference of two uniform 16-bit numbers.
            let noise = (bits >> 16) as f32 - (bits & 0xffff) as f32;
            let value = value + amplitude * noise * (1.0 / 65_536.0);
            *out = (value.clamp(0.0, 255.0) + 0.5) as u8;
        }
    }
}
