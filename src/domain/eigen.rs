//! Leading eigenpairs of a Gram matrix that is at hand, to a residual of 1e-10
//! of its trace, through the library: the exact way, which `krylov` falls back
//! to. Knows neither networks nor devices.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::eigen::{
    PartialEigenParams, partial_self_adjoint_eigen, partial_self_adjoint_eigen_scratch,
};
use faer::{Col, Mat, MatRef, Par, Side};

use super::product::Symmetric;

/// Up to this size all eigenvalues are computed: a partial solver gains nothing.
const DENSE: usize = 96;
/// Residual of an eigenpair, as a share of the trace, at which it is accepted.
const TOLERANCE: f64 = 1e-10;

/// Leading eigenpairs of a layer's centred Gram matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Leading {
    /// The trace: the layer's total variance times the number of examples.
    pub trace: f64,
    /// The largest eigenvalues, the largest first.
    pub values: Vec<f64>,
    /// The first eigenvector, its entry of largest size positive.
    pub first: Vec<f64>,
}

impl Leading {
    /// The same with the sign of the first vector made the usual one.
    pub(super) fn new(trace: f64, values: Vec<f64>, mut first: Vec<f64>) -> Option<Leading> {
        let largest = first.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
        if largest < 0.0 {
            first.iter_mut().for_each(|v| *v = -*v);
        }
        Some(Leading { trace, values, first })
    }
}

/// The `k` largest eigenvalues and the first eigenvector of a Gram matrix of
/// centred features, or `None` if it has no variance.
pub fn leading(gram: &Symmetric, k: usize) -> Option<Leading> {
    let trace = (0..gram.n()).map(|i| gram.get(i, i)).sum();
    solve(gram.n(), trace, k, |i, j| gram.get(i, j))
}

/// The same of a strict lower triangle, packed row by row, and a diagonal.
pub(super) fn leading_packed(packed: &[f32], diagonal: &[f64], k: usize) -> Option<Leading> {
    solve(diagonal.len(), diagonal.iter().sum(), k, |i, j| match i == j {
        true => diagonal[i],
        false => f64::from(packed[i * (i - 1) / 2 + j]),
    })
}

/// `entry` is asked for the lower triangle.
fn solve(n: usize, trace: f64, k: usize, entry: impl Fn(usize, usize) -> f64) -> Option<Leading> {
    if !(trace > 0.0 && trace.is_finite()) {
        return None;
    }
    // of trace one, so that tolerances mean the same for every layer
    let mut full = Mat::<f64>::zeros(n, n);
    for i in 0..n {
        for j in 0..i {
            let v = entry(i, j) / trace;
            full[(i, j)] = v;
            full[(j, i)] = v;
        }
        // The library's iteration does not end where a product vanishes exactly,
        // as with a Gram matrix of low rank; far below the precision of f32.
        full[(i, i)] = entry(i, i) / trace + 1e-12 * (i + 1) as f64 / n as f64;
    }
    let (mut values, first) = match partial(full.as_ref(), k) {
        Some(found) => found,
        None => dense(full.as_ref(), k)?,
    };
    values.iter_mut().for_each(|v| *v *= trace);
    Leading::new(trace, values, first)
}

/// Krylov-Schur iteration of the library; `None` if it is no use at this size or
/// did not converge.
pub(super) fn partial(gram: MatRef<'_, f64>, k: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let n = gram.nrows();
    if n <= DENSE || 4 * k > n {
        return None;
    }
    let params =
        PartialEigenParams { min_dim: 20, max_dim: 40, max_restarts: 60, ..Default::default() };
    let mut vectors = Mat::<f64>::zeros(n, k);
    let mut values = vec![0.0f64; k];
    // A fixed start that is orthogonal to nothing in particular.
    let start = Col::<f64>::from_fn(n, |i| 1.0 + ((i * 7919 + 13) % 1009) as f64 / 1009.0);
    let scratch = partial_self_adjoint_eigen_scratch(&gram, k, Par::Seq, params);
    let mut memory = MemBuffer::try_new(scratch).ok()?;
    let info = partial_self_adjoint_eigen(
        vectors.as_mut(),
        &mut values,
        &gram,
        start.as_ref(),
        TOLERANCE,
        Par::Seq,
        MemStack::new(&mut memory),
        params,
    );
    if info.n_converged_eigen < k {
        return None;
    }
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let first = vectors.col(order[0]).iter().copied().collect();
    Some((order.iter().map(|i| values[*i]).collect(), first))
}

/// All eigenvalues, for small matrices and where the iteration fails.
pub(super) fn dense(gram: MatRef<'_, f64>, k: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let n = gram.nrows();
    let eigen = gram.self_adjoint_eigen(Side::Lower).ok()?;
    let values = (0..k.min(n)).map(|i| eigen.S()[n - 1 - i]).collect();
    Some((values, eigen.U().col(n - 1).iter().copied().collect()))
}
