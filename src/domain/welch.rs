//! Welch's t-test of two groups with unequal variances (Welch 1947), and Holm's
//! correction for many tests (Holm 1979). Plain arithmetic.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Welch {
    /// `(mean a - mean b) / sqrt(var a / n a + var b / n b)`.
    pub t: f64,
    /// Degrees of freedom by Welch and Satterthwaite.
    pub df: f64,
    /// Two-sided p value.
    pub p: f64,
}

/// Mean and sample variance (over `n - 1`; 0 for a single value).
pub fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n.max(1.0);
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, if values.len() < 2 { 0.0 } else { squares / (n - 1.0) })
}

/// Tests whether two groups have one mean. `None` where the test says nothing:
/// with fewer than two values in a group, or when neither group varies.
pub fn t_test(a: &[f64], b: &[f64]) -> Option<Welch> {
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let ((mean_a, var_a), (mean_b, var_b)) = (moments(a), moments(b));
    let (na, nb) = (a.len() as f64, b.len() as f64);
    let (part_a, part_b) = (var_a / na, var_b / nb);
    let variance = part_a + part_b;
    // Equal values differ in the last bits of their sums only.
    let scale = mean_a.abs().max(mean_b.abs());
    if !(variance.is_finite() && variance > (1e-14 * scale).powi(2)) {
        return None;
    }
    let t = (mean_a - mean_b) / variance.sqrt();
    let df = variance * variance / (part_a * part_a / (na - 1.0) + part_b * part_b / (nb - 1.0));
    let law = StudentsT::new(0.0, 1.0, df).ok()?;
    // The tail itself: one minus a probability near one would lose its digits.
    let p = (2.0 * law.cdf(-t.abs())).clamp(0.0, 1.0);
    p.is_finite().then_some(Welch { t, df, p })
}

/// Holm's adjusted p values, in the order given; `None` stays out of the
/// correction. The largest k-th of m sorted values times `m - k + 1`, made
/// monotone, at most 1.
///
/// Holm and not Benjamini-Hochberg: the classes' accuracies depend on each other
/// (an image that leaves one class enters another), Holm holds under any
/// dependence, and with tens of classes it costs little power.
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..p.len()).filter(|i| p[*i].is_some()).collect();
    let value = |i: usize| p[i].unwrap_or(1.0);
    order.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
    let tests = order.len();
    let mut adjusted = vec![None; p.len()];
    let mut largest = 0.0f64;
    for (rank, at) in order.into_iter().enumerate() {
        largest = largest.max(value(at) * (tests - rank) as f64).min(1.0);
        adjusted[at] = Some(largest);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_say_nothing_have_no_test() {
        assert_eq!(t_test(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(t_test(&[0.1; 3], &[0.1; 4]), None);
        assert_eq!(t_test(&[0.1 + 0.2, 0.3], &[0.3, 0.3]), None);
        // One group may stand still.
        let one = t_test(&[0.5; 3], &[0.4, 0.5, 0.45]).unwrap();
        assert!((one.df - 2.0).abs() < 1e-9 && one.t > 0.0);
    }

    #[test]
    fn holm_is_the_worked_example() {
        // Holm's step-down on 0.01, 0.04, 0.03, 0.005: 0.03, 0.06, 0.06, 0.02.
        let found = holm(&[Some(0.01), Some(0.04), None, Some(0.03), Some(0.005)]);
        let expected = [Some(0.03), Some(0.06), None, Some(0.06), Some(0.02)];
        for (found, expected) in found.iter().zip(expected) {
            match (found, expected) {
                (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12),
                (found, expected) => assert_eq!(*found, expected),
            }
        }
        assert_eq!(holm(&[Some(0.7), Some(0.8)]), [Some(1.0), Some(1.0)]);
    }

    /// SciPy's values, from `tests/fixtures/make_welch.py`.
    #[test]
    fn tests_are_scipys() {
        let mut cases = 0;
        for line in include_str!("../../tests/fixtures/welch.csv").lines() {
            if line.starts_with('#') {
                continue;
            }
            let parts: Vec<&str> = line.split(';').collect();
            let numbers =
                |text: &str| -> Vec<f64> { text.split(',').map(|v| v.parse().unwrap()).collect() };
            let (a, b, expected) = (numbers(parts[0]), numbers(parts[1]), numbers(parts[2]));
            let found = t_test(&a, &b).unwrap();
            for (found, expected) in [found.t, found.df, found.p].into_iter().zip(expected) {
                let off = (found - expected).abs();
                assert!(off <= 1e-9 * expected.abs().max(1e-12), "{line}: {found} {expected}");
            }
            cases += 1;
        }
        assert!(cases >= 8, "{cases}");
    }
}
