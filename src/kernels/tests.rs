//! The kernels against a naive convolution in f64, on random sizes.

use pulp::Arch;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn random(rng: &mut ChaCha8Rng, len: usize) -> Vec<f32> {
    (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Calls `f` with the flat indices of input, weight and output of every product.
fn products(g: &Geometry, mut f: impl FnMut(usize, usize, usize)) {
    let [oh, ow] = g.out_side();
    let k = g.kernel;
    for n in 0..g.batch {
        for (oy, ox) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
            for (ky, kx) in (0..k).flat_map(|y| (0..k).map(move |x| (y, x))) {
                let (y, x) = (oy * g.stride + ky, ox * g.stride + kx);
                let inside = |v: usize, side: usize| v >= g.padding && v - g.padding < side;
                if !inside(y, g.height) || !inside(x, g.width) {
                    continue;
                }
                let (y, x) = (y - g.padding, x - g.padding);
                for i in 0..g.inputs {
                    for o in 0..g.outputs {
                        f(
                            ((n * g.height + y) * g.width + x) * g.inputs + i,
                            ((o * g.inputs + i) * k + ky) * k + kx,
                            ((n * oh + oy) * ow + ox) * g.outputs + o,
                        );
                    }
                }
            }
        }
    }
}

struct Case {
    g: Geometry,
    x: Vec<f32>,
    w: Vec<f32>,
    b: Vec<f32>,
    dy: Vec<f32>,
}

impl Case {
    fn new(g: Geometry, seed: u64) -> Case {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Case {
            x: random(&mut rng, g.input_len()),
            w: random(&mut rng, g.weight_len()),
            b: random(&mut rng, g.outputs),
            dy: random(&mut rng, g.output_len()),
            g,
        }
    }

    /// Output, gradients of input, weight and bias.
    fn ours(&self, arch: Arch) -> [Vec<f32>; 4] {
        let g = &self.g;
        let mut r = [g.output_len(), g.input_len(), g.weight_len(), g.outputs]
            .map(|len| vec![f32::NAN; len]);
        forward(arch, g, &self.x, &self.w, After { bias: &self.b, ..After::default() }, &mut r[0]);
        input_grad(arch, g, &self.dy, &self.w, &mut r[1]);
        weight_grad(arch, g, &self.x, &self.dy, &mut r[2]);
        bias_grad(&self.dy, &mut r[3]);
        r
    }

    fn naive(&self) -> [Vec<f64>; 4] {
        let g = &self.g;
        let wide = |v: &[f32]| v.iter().map(|v| f64::from(*v)).collect::<Vec<f64>>();
        let (x, w, dy) = (wide(&self.x), wide(&self.w), wide(&self.dy));
        let mut y: Vec<f64> =
            (0..g.output_len()).map(|i| f64::from(self.b[i % g.outputs])).collect();
        let mut dx = vec![0.0; g.input_len()];
        let mut dw = vec![0.0; g.weight_len()];
        let mut db = vec![0.0; g.outputs];
        dy.iter().enumerate().for_each(|(i, v)| db[i % g.outputs] += v);
        products(g, |i, k, o| {
            y[o] += x[i] * w[k];
            dx[i] += dy[o] * w[k];
            dw[k] += x[i] * dy[o];
        });
        [y, dx, dw, db]
    }

    /// The first `parts` of what is computed are those of the naive convolution.
    fn agrees(&self, archs: &[Arch], parts: usize, limit: f64) {
        let naive = self.naive();
        for arch in archs {
            for (part, (ours, naive)) in self.ours(*arch).iter().zip(&naive).take(parts).enumerate()
            {
                let d = distance(ours, naive.iter().copied());
                assert!(d < limit, "part {part}: {d:e} with {arch:?} for {:?}", self.g);
            }
        }
    }
}

/// Largest difference relative to the largest value.
fn distance(a: &[f32], b: impl Iterator<Item = f64>) -> f64 {
    let (mut difference, mut scale) = (0.0_f64, 1e-3_f64);
    for (a, b) in a.iter().zip(b) {
        assert!(a.is_finite());
        difference = difference.max((f64::from(*a) - b).abs());
        scale = scale.max(b.abs());
    }
    difference / scale
}

/// Every instruction set that this machine has.
fn archs() -> Vec<Arch> {
    let mut archs = vec![Arch::Scalar];
    #[cfg(target_arch = "x86_64")]
    {
        archs.extend(pulp::x86::V3::try_new().map(Arch::V3));
        archs.extend(pulp::x86::V4::try_new().map(Arch::V4));
    }
    #[cfg(not(target_arch = "x86_64"))]
    archs.push(Arch::new());
    archs
}

fn random_geometry(rng: &mut ChaCha8Rng) -> Geometry {
    let kernel = if rng.random_bool(0.7) { 3 } else { 1 };
    let whole = rng.random_bool(0.5);
    // Sizes whose product keeps the naive convolution fast.
    loop {
        let mut g = Geometry {
            batch: rng.random_range(1..=70),
            height: rng.random_range(1..=17),
            width: rng.random_range(1..=17),
            inputs: rng.random_range(1..=70),
            outputs: rng.random_range(1..=70),
            kernel,
            stride: rng.random_range(1..=2),
            padding: kernel / 2,
        };
        if whole {
            // those that minimal filtering takes, but for the stride
            [g.inputs, g.outputs] = [g.inputs, g.outputs].map(|c| c.next_multiple_of(16));
            [g.height, g.width] = [g.height, g.width].map(|side| side.next_multiple_of(2));
        }
        if g.output_len() * g.inputs * kernel * kernel < 4_000_000 {
            return g;
        }
    }
}

#[test]
fn random_sizes_agree_with_the_naive_convolution() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for seed in 0..60 {
        let case = Case::new(random_geometry(&mut rng), seed);
        case.agrees(&archs(), 4, 1e-5);
    }
}

#[test]
fn what_follows_a_convolution_is_what_it_says() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for seed in 0..30 {
        let case = Case::new(random_geometry(&mut rng), seed);
        let g = &case.g;
        for arch in archs() {
            let skip = &case.dy;
            let after = After { bias: &case.b, skip: Some(skip), relu: true };
            let mut found = vec![f32::NAN; g.output_len()];
            forward(arch, g, &case.x, &case.w, after, &mut found);
            let plain = &case.ours(arch)[0];
            let expected = plain.iter().zip(skip).map(|(v, s)| f64::from(v + s).max(0.0));
            let d = distance(&found, expected);
            assert!(d < 1e-6, "{d:e} with {arch:?} for {g:?}");
        }
    }
}

#[test]
fn minimal_filtering_agrees_with_the_naive_convolution_at_a_networks_sizes() {
    for (seed, (channels, side)) in [(16, 32), (32, 16), (64, 8), (48, 2)].into_iter().enumerate() {
        let [height, width] = [side, side];
        let g = Geometry {
            batch: 3,
            height,
            width,
            inputs: channels,
            outputs: channels,
            kernel: 3,
            stride: 1,
            padding: 1,
        };
        assert!(winograd::suits(&g));
        Case::new(g, seed as u64).agrees(&archs(), 3, 2e-6);
    }
}

#[test]
fn unusual_kernels_strides_and_paddings_agree_too() {
    let base = Geometry {
        batch: 2,
        height: 9,
        width: 11,
        inputs: 5,
        outputs: 18,
        kernel: 3,
        stride: 1,
        padding: 1,
    };
    for kernel in 1..=5 {
        for stride in 1..=4 {
            for padding in 0..kernel {
                let case = Case::new(Geometry { kernel, stride, padding, ..base }, 9);
                case.agrees(&[Arch::new()], 4, 1e-5);
            }
        }
    }
}

#[test]
fn instruction_sets_agree() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for seed in 0..20 {
        let case = Case::new(random_geometry(&mut rng), seed);
        let scalar = case.ours(Arch::Scalar);
        for arch in archs() {
            for (a, b) in case.ours(arch).iter().zip(&scalar) {
                let d = distance(a, b.iter().map(|v| f64::from(*v)));
                assert!(d < 1e-6, "{d:e} with {arch:?} for {:?}", case.g);
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for seed in 0..10 {
        let case = Case::new(random_geometry(&mut rng), seed);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| case.ours(Arch::new()))
        };
        let one = run(1);
        assert!(one == run(2) && one == run(5), "{:?}", case.g);
    }
}
