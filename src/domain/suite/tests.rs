//! Tests of `suite`, against scikit-learn (tests/fixtures/make_pca.py) and closed forms.

#![allow(clippy::single_range_in_vec_init)] // one batch is a list of one range

use faer::{Mat, Side};

use super::super::eigen::{self, dense, partial};
use super::super::krylov::Solver;
use super::super::product::{Centre, symmetric_product};
use super::super::sweep::Rows;
use super::*;
use crate::fixtures::noise::noise;

/// Rows of numbers of the fixture, without its comments.
fn fixture() -> Vec<Vec<f64>> {
    include_str!("../../../tests/fixtures/pca.csv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').map(|v| v.parse().unwrap()).collect())
        .collect()
}

fn gram(rows: &[f32], n: usize) -> Symmetric {
    symmetric_product(rows, n, Centre::Columns)
}

/// The suite from Gram matrices of all examples, as on a GPU.
fn suite(layers: &[&[f32]], n: usize, dominant: f64) -> Suite {
    let mut sums = SuiteSums::new(layers.len(), n, 5, dominant).unwrap();
    for (l, rows) in layers.iter().enumerate() {
        let gram = gram(rows, n);
        let blocks = blocks(&gram, sums.batches());
        sums.set(l, eigen::leading(&gram, 5), &blocks).unwrap();
    }
    sums.finish()
}

/// The suite from the rows, as on a CPU.
fn from_rows(layers: &[&[f32]], n: usize, dominant: f64) -> Suite {
    let mut sums = SuiteSums::new(layers.len(), n, 5, dominant).unwrap();
    let mut solver = Solver::new(n, 5);
    for (l, rows) in layers.iter().enumerate() {
        let p = rows.len() / n;
        let grams: Vec<Symmetric> =
            sums.batches().iter().map(|b| gram(&rows[b.start * p..b.end * p], b.len())).collect();
        sums.set(l, solver.solve(Rows::new(rows, n)).leading, &grams).unwrap();
    }
    sums.finish()
}

/// Unbiased CKA of rows, batch by batch.
fn unbiased(layers: &[Vec<f32>], n: usize, batches: &[Range<usize>]) -> SimilarityMatrix {
    let batch = |b: &Range<usize>| {
        let mut grams = PackedGrams::new(layers.len(), b.len()).unwrap();
        for (l, rows) in layers.iter().enumerate() {
            let p = rows.len() / n;
            grams.set_rows(l, &rows[b.start * p..b.end * p]).unwrap();
        }
        Ok(grams)
    };
    cka(layers.len(), batches.iter().map(batch))
}

fn close(a: &SimilarityMatrix, b: &SimilarityMatrix, within: f64) {
    for i in 0..a.rows() {
        for j in 0..a.cols() {
            let (a, b) = (a.get(i, j).unwrap(), b.get(i, j).unwrap());
            assert!((a - b).abs() < within, "{i},{j}: {a} and {b}");
        }
    }
}

#[test]
fn shares_and_scores_are_those_of_scikit_learn() {
    let rows = fixture();
    let (n, k) = (rows[0][0] as usize, rows[0][2] as usize);
    let x: Vec<f32> = rows[3..].iter().flatten().map(|v| *v as f32).collect();
    for found in [suite(&[&x], n, 0.01), from_rows(&[&x], n, 0.01)] {
        for (i, expected) in rows[1].iter().enumerate().take(k) {
            assert!((found.shares[(0, i)] - expected).abs() < 1e-6, "{i}");
        }
        let size = rows[2].iter().fold(0.0f64, |m, v| m.max(v.abs()));
        for (i, expected) in rows[2].iter().enumerate() {
            assert!((f64::from(found.scores[(0, i)]) - expected).abs() < 1e-5 * size, "{i}");
        }
    }
}

#[test]
fn the_iteration_and_the_dense_solver_agree() {
    let (n, p) = (200, 60);
    let rows: Vec<f32> =
        noise(n * p, 3).iter().enumerate().map(|(i, v)| v * (1 + i % p) as f32).collect();
    let k = gram(&rows, n);
    let full = Mat::<f64>::from_fn(n, n, |i, j| k.get(i, j) / 1e5);
    let (a, u) = partial(full.as_ref(), 5).unwrap();
    let (b, v) = dense(full.as_ref(), 5).unwrap();
    for (a, b) in a.iter().zip(&b) {
        assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
    }
    let dot: f64 = u.iter().zip(&v).map(|(a, b)| a * b).sum();
    assert!((dot.abs() - 1.0).abs() < 1e-9);
}

/// `X - u uᵀ X` of centred features.
fn without_first(rows: &[f32], n: usize) -> Vec<f32> {
    let p = rows.len() / n;
    let mut x: Vec<f64> = rows.iter().map(|v| f64::from(*v)).collect();
    for c in 0..p {
        let mean = (0..n).map(|i| x[i * p + c]).sum::<f64>() / n as f64;
        (0..n).for_each(|i| x[i * p + c] -= mean);
    }
    let k = gram(rows, n);
    let full = Mat::<f64>::from_fn(n, n, |i, j| k.get(i, j));
    let u = dense(full.as_ref(), 1).unwrap().1;
    for c in 0..p {
        let along: f64 = (0..n).map(|i| u[i] * x[i * p + c]).sum();
        (0..n).for_each(|i| x[i * p + c] -= u[i] * along);
    }
    x.iter().map(|v| *v as f32).collect()
}

#[test]
fn removal_from_the_gram_matrix_is_removal_from_the_activations() {
    let n = 40;
    let a = noise(n * 30, 1);
    let mut b: Vec<f32> = a.iter().zip(noise(n * 30, 2)).map(|(a, b)| a + 0.5 * b).collect();
    // one strong direction
    for i in 0..n {
        b[i * 30] += 8.0 * (i as f32 / 10.0).sin();
    }
    let found = suite(&[&a, &b], n, 0.0);
    let expected = unbiased(&[without_first(&a, n), without_first(&b, n)], n, &[0..n]);
    close(&found.maps.without_pc1, &expected, 1e-5);
    assert!(found.shares[(1, 0)] > 0.5);
}

#[test]
fn leaving_out_examples_is_cka_over_the_others() {
    let (n, p) = (50, 20);
    let mut a = noise(n * p, 4);
    let b: Vec<f32> = a.iter().zip(noise(n * p, 5)).map(|(a, b)| a + b).collect();
    for dominant in [3, 31] {
        a[dominant * p..(dominant + 1) * p].iter_mut().for_each(|v| *v *= 30.0);
    }
    let found = suite(&[&a, &b], n, 0.04);
    let left_out = leading(&found.shares, &found.scores, 2);
    assert_eq!(
        {
            let mut l = left_out.clone();
            l.sort_unstable();
            l
        },
        [3, 31]
    );
    let kept = |rows: &[f32]| -> Vec<f32> {
        (0..n)
            .filter(|i| !left_out.contains(i))
            .flat_map(|i| rows[i * p..(i + 1) * p].to_vec())
            .collect()
    };
    close(&found.maps.without_dominant, &unbiased(&[kept(&a), kept(&b)], n - 2, &[0..n - 2]), 1e-5);
}

#[test]
fn similarity_is_the_squared_cosine_of_the_first_components() {
    let n = 30;
    // rank one activations: the component is the (centred) column itself
    let angle = |i: usize| i as f32 / n as f32 * std::f32::consts::TAU;
    let a: Vec<f32> = (0..n).map(|i| angle(i).cos()).collect();
    let b: Vec<f32> = (0..n).map(|i| (angle(i) + 0.7).cos()).collect();
    let found = suite(&[&a, &b, &vec![1.0; n]], n, 0.0);
    let expected = f64::from(0.7f32.cos().powi(2));
    assert!((found.maps.similarity.get(0, 1).unwrap() - expected).abs() < 1e-5);
    assert_eq!(found.maps.similarity.get(0, 0), Some(1.0));
    assert!((found.shares[(0, 0)] - 1.0).abs() < 1e-6);
    // a layer without variance has nothing to compare
    assert!(found.shares[(2, 0)].is_nan() && found.scores[(2, 5)].is_nan());
    for map in [&found.maps.similarity, &found.maps.without_dominant, &found.maps.without_pc1] {
        assert_eq!(map.get(2, 1), None);
    }
}

/// Equation 4 of the paper: biased CKA is the eigenvalue-weighted mean of the
/// squared cosines of all components.
#[test]
fn equation_4_holds_on_biased_cka() {
    let n = 12;
    let layers = [noise(n * 9, 6), noise(n * 14, 7)];
    let grams: Vec<Mat<f64>> = layers
        .iter()
        .map(|rows| {
            let k = gram(rows, n);
            Mat::from_fn(n, n, |i, j| k.get(i, j))
        })
        .collect();
    let inner = |a: &Mat<f64>, b: &Mat<f64>| -> f64 {
        (0..n).map(|i| (0..n).map(|j| a[(i, j)] * b[(i, j)]).sum::<f64>()).sum()
    };
    let [a, b] = &grams[..] else { panic!() };
    let biased = inner(a, b) / (inner(a, a) * inner(b, b)).sqrt();
    let eigen: Vec<_> = grams.iter().map(|k| k.self_adjoint_eigen(Side::Lower).unwrap()).collect();
    let mut sum = 0.0;
    for i in 0..n {
        for j in 0..n {
            let dot: f64 = (0..n).map(|e| eigen[0].U()[(e, i)] * eigen[1].U()[(e, j)]).sum();
            sum += eigen[0].S()[i] * eigen[1].S()[j] * dot * dot;
        }
    }
    let norm = |e: usize| (0..n).map(|i| eigen[e].S()[i].powi(2)).sum::<f64>().sqrt();
    assert!((biased - sum / (norm(0) * norm(1))).abs() < 1e-10);
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(SuiteSums::new(2, 15, 5, 0.01).unwrap_err(), PcaError::TooFew(15));
    let mut sums = SuiteSums::new(2, 20, 5, 0.01).unwrap();
    let fits = gram(&noise(20 * 3, 1), 20);
    let (found, small) = (eigen::leading(&fits, 5), gram(&noise(19 * 3, 1), 19));
    assert!(sums.set(0, found.clone(), std::slice::from_ref(&small)).is_err());
    assert!(sums.set(0, eigen::leading(&small, 5), std::slice::from_ref(&fits)).is_err());
    assert!(sums.set(0, found.clone(), &[]).is_err());
    assert!(sums.set(2, found, &[fits]).is_err());
    // never set: undefined, not zero
    let suite = sums.finish();
    assert!(suite.shares.iter().all(|v| v.is_nan()));
    assert_eq!(suite.maps.similarity.get(0, 0), None);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let rows: Vec<Vec<f32>> = (0..3).map(|s| noise(120 * 40, s)).collect();
    let layers: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| suite(&layers, 120, 0.02))
    };
    assert_eq!(run(1), run(3));
}

/// Exactly vanishing products must not stop the iteration.
#[test]
fn matrices_of_low_rank_are_solved() {
    let n = 200;
    let one: Vec<f32> = (0..n).map(|i| f32::from(i == 3)).collect();
    let two: Vec<f32> = (0..2 * n).map(|i| (i % 2 * (i / 2 % 3)) as f32).collect();
    let found = suite(&[&one, &two], n, 0.01);
    assert!((found.shares[(0, 0)] - 1.0).abs() < 1e-6);
    assert!((found.shares[(1, 0)] - 1.0).abs() < 1e-6 && found.shares[(1, 1)].abs() < 1e-6);
}

/// Three batches, the last one smaller, and three examples left over.
#[test]
fn batches_are_those_of_the_map() {
    assert_eq!(batches(16), [0..16]);
    assert_eq!(batches(515), [0..256, 256..512]);
    assert_eq!(batches(516), [0..256, 256..512, 512..516]);
    let (n, p) = (515, 30);
    let a: Vec<f32> =
        noise(n * p, 1).iter().enumerate().map(|(i, v)| v / (1 + i % p) as f32).collect();
    let b: Vec<f32> = a.iter().zip(noise(n * p, 2)).map(|(a, b)| 3.0 + a + 0.2 * b).collect();
    let whole = suite(&[&a, &b], n, 0.1);
    let parts = from_rows(&[&a, &b], n, 0.1);
    assert!(parts.scores.iter().all(|v| v.is_finite()));
    for (a, b) in parts.shares.iter().zip(&whole.shares) {
        assert!((a / b - 1.0).abs() < 1e-5);
    }
    close(&parts.maps.similarity, &whole.maps.similarity, 1e-5);
    close(&parts.maps.without_pc1, &whole.maps.without_pc1, 1e-4);
    close(&parts.maps.without_dominant, &whole.maps.without_dominant, 1e-5);
    // removal from the activations, then the map's estimator
    let reduced = [without_first(&a, n), without_first(&b, n)];
    close(&parts.maps.without_pc1, &unbiased(&reduced, n, &batches(n)), 1e-4);
    let plain = unbiased(&[a.clone(), b.clone()], n, &batches(n));
    let (with, without) = (plain.get(0, 1).unwrap(), parts.maps.without_pc1.get(0, 1).unwrap());
    assert!((with - without).abs() > 1e-3, "the component made no difference");
    // the dominant ones missing, batch by batch
    let left_out = leading(&parts.shares, &parts.scores, 52);
    let mut sums = CkaAccumulator::new(2);
    for batch in batches(n) {
        let kept: Vec<usize> = batch.filter(|i| !left_out.contains(i)).collect();
        let mut grams = PackedGrams::new(2, kept.len()).unwrap();
        for (l, rows) in [&a, &b].into_iter().enumerate() {
            let rows: Vec<f32> =
                kept.iter().flat_map(|i| rows[i * p..(i + 1) * p].to_vec()).collect();
            grams.set_rows(l, &rows).unwrap();
        }
        sums.add(&grams).unwrap();
    }
    close(&parts.maps.without_dominant, &sums.finish().unwrap().cka, 1e-5);
}

/// A layer that is its first component has nothing left.
#[test]
fn a_layer_of_rank_one_is_undefined_without_it() {
    let n = 300;
    let one: Vec<f32> = (0..n * 4).map(|at| (at / 4 % 11) as f32 * (1 + at % 4) as f32).collect();
    let other = noise(n * 20, 3);
    for found in [suite(&[&one, &other], n, 0.01), from_rows(&[&one, &other], n, 0.01)] {
        assert!((found.shares[(0, 0)] - 1.0).abs() < 1e-6);
        assert_eq!(found.maps.without_pc1.get(0, 1), None);
        assert!(found.maps.without_pc1.get(1, 1).is_some());
        assert!(found.maps.without_dominant.get(0, 1).is_some());
    }
}
