//! Tests of `sweep` against the definition.

use super::*;

fn noise(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919 + i / 13) % 1013) as f32 / 500.0 - 0.3).collect()
}

/// Columns that sum to zero.
fn columns(n: usize, width: usize) -> Vec<f32> {
    let mut q: Vec<f32> = (0..n * width).map(|i| ((i * 31 + 7) % 97) as f32 / 97.0 - 0.5).collect();
    for c in 0..width {
        let mean = (0..n).map(|i| q[i * width + c]).sum::<f32>() / n as f32;
        (0..n).for_each(|i| q[i * width + c] -= mean);
    }
    q
}

#[test]
fn a_sweep_is_the_product_with_the_centred_gram_matrix() {
    for (n, p, width, mean) in
        [(3, 1, 1, 0.0), (16, 63, 8, 0.0), (21, 64, 5, 30.0), (40, 65, 12, 30.0), (9, 5000, 8, 1.0)]
    {
        let x: Vec<f32> = noise(n * p).iter().map(|v| v + mean).collect();
        let q = columns(n, width);
        let Swept { products, tally } = sweep(Rows::new(&x, n), &q, width, Sweep::Tally);
        let mut exact = vec![0.0f64; n * width];
        let mut trace = 0.0;
        for f in 0..p {
            let column: Vec<f64> = (0..n).map(|i| f64::from(x[i * p + f])).collect();
            let mean = column.iter().sum::<f64>() / n as f64;
            let centred: Vec<f64> = column.iter().map(|v| v - mean).collect();
            trace += centred.iter().map(|v| v * v).sum::<f64>();
            for c in 0..width {
                let along: f64 = (0..n).map(|i| centred[i] * f64::from(q[i * width + c])).sum();
                (0..n).for_each(|i| exact[i * width + c] += centred[i] * along);
            }
        }
        let size = exact.iter().fold(1e-6f64, |m, v| m.max(v.abs()));
        for c in 0..width {
            let mean = (0..n).map(|i| products[i * width + c]).sum::<f64>() / n as f64;
            for i in 0..n {
                let off = (products[i * width + c] - mean - exact[i * width + c]).abs();
                assert!(off < 3e-5 * size, "{n} {p} {width}: {off} of {size}");
            }
        }
        let tally = tally.unwrap();
        assert!((tally.trace / trace - 1.0).abs() < 1e-6, "{} {trace}", tally.trace);
        for (found, row) in tally.squares.iter().zip(x.chunks(p)) {
            let exact: f64 = row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
            assert!((found / exact.max(1e-9) - 1.0).abs() < 1e-5);
        }
    }
}

/// A norm on the way gives what a sweep over normed rows gives.
#[test]
fn a_norm_is_applied_on_the_way() {
    for (n, channels, positions, width, mean) in
        [(3, 1, 5, 1, 0.0), (19, 16, 4, 8, 0.5), (20, 48, 90, 5, 30.0), (9, 7, 33, 12, 1.0)]
    {
        let x: Vec<f32> = noise(n * channels * positions).iter().map(|v| v + mean).collect();
        let scale: Vec<f32> = (0..channels).map(|c| 0.2 * c as f32 - 1.1).collect();
        let shift: Vec<f32> = (0..channels).map(|c| (c % 3) as f32 - 1.0).collect();
        let norm = Some(Norm { scale: &scale, shift: &shift });
        let rows = Rows { values: &x, n, norm };
        let normed = rows.normed();
        for (i, (v, x)) in normed.iter().zip(&x).enumerate() {
            assert!((v - (x * scale[i % channels] + shift[i % channels])).abs() < 1e-4);
        }
        let q = columns(n, width);
        let centred = |mut products: Vec<f64>| {
            for c in 0..width {
                let mean = (0..n).map(|i| products[i * width + c]).sum::<f64>() / n as f64;
                (0..n).for_each(|i| products[i * width + c] -= mean);
            }
            products
        };
        for how in [Sweep::Tally, Sweep::Shifted, Sweep::Plain] {
            let found = sweep(rows, &q, width, how);
            let expected = sweep(Rows::new(&normed, n), &q, width, how);
            let (a, b) = (centred(found.products), centred(expected.products));
            let size = b.iter().fold(1e-6f64, |m, v| m.max(v.abs()));
            let within = if how == Sweep::Plain { 1e-3 } else { 3e-5 };
            for (a, b) in a.iter().zip(&b) {
                assert!((a - b).abs() < within * size, "{n} {channels} {how:?}: {a} {b}");
            }
            let (Some(a), Some(b)) = (found.tally, expected.tally) else {
                assert_ne!(how, Sweep::Tally);
                continue;
            };
            assert!((a.trace / b.trace - 1.0).abs() < 1e-5);
            for (a, b) in a.squares.iter().zip(&b.squares) {
                assert!((a / b - 1.0).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn zeros_are_counted() {
    let x: Vec<f32> = noise(24 * 100).iter().map(|v| v.max(0.0)).collect();
    let expected = x.iter().filter(|v| **v == 0.0).count();
    assert!(expected > 100);
    let tally = sweep(Rows::new(&x, 24), &columns(24, 8), 8, Sweep::Tally).tally.unwrap();
    assert_eq!(tally.zeros, expected);
    assert!(sweep(Rows::new(&x, 24), &columns(24, 8), 8, Sweep::Shifted).tally.is_none());
}

#[test]
fn constant_columns_have_no_variance() {
    let rows: Vec<f32> = (0..20).flat_map(|_| [0.1f32, 1e7, -3.3]).collect();
    let Swept { products, tally } = sweep(Rows::new(&rows, 20), &columns(20, 3), 3, Sweep::Tally);
    assert!(products.iter().all(|v| *v == 0.0) && tally.unwrap().trace == 0.0);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let (x, q) = (noise(30 * 9000), columns(30, 8));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| sweep(Rows::new(&x, 30), &q, 8, Sweep::Tally))
    };
    assert_eq!(run(1), run(3));
}
