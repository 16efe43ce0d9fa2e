//! Tests of `pca`; its maps are in tests/compare.rs.

use super::super::product::{Centre, Symmetric, symmetric_product};
use super::*;

fn gram(n: usize) -> Symmetric {
    let rows: Vec<f32> = (0..n * 3).map(|i| ((i * 7919) % 101) as f32).collect();
    symmetric_product(&rows, n, Centre::Columns)
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(ComponentSums::new(2, 15).unwrap_err(), PcaError::TooFew(15));
    let mut sums = ComponentSums::new(2, 20).unwrap();
    assert!(sums.set_gram(0, &gram(19)).is_err());
    assert!(sums.set_gram(2, &gram(20)).is_err());
    sums.set_gram(0, &gram(20)).unwrap();
    // layer 1 was never set: absent, not refused
    assert_eq!(sums.without_first().unwrap().layers(), 2);
}
