//! The verification set of the CKA estimator: closed forms, invariances and
//! limits, each against f64 arithmetic written out here and independent of the
//! estimator's code.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use blockscope::domain::cka::{CkaAccumulator, CkaError, CrossAccumulator, PackedGrams};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Row-major `n x p`.
#[derive(Clone)]
struct Features {
    n: usize,
    p: usize,
    x: Vec<f64>,
}

impl Features {
    fn normal(n: usize, p: usize, rng: &mut ChaCha8Rng) -> Features {
        Features { n, p, x: (0..n * p).map(|_| rng.sample(StandardNormal)).collect() }
    }

    fn map(&self, f: impl Fn(usize, f64) -> f64) -> Features {
        let x = self.x.iter().enumerate().map(|(i, v)| f(i % self.p, *v)).collect();
        Features { n: self.n, p: self.p, x }
    }

    fn times(&self, m: &Features) -> Features {
        let mut x = vec![0.0; self.n * m.p];
        for i in 0..self.n {
            for j in 0..m.p {
                x[i * m.p + j] =
                    (0..self.p).map(|k| self.x[i * self.p + k] * m.x[k * m.p + j]).sum();
            }
        }
        Features { n: self.n, p: m.p, x }
    }

    /// Mixes two feature sets of one size: `a X + b Y`.
    fn mix(&self, a: f64, other: &Features, b: f64) -> Features {
        let x = self.x.iter().zip(&other.x).map(|(x, y)| a * x + b * y).collect();
        Features { n: self.n, p: self.p, x }
    }

    fn rows(&self, from: usize, to: usize) -> Features {
        Features { n: to - from, p: self.p, x: self.x[from * self.p..to * self.p].to_vec() }
    }

    fn f32(&self) -> Vec<f32> {
        self.x.iter().map(|v| *v as f32).collect()
    }

    fn gram(&self) -> Vec<Vec<f64>> {
        let row = |i: usize| &self.x[i * self.p..(i + 1) * self.p];
        (0..self.n)
            .map(|i| {
                (0..self.n).map(|j| row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum()).collect()
            })
            .collect()
    }
}

/// HSIC_1 of Song et al. (2007), the paper's equation 3.
fn hsic_song(a: &Features, b: &Features) -> f64 {
    let (mut k, mut l) = (a.gram(), b.gram());
    let n = k.len();
    for i in 0..n {
        k[i][i] = 0.0;
        l[i][i] = 0.0;
    }
    let nf = n as f64;
    let trace: f64 = (0..n).map(|i| (0..n).map(|j| k[i][j] * l[j][i]).sum::<f64>()).sum();
    let sum = |m: &[Vec<f64>]| m.iter().flatten().sum::<f64>();
    let ones: f64 = (0..n)
        .map(|j| {
            let column: f64 = (0..n).map(|i| k[i][j]).sum();
            column * l[j].iter().sum::<f64>()
        })
        .sum();
    (trace + sum(&k) * sum(&l) / ((nf - 1.0) * (nf - 2.0)) - 2.0 / (nf - 2.0) * ones)
        / (nf * (nf - 3.0))
}

/// Pair-weighted minibatch CKA from Song's form: sums over batches of
/// `b (b - 3) HSIC_1`, one ratio at the end.
fn cka_song(batches: &[(Features, Features)]) -> f64 {
    let sum = |pick: &dyn Fn(&(Features, Features)) -> f64| -> f64 {
        batches.iter().map(|b| (b.0.n * (b.0.n - 3)) as f64 * pick(b)).sum()
    };
    sum(&|b| hsic_song(&b.0, &b.1))
        / (sum(&|b| hsic_song(&b.0, &b.0)) * sum(&|b| hsic_song(&b.1, &b.1))).sqrt()
}

fn grams(layers: &[&Features]) -> PackedGrams {
    let mut grams = PackedGrams::new(layers.len(), layers[0].n).unwrap();
    for (at, layer) in layers.iter().enumerate() {
        grams.set_rows(at, &layer.f32()).unwrap();
    }
    grams
}

fn cka(layers: &[&Features]) -> blockscope::domain::SimilarityMatrix {
    let mut sums = CkaAccumulator::new(layers.len());
    sums.add(&grams(layers)).unwrap();
    sums.finish().unwrap().cka
}

#[test]
fn both_forms_of_hsic_agree() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut batches = Vec::new();
    let mut sums = CkaAccumulator::new(2);
    for n in [24, 24, 7] {
        let a = Features::normal(n, 30, &mut rng);
        let b = a.mix(0.6, &Features::normal(n, 30, &mut rng), 0.8);
        sums.add(&grams(&[&a, &b])).unwrap();
        batches.push((a, b));
    }
    let ours = sums.finish().unwrap().cka.get(0, 1).unwrap();
    assert!((ours - cka_song(&batches)).abs() < 1e-6, "{ours}");
}

#[test]
fn invariant_to_rotation_scale_and_translation_only() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (n, p) = (40, 12);
    let a = Features::normal(n, p, &mut rng);
    let b = a.mix(1.0, &Features::normal(n, p, &mut rng), 1.0);
    let base = cka(&[&a, &b]).get(0, 1).unwrap();
    // A rotation: Gram-Schmidt of a random matrix.
    let mut q = Features::normal(p, p, &mut rng);
    for i in 0..p {
        for j in 0..i {
            let dot: f64 = (0..p).map(|k| q.x[i * p + k] * q.x[j * p + k]).sum();
            (0..p).for_each(|k| q.x[i * p + k] -= dot * q.x[j * p + k]);
        }
        let norm: f64 = (0..p).map(|k| q.x[i * p + k].powi(2)).sum::<f64>().sqrt();
        (0..p).for_each(|k| q.x[i * p + k] /= norm);
    }
    let moved = [a.times(&q), a.map(|_, v| 37.5 * v), a.map(|c, v| v + 0.3 * c as f64 - 2.0)];
    for other in &moved {
        assert!((cka(&[other, &b]).get(0, 1).unwrap() - base).abs() < 1e-5);
        assert!((cka(&[&a, other]).get(0, 1).unwrap() - 1.0).abs() < 1e-5);
    }
    let stretched = a.map(|c, v| if c == 0 { 25.0 * v } else { v });
    assert!((cka(&[&stretched, &b]).get(0, 1).unwrap() - base).abs() > 0.05);
}

#[test]
fn a_layer_is_identical_to_itself_and_the_map_is_symmetric() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let layers: Vec<Features> = (1..5).map(|k| Features::normal(16, 9 * k, &mut rng)).collect();
    let map = cka(&layers.iter().collect::<Vec<_>>());
    for i in 0..4 {
        assert!((map.get(i, i).unwrap() - 1.0).abs() < 1e-12);
        for j in 0..4 {
            assert_eq!(map.get(i, j), map.get(j, i));
        }
    }
}

#[test]
fn independent_features_are_near_zero_with_many_more_features_than_examples() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut sums = CkaAccumulator::new(2);
    for _ in 0..12 {
        let a = Features::normal(48, 3000, &mut rng);
        let b = Features::normal(48, 3000, &mut rng);
        sums.add(&grams(&[&a, &b])).unwrap();
    }
    let estimate = sums.finish().unwrap();
    let (value, se) = (estimate.cka.get(0, 1).unwrap(), estimate.se.get(0, 1).unwrap());
    // The biased estimator would give about 0.98 here.
    assert!(value.abs() < 0.05, "{value}");
    assert!(value.abs() < 5.0 * se, "{value} +- {se}");
}

#[test]
fn cross_model_is_the_block_of_the_stacked_run() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut stacked = CkaAccumulator::new(5);
    let mut cross = CrossAccumulator::new(2, 3);
    for n in [20, 20, 9] {
        let base = Features::normal(n, 50, &mut rng);
        let layers: Vec<Features> = (0..5)
            .map(|k| base.mix(1.0, &Features::normal(n, 50, &mut rng), 0.3 * k as f64))
            .collect();
        let all: Vec<&Features> = layers.iter().collect();
        stacked.add(&grams(&all)).unwrap();
        cross.add(&grams(&all[..2]), &grams(&all[2..])).unwrap();
    }
    let (whole, block) = (stacked.finish().unwrap(), cross.finish().unwrap());
    for i in 0..2 {
        for j in 0..3 {
            let difference = whole.cka.get(i, 2 + j).unwrap() - block.cka.get(i, j).unwrap();
            assert!(difference.abs() < 1e-6);
            let difference = whole.se.get(i, 2 + j).unwrap() - block.se.get(i, j).unwrap();
            assert!(difference.abs() < 1e-6);
        }
    }
}

#[test]
fn a_mean_of_thirty_deviations_keeps_four_digits() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (n, p) = (96, 1024);
    let common = Features::normal(n, p, &mut rng);
    let a = common.mix(1.0, &Features::normal(n, p, &mut rng), 0.2);
    let b = common.mix(1.0, &Features::normal(n, p, &mut rng), 0.2);
    let exact = cka_song(&[(a.clone(), b.clone())]);
    let shifted = [a.map(|_, v| v + 30.0), b.map(|_, v| v - 30.0)];
    let ours = cka(&[&shifted[0], &shifted[1]]).get(0, 1).unwrap();
    assert!((ours - exact).abs() < 1e-4, "{ours} against {exact}");
}

#[test]
fn a_layer_that_overflows_is_told_from_a_dead_one_and_is_never_a_number() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut sums = CkaAccumulator::new(4);
    let mut cross = CrossAccumulator::new(4, 4);
    for _ in 0..3 {
        let live: Vec<f32> = (0..16 * 8).map(|_| random.random::<f32>() - 0.5).collect();
        let huge: Vec<f32> = live.iter().map(|v| v * 1e30).collect();
        let other: Vec<f32> = live.iter().map(|v| v * v).collect();
        let mut grams = PackedGrams::new(4, 16).unwrap();
        for (layer, rows) in [&live, &huge, &vec![1.0; 16 * 8], &other].into_iter().enumerate() {
            grams.set_rows(layer, rows).unwrap();
        }
        sums.add(&grams).unwrap();
        cross.add(&grams, &grams).unwrap();
    }
    for found in [sums.finish().unwrap(), cross.finish().unwrap()] {
        // either it is right or it is told
        for layer in 0..4 {
            match found.cka.get(0, layer) {
                Some(value) if layer == 1 => assert!((value - 1.0).abs() < 1e-6, "{value}"),
                None if layer == 1 => assert_eq!(found.not_finite, [1]),
                value => assert_eq!(value.is_some(), layer != 2),
            }
        }
        assert!(!found.not_finite.contains(&2));
    }
}

#[test]
fn a_dead_layer_is_undefined_and_the_others_are_not() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let live = Features::normal(12, 20, &mut rng);
    for constant in [0.0, 0.1, 1e6] {
        let dead = live.map(|_, _| constant);
        let map = cka(&[&live, &dead]);
        assert!(map.get(0, 0).is_some());
        assert_eq!((map.get(0, 1), map.get(1, 0), map.get(1, 1)), (None, None, None));
    }
}

#[test]
fn negative_cka_is_kept_as_it_is() {
    // With tiny batches the unbiased estimate is often below zero.
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut negative = 0;
    for _ in 0..40 {
        let a = Features::normal(6, 400, &mut rng);
        let b = Features::normal(6, 400, &mut rng);
        let exact = cka_song(&[(a.clone(), b.clone())]);
        let ours = cka(&[&a, &b]).get(0, 1).unwrap();
        assert!((ours - exact).abs() < 1e-4);
        negative += usize::from(ours < 0.0);
    }
    assert!(negative > 5, "{negative} of 40");
}

#[test]
fn batches_below_four_are_refused() {
    assert_eq!(PackedGrams::new(3, 3).unwrap_err(), CkaError::BatchTooSmall(3));
    assert!(PackedGrams::new(3, 4).is_ok());
}

#[test]
fn ill_fitting_batches_are_refused() {
    let mut sums = CkaAccumulator::new(2);
    assert!(sums.finish().is_err());
    assert!(sums.add(&PackedGrams::new(3, 8).unwrap()).is_err());
    assert!(sums.add(&PackedGrams::new(2, 8).unwrap()).is_err(), "a layer was never set");
    let mut grams = PackedGrams::new(2, 8).unwrap();
    assert!(grams.set_rows(0, &[1.0; 12]).is_err());
    assert!(grams.set_rows(0, &[]).is_err());
}

#[test]
fn standard_errors_are_the_delete_one_jackknife() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let batches: Vec<(Features, Features)> = [10, 10, 10, 6]
        .into_iter()
        .map(|n| {
            let a = Features::normal(n, 15, &mut rng);
            let b = a.mix(1.0, &Features::normal(n, 15, &mut rng), 1.0);
            (a, b)
        })
        .collect();
    let mut sums = CkaAccumulator::new(2);
    for (a, b) in &batches {
        sums.add(&grams(&[a, b])).unwrap();
    }
    let left_out: Vec<f64> = (0..4)
        .map(|t| {
            let rest: Vec<_> = batches
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != t)
                .map(|(_, b)| b.clone())
                .collect();
            cka_song(&rest)
        })
        .collect();
    let mean = left_out.iter().sum::<f64>() / 4.0;
    let exact = (0.75 * left_out.iter().map(|v| (v - mean).powi(2)).sum::<f64>()).sqrt();
    let ours = sums.finish().unwrap().se.get(0, 1).unwrap();
    assert!((ours - exact).abs() < 1e-6, "{ours} against {exact}");
}

#[test]
fn many_batches_are_grouped_without_changing_the_estimate() {
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    let a = Features::normal(600 * 4, 3, &mut rng);
    let b = a.mix(1.0, &Features::normal(600 * 4, 3, &mut rng), 1.0);
    let mut sums = CkaAccumulator::new(2);
    let mut batches = Vec::new();
    for t in 0..600 {
        let pair = (a.rows(4 * t, 4 * t + 4), b.rows(4 * t, 4 * t + 4));
        sums.add(&grams(&[&pair.0, &pair.1])).unwrap();
        batches.push(pair);
    }
    let estimate = sums.finish().unwrap();
    assert_eq!(estimate.batches, 600);
    assert!((estimate.cka.get(0, 1).unwrap() - cka_song(&batches)).abs() < 1e-6);
    assert!(estimate.se.get(0, 1).unwrap() > 0.0);
}

/// NumPy's values in extended precision, from `tests/fixtures/make_cka.py`.
#[test]
fn the_map_and_its_errors_are_numpys() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let matrix =
        |name: &str| -> ndarray::Array2<f64> { ndarray_npy::read_npy(folder.join(name)).unwrap() };
    let layers: Vec<_> = (0..4).map(|k| matrix(&format!("cka_layer{k}.npy"))).collect();
    let (expected, expected_se) = (matrix("cka_expected.npy"), matrix("cka_expected_se.npy"));
    let mut sums = CkaAccumulator::new(4);
    let mut from = 0;
    for n in [12, 12, 12, 7] {
        let mut grams = PackedGrams::new(4, n).unwrap();
        for (at, layer) in layers.iter().enumerate() {
            let rows: Vec<f32> =
                layer.slice(ndarray::s![from..from + n, ..]).iter().map(|v| *v as f32).collect();
            grams.set_rows(at, &rows).unwrap();
        }
        sums.add(&grams).unwrap();
        from += n;
    }
    let estimate = sums.finish().unwrap();
    for ((i, j), expected) in expected.indexed_iter() {
        if expected.is_nan() {
            assert_eq!((estimate.cka.get(i, j), estimate.se.get(i, j)), (None, None));
            continue;
        }
        let value = estimate.cka.get(i, j).unwrap();
        assert!((value - expected).abs() < 2e-6, "cell {i},{j}: {value} against {expected}");
        let se = estimate.se.get(i, j).unwrap();
        assert!((se - expected_se[(i, j)]).abs() < 2e-6, "cell {i},{j}: error {se}");
    }
}
