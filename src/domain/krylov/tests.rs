//! Tests of `krylov`: against the exact way, and where it must give way to it.

use super::*;
use crate::fixtures::noise::noise;

/// Rows whose column `f` has a standard deviation of about `deviation(f)` about
/// `mean`, mixed with their neighbours so that no column is a component.
fn rows(n: usize, p: usize, mean: f32, seed: u64, deviation: impl Fn(usize) -> f32) -> Vec<f32> {
    let x = noise(n * p, seed);
    let value = |i: usize, f: usize| x[i * p + f] * deviation(f);
    let mixed = |at: usize| {
        let (i, f) = (at / p, at % p);
        mean + value(i, f) + 0.3 * value(i, (f * 7 + 1) % p) - 0.2 * value(i, (f * 3 + 5) % p)
    };
    (0..n * p).map(mixed).collect()
}

fn exactly(rows: &[f32], n: usize, k: usize) -> Leading {
    eigen::leading(&symmetric_product(rows, n, Centre::Columns), k).unwrap()
}

fn cosine(a: &Leading, b: &Leading) -> f64 {
    dot(&a.first, &b.first).abs()
}

/// Shares to 1e-5 of themselves, and the first vector.
fn agree(found: &Solved, exact: &Leading) {
    let leading = found.leading.as_ref().unwrap();
    assert!((leading.trace / exact.trace - 1.0).abs() < 1e-6);
    for (i, (a, b)) in leading.values.iter().zip(&exact.values).enumerate() {
        let off = (a / leading.trace - b / exact.trace).abs();
        assert!(off < 1e-5 * b / exact.trace, "value {i}: {a} {b}");
    }
    assert!(cosine(leading, exact) > 1.0 - 1e-6, "{}", cosine(leading, exact));
}

/// One solver over layers that have nothing in common, and much.
#[test]
fn slowly_decaying_spectra_are_those_of_the_gram_matrix() {
    for (n, p) in [(300, 700), (257, 64), (520, 1500)] {
        let mut solver = Solver::new(n, 5);
        for (layer, power) in [0.5f32, 0.5, 1.0, 0.3].into_iter().enumerate() {
            let seed = (layer / 2) as u64 + 3;
            let x = rows(n, p, 0.0, seed, |f| (1.0 + f as f32).powf(-power));
            let found = solver.solve(Rows::new(&x, n));
            agree(&found, &exactly(&x, n, 5));
            assert!(!found.exact && found.sweeps <= MOST_STEPS, "{n} {p} {power}");
        }
    }
}

#[test]
fn a_mean_of_thirty_deviations_changes_nothing() {
    let (n, p) = (300, 900);
    let deviation = |f: usize| (1.0 + f as f32).powf(-0.6);
    for mean in [0.0, 1.0, 30.0] {
        let x = rows(n, p, mean, 5, deviation);
        let found = Solver::new(n, 5).solve(Rows::new(&x, n));
        agree(&found, &exactly(&x, n, 5));
    }
    // each column its own mean
    let mut x = rows(n, p, 0.0, 5, deviation);
    x.iter_mut().enumerate().for_each(|(at, v)| *v += 30.0 * deviation(at % p));
    let found = Solver::new(n, 5).solve(Rows::new(&x, n));
    agree(&found, &exactly(&x, n, 5));
    assert!(!found.exact);
}

#[test]
fn few_features_and_low_rank_are_solved() {
    let n = 400;
    for p in [1, 2, 3, 7, 10, 17, 64] {
        let x = rows(n, p, 2.0, p as u64, |f| 1.0 / (1.0 + f as f32));
        let found = Solver::new(n, 5).solve(Rows::new(&x, n));
        let (leading, exact) = (found.leading.unwrap(), exactly(&x, n, 5));
        assert_eq!(leading.values.len(), 5);
        for (a, b) in leading.values.iter().zip(&exact.values) {
            assert!((a - b).abs() < 1e-5 * b.max(1e-1 * exact.values[0]), "{p}: {a} {b}");
        }
        assert!(cosine(&leading, &exact) > 1.0 - 1e-6, "{p}");
    }
    // rank one, of many features
    let one: Vec<f32> =
        (0..n * 300).map(|at| ((at / 300) % 7) as f32 * (at % 300) as f32).collect();
    let found = Solver::new(n, 5).solve(Rows::new(&one, n));
    let leading = found.leading.unwrap();
    assert!((leading.values[0] / leading.trace - 1.0).abs() < 1e-6 && !found.exact);
    // one example that differs
    let one: Vec<f32> = (0..n).map(|i| f32::from(i == 3)).collect();
    let leading = Solver::new(n, 5).solve(Rows::new(&one, n)).leading.unwrap();
    assert!((leading.values[0] / leading.trace - 1.0).abs() < 1e-6);
}

#[test]
fn dead_layers_have_no_components_and_do_not_spoil_the_next() {
    let n = 300;
    let mut solver = Solver::new(n, 5);
    let x = rows(n, 200, 0.0, 1, |f| 1.0 / (1.0 + f as f32));
    let before = solver.solve(Rows::new(&x, n)).leading.unwrap();
    for dead in [vec![0.0f32; n * 40], vec![-3.3; n * 40]] {
        let found = solver.solve(Rows::new(&dead, n));
        assert_eq!((found.leading, found.tally.trace), (None, 0.0));
    }
    let again = solver.solve(Rows::new(&x, n));
    agree(&again, &before);
}

/// A direction that the layer before had nothing of is found.
#[test]
fn what_is_new_in_a_layer_is_seen() {
    let (n, p) = (512, 40);
    let mut solver = Solver::new(n, 5);
    // patterns with disjoint frequencies are orthogonal
    let wave = |i: usize, f: usize| {
        (std::f32::consts::TAU * ((f + 1) * i) as f32 / n as f32).cos() / (1.0 + f as f32)
    };
    let old: Vec<f32> = (0..n * p).map(|at| wave(at / p, at % p)).collect();
    let first = solver.solve(Rows::new(&old, n));
    agree(&first, &exactly(&old, n, 5));
    let new: Vec<f32> = (0..n * p)
        .map(|at| {
            wave(at / p, at % p) + if at % p == 7 { 5.0 * wave(at / p, 200) * 201.0 } else { 0.0 }
        })
        .collect();
    agree(&solver.solve(Rows::new(&new, n)), &exactly(&new, n, 5));
}

#[test]
fn equal_leading_eigenvalues_end_and_fall_back() {
    let n = 256;
    // a cosine and a sine of one frequency: two equal eigenvalues
    let x: Vec<f32> = (0..n)
        .flat_map(|i| {
            let angle = std::f32::consts::TAU * (3 * i) as f32 / n as f32;
            [angle.cos(), angle.sin(), 0.1 * (angle * 2.0).cos()]
        })
        .collect();
    let found = Solver::new(n, 5).solve(Rows::new(&x, n));
    let leading = found.leading.unwrap();
    assert!(found.exact && found.sweeps <= MOST_STEPS);
    assert!((leading.values[0] / leading.values[1] - 1.0).abs() < 1e-5);
    let size: f64 = dot(&leading.first, &leading.first);
    assert!((size - 1.0).abs() < 1e-6);
}

#[test]
fn few_examples_and_many_components_take_the_exact_way() {
    for (n, k) in [(16, 5), (40, 5), (300, 12)] {
        let x = rows(n, 90, 0.0, 2, |f| 1.0 / (1.0 + f as f32));
        let found = Solver::new(n, k).solve(Rows::new(&x, n));
        assert!(found.exact && found.tally.squares.len() == n);
        assert_eq!(found.leading.unwrap(), exactly(&x, n, k));
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let n = 300;
    let layers: Vec<Vec<f32>> =
        (0..3).map(|s| rows(n, 800, 1.0, s, |f| (1.0 + f as f32).powf(-0.7))).collect();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut solver = Solver::new(n, 5);
            layers.iter().map(|rows| solver.solve(Rows::new(rows, n))).collect::<Vec<_>>()
        })
    };
    assert_eq!(run(1), run(3));
}
