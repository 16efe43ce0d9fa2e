//! Softmax regression against finite differences, plain f64 loops and
//! scikit-learn (fixtures of `tests/fixtures/make_probe.py`).

use ndarray::{Array1, Array2};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::*;

fn normal(len: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| rng.sample::<f32, _>(StandardNormal)).collect()
}

/// Features far from centred, with scales that differ.
fn features(n: usize, p: usize, seed: u64) -> Vec<f32> {
    let at = |i: usize, v: f32| 3.0 + v * (1.0 + (i % p % 5) as f32);
    normal(n * p, seed).into_iter().enumerate().map(|(i, v)| at(i, v)).collect()
}

fn labels(n: usize, classes: u16) -> Vec<u16> {
    (0..n).map(|i| (i * 7 % 11) as u16 % classes).collect()
}

fn measured(rows: &[f32], p: usize) -> Standardiser {
    let mut moments = Moments::new(p);
    moments.add(rows);
    moments.finish().unwrap()
}

fn stack(rows: &[f32], p: usize, classes: usize, rates: &[f64]) -> SoftmaxStack {
    let initial: Vec<f32> = normal(p * classes, 5);
    SoftmaxStack::new(measured(rows, p), &initial, classes, rates, 0.9)
}

/// Mean cross-entropy of a classifier, all in f64 and from the definition.
fn loss(s: &Standardiser, weights: &[f64], bias: &[f64], rows: &[f32], labels: &[u16]) -> f64 {
    let (p, c) = (s.features(), bias.len());
    let one = |(row, label): (&[f32], &u16)| {
        let z: Vec<f64> = (0..c)
            .map(|class| {
                let x = |f: usize| (f64::from(row[f]) - f64::from(s.mean[f])) * f64::from(s.scale);
                (0..p).map(|f| x(f) * weights[f * c + class]).sum::<f64>() + bias[class]
            })
            .collect();
        z.iter().map(|v| v.exp()).sum::<f64>().ln() - z[usize::from(*label)]
    };
    rows.chunks(p).zip(labels).map(one).sum::<f64>() / labels.len() as f64
}

#[test]
fn standardised_features_are_centred_and_have_unit_mean_square() {
    let (n, p) = (50, 700);
    let rows = features(n, p, 1);
    let s = measured(&rows, p);
    let mut out = Vec::new();
    let (mut square, mut worst) = (0.0, 0.0f64);
    for start in [0, CHUNK] {
        let width = CHUNK.min(p - start);
        s.chunk(&rows, start, width, &mut out);
        for f in 0..width {
            let column = || (0..n).map(|i| f64::from(out[i * STRIDE + f]));
            worst = worst.max(column().sum::<f64>().abs());
            square += column().map(|v| v * v).sum::<f64>() / n as f64;
        }
    }
    assert!(worst < 1e-5, "{worst}");
    assert!((square - 1.0).abs() < 1e-5, "{square}");
}

#[test]
fn constant_features_become_zero_and_values_that_are_not_finite_are_refused() {
    let rows: Vec<f32> = (0..6).flat_map(|_| [0.1f32, 1e7, -3.3]).collect();
    assert_eq!(measured(&rows, 3).scale, 0.0);
    assert!(Moments::new(3).finish().is_none());
    let mut moments = Moments::new(1);
    moments.add(&[1.0, f32::NAN]);
    assert!(moments.finish().is_none());
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    // More than one chunk of features, two classifiers in the stack.
    let (n, p, c) = (9, CHUNK + 30, 3);
    let (rows, labels) = (features(n, p, 2), labels(n, 3));
    let mut stack = stack(&rows, p, c, &[0.5, 0.1]);
    stack.step(&rows, &labels, 1.0);
    let residual = stack.residual(&rows, &labels);
    let k = 2 * c;
    let (mut scratch, mut gradient) = (Vec::new(), Vec::new());
    for rate in 0..2 {
        let now = stack.classifier(rate);
        let weights: Vec<f64> = now.weights.iter().map(|w| f64::from(*w)).collect();
        let at = |w: &[f64], b: &[f64]| loss(&stack.standardiser, w, b, &rows, &labels);
        assert!((residual.loss[rate] - at(&weights, &now.bias)).abs() < 1e-6);
        let step = 1e-4;
        for class in 0..c {
            let moved = |by: f64| {
                let mut bias = now.bias.clone();
                bias[class] += by;
                at(&weights, &bias)
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step);
            let exact = residual.bias[rate * c + class];
            assert!((slope - exact).abs() < 1e-6, "{slope} {exact}");
            for feature in [0, 1, 200, CHUNK - 1, CHUNK, p - 1] {
                let moved = |by: f64| {
                    let mut weights = weights.clone();
                    weights[feature * c + class] += by;
                    at(&weights, &now.bias)
                };
                let slope = (moved(step) - moved(-step)) / (2.0 * step);
                let chunk = feature / CHUNK;
                let s = &stack.standardiser;
                weight_gradient(s, &rows, chunk, &residual.outputs, k, &mut scratch, &mut gradient);
                let exact = f64::from(gradient[feature % CHUNK * k + rate * c + class]);
                assert!((slope - exact).abs() < 1e-6, "{feature}: {slope} {exact}");
            }
        }
    }
}

#[test]
fn steps_are_sgd_with_momentum() {
    let (n, p, c) = (12, 5, 4);
    let (rows, labels) = (features(n, p, 3), labels(n, 4));
    let mut stack = stack(&rows, p, c, &[0.7]);
    let mut weights: Vec<f64> = stack.weights.iter().map(|w| f64::from(*w)).collect();
    let mut bias = vec![0.0; c];
    let (mut velocity, mut bias_velocity) = (vec![0.0; p * c], vec![0.0; c]);
    for _ in 0..20 {
        stack.step(&rows, &labels, 1.0);
        let s = &stack.standardiser;
        let slope = |at: Option<usize>, class: Option<usize>| {
            let moved = |by: f64| {
                let (mut w, mut b) = (weights.clone(), bias.clone());
                at.iter().for_each(|at| w[*at] += by);
                class.iter().for_each(|class| b[*class] += by);
                loss(s, &w, &b, &rows, &labels)
            };
            (moved(1e-5) - moved(-1e-5)) / 2e-5
        };
        let gradient: Vec<f64> = (0..p * c).map(|at| slope(Some(at), None)).collect();
        let bias_gradient: Vec<f64> = (0..c).map(|class| slope(None, Some(class))).collect();
        for (at, g) in gradient.iter().enumerate() {
            velocity[at] = 0.9 * velocity[at] + g;
            weights[at] -= 0.7 * velocity[at];
        }
        for (at, g) in bias_gradient.iter().enumerate() {
            bias_velocity[at] = 0.9 * bias_velocity[at] + g;
            bias[at] -= 0.7 * bias_velocity[at];
        }
    }
    for (a, b) in stack.weights.iter().zip(&weights) {
        assert!((f64::from(*a) - b).abs() < 1e-4, "{a} {b}");
    }
    assert!(stack.bias.iter().zip(&bias).all(|(a, b)| (a - b).abs() < 1e-4));
}

#[test]
fn classifiers_of_a_stack_are_those_trained_alone() {
    let (n, p, c) = (16, 40, 3);
    let (rows, labels) = (features(n, p, 4), labels(n, 3));
    let mut both = stack(&rows, p, c, &[0.5, 3.0]);
    let mut alone = stack(&rows, p, c, &[3.0]);
    for _ in 0..10 {
        let (a, b) = (both.step(&rows, &labels, 1.0), alone.step(&rows, &labels, 1.0));
        assert!((a[1] - b[0]).abs() < 1e-6 && a[0] != a[1] || a[0] == a[1]);
    }
    let (a, b) = (both.classifier(1), alone.classifier(0));
    assert!(a.weights.iter().zip(&b.weights).all(|(a, b)| (a - b).abs() < 1e-5));
    assert_eq!(both.correct(&rows, &labels)[1], a.correct(&rows, &labels));
    assert_ne!(both.classifier(0).weights, a.weights);
}

#[test]
fn shift_and_scale_of_the_features_change_nothing() {
    let (n, p, c) = (24, 33, 3);
    let (rows, labels) = (features(n, p, 6), labels(n, 3));
    let moved: Vec<f32> = rows.iter().map(|v| 8.0 * v + 64.0).collect();
    let (mut a, mut b) = (stack(&rows, p, c, &[1.0]), stack(&moved, p, c, &[1.0]));
    for _ in 0..30 {
        let (a, b) = (a.step(&rows, &labels, 1.0), b.step(&moved, &labels, 1.0));
        assert!((a[0] - b[0]).abs() < 1e-4, "{a:?} {b:?}");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let (n, p, c) = (20, 9_000, 10);
    let (rows, labels) = (features(n, p, 7), labels(n, 10));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut stack = stack(&rows, p, c, &[0.3, 3.0]);
            let losses: Vec<Vec<f64>> = (0..3).map(|_| stack.step(&rows, &labels, 1.0)).collect();
            (losses, stack.classifier(1))
        })
    };
    assert_eq!(run(1), run(3));
}

/// 600 examples of 20 features that differ in mean and scale, five classes that
/// overlap; the first 400 train.
#[test]
fn sgd_reaches_the_multinomial_logistic_regression_of_scikit_learn() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let x: Array2<f32> = ndarray_npy::read_npy(folder.join("probe_features.npy")).unwrap();
    let y: Array1<i64> = ndarray_npy::read_npy(folder.join("probe_labels.npy")).unwrap();
    // Train loss, train accuracy, test accuracy.
    let expected: Array1<f64> = ndarray_npy::read_npy(folder.join("probe_expected.npy")).unwrap();
    let (rows, p, train) = (x.as_slice().unwrap(), x.ncols(), 400);
    let labels: Vec<u16> = y.iter().map(|v| *v as u16).collect();
    let (train_rows, test_rows) = rows.split_at(train * p);
    let mut stack = stack(train_rows, p, 5, &[0.3]);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut order: Vec<usize> = (0..train).collect();
    for _ in 0..300 {
        order.shuffle(&mut rng);
        for batch in order.chunks_exact(80) {
            let batch_rows: Vec<f32> =
                batch.iter().flat_map(|i| &rows[i * p..(i + 1) * p]).copied().collect();
            let batch_labels: Vec<u16> = batch.iter().map(|i| labels[*i]).collect();
            stack.step(&batch_rows, &batch_labels, 1.0);
        }
    }
    let loss = stack.residual(train_rows, &labels[..train]).loss[0];
    assert!((loss - expected[0]).abs() < 0.01, "{loss} {}", expected[0]);
    let classifier = stack.classifier(0);
    let accuracy = |rows: &[f32], labels: &[u16]| {
        classifier.correct(rows, labels) as f64 / labels.len() as f64
    };
    let trained = accuracy(train_rows, &labels[..train]);
    assert!((trained - expected[1]).abs() < 0.0101, "{trained} {}", expected[1]);
    let tested = accuracy(test_rows, &labels[train..]);
    assert!((tested - expected[2]).abs() < 0.0101, "{tested} {}", expected[2]);
}
