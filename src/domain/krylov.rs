//! Leading principal components of a layer straight from its rows, without the
//! Gram matrix of all examples: a block Krylov method (Musco and Musco, NeurIPS
//! 2015; Halko, Martinsson and Tropp, SIAM Review 53, 2011) with
//! Rayleigh-Ritz over everything seen so far, in f64.
//!
//! One step is one [`sweep`] over the rows with a block of vectors, then the next
//! block is what the best estimates leave (their residuals). It ends when those
//! say that shares and first component are good; where they do not within
//! [`MOST_STEPS`], as with equal leading eigenvalues, the Gram matrix is taken
//! and solved exactly (`eigen`). Neighbouring layers have much in common, so each
//! starts from what the one before found, and one fixed vector of noise, so that
//! nothing stays out of sight. Knows neither networks nor devices.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};

use super::eigen::{self, Leading};
use super::product::{Centre, symmetric_product};
use super::sweep::{Rows, Sweep, Swept, Tally, sweep};

/// Vectors of a block.
const BLOCK: usize = 8;
/// Vectors of the first block of a layer that has a layer before it.
const START: usize = 16;
/// Sweeps before the exact way is taken.
const MOST_STEPS: usize = 14;
/// Bound on the relative error of an eigenvalue, and its floor as a share of the
/// largest, below which f32 says nothing.
const VALUE: (f64, f64) = (1e-4, 3e-6);
/// Bound on the sine of the angle between the first vector and its estimate.
const ANGLE: f64 = 3e-4;
/// Bound on what a wrong first vector leaves behind when it is removed, as a
/// share of the second eigenvalue; and its floor as a share of the first.
const LEFT: (f64, f64) = (1e-3, 2e-6);
/// Share of the largest eigenvalue below which a residual is only rounding.
const ROUNDING: f64 = 3e-6;

/// Solves one layer after the other over the same `n` examples.
#[derive(Debug, Clone)]
pub struct Solver {
    n: usize,
    k: usize,
    /// The last layer's leading vectors, best first.
    last: Option<Mat<f64>>,
}

/// What [`Solver::solve`] finds of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Solved {
    /// Its leading components; `None` without variance.
    pub leading: Option<Leading>,
    /// What the rows are like.
    pub tally: Tally,
    /// Sweeps over the rows.
    pub sweeps: usize,
    /// Whether the Gram matrix of all examples had to be taken.
    pub exact: bool,
}

/// Orthonormal vectors and what the Gram matrix (over its trace) makes of them.
struct Basis {
    used: usize,
    vectors: Mat<f64>,
    products: Mat<f64>,
    /// `vectorsᵀ products`.
    inner: Mat<f64>,
}

/// Estimates from a basis, best first: values, vectors and what is left of
/// `K v - value v`.
struct Ritz {
    values: Vec<f64>,
    vectors: Mat<f64>,
    residuals: Mat<f64>,
    sizes: Vec<f64>,
}

impl Solver {
    /// A solver for the `k` largest eigenvalues and the first component of layers
    /// over `n` examples.
    pub fn new(n: usize, k: usize) -> Solver {
        Solver { n, k, last: None }
    }

    /// Solves for the components of `rows` (not centred).
    ///
    /// # Panics
    /// If there are not as many rows as the solver is for.
    pub fn solve(&mut self, rows: Rows<'_>) -> Solved {
        let n = self.n;
        assert_eq!(rows.n, n, "rows of all examples");
        let mut block = self.start();
        let mut basis = Basis::new(n, START + BLOCK * (MOST_STEPS - 1));
        let mut found: Option<Tally> = None;
        let mut sweeps = 0;
        let few = self.k + 3 <= BLOCK && 4 * START <= n;
        while sweeps < if few { MOST_STEPS } else { 1 } && block.ncols() > 0 {
            let how = match &found {
                None => Sweep::Tally,
                Some(tally) if tally.plain() => Sweep::Plain,
                Some(_) => Sweep::Shifted,
            };
            let Swept { products, tally } =
                sweep(rows, &single(block.as_ref()), block.ncols(), how);
            sweeps += 1;
            let tally = &*found.get_or_insert(tally.unwrap_or_default());
            if !(tally.trace > 0.0 && tally.trace.is_finite()) {
                return Solved { leading: None, tally: tally.clone(), sweeps, exact: false };
            }
            basis.add(&block, &products, tally.trace);
            let Some(ritz) = basis.ritz(START) else { break };
            let mut next = ritz.residuals.clone();
            if sweeps == 1 {
                // what the noise has shown, whatever its estimate
                let at = next.ncols() - 1;
                next.col_mut(at).copy_from(basis.products.col(basis.used - 1));
            }
            block = basis.orthonormal(&next, ROUNDING * ritz.values[0]);
            let whole = block.ncols() == 0;
            if (sweeps > 1 || whole) && ritz.good(self.k, whole) {
                let (trace, tally) = (tally.trace, tally.clone());
                let mut values = ritz.values;
                values.resize(self.k, 0.0);
                values.iter_mut().for_each(|v| *v *= trace);
                let first = ritz.vectors.col(0).iter().copied().collect();
                self.last = Some(ritz.vectors);
                let leading = Leading::new(trace, values, first);
                return Solved { leading, tally, sweeps, exact: false };
            }
            self.last = Some(ritz.vectors);
        }
        let tally = found.unwrap_or_default();
        let leading =
            eigen::leading(&symmetric_product(&rows.normed(), n, Centre::Columns), self.k);
        Solved { leading, tally, sweeps, exact: true }
    }

    /// Orthonormal vectors to start from.
    fn start(&self) -> Mat<f64> {
        let known = self.last.as_ref().map_or(0, |last| last.ncols().min(START - 1));
        let columns = if known == 0 { BLOCK } else { known + 1 };
        // fixed, and orthogonal to nothing in particular
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let start = Mat::from_fn(self.n, columns, |i, j| match &self.last {
            Some(last) if j < known => last[(i, j)],
            _ => noise(), // the last column always
        });
        Basis::new(self.n, 0).orthonormal(&start, 0.0)
    }
}

impl Basis {
    fn new(n: usize, most: usize) -> Basis {
        Basis {
            used: 0,
            vectors: Mat::zeros(n, most),
            products: Mat::zeros(n, most),
            inner: Mat::zeros(most, most),
        }
    }

    /// Takes in a block (orthonormal, also to those before) and its products
    /// (row-major), which are centred and divided by the trace.
    fn add(&mut self, block: &Mat<f64>, products: &[f64], trace: f64) {
        let (n, width, from) = (block.nrows(), block.ncols(), self.used);
        for c in 0..width {
            let mean = (0..n).map(|i| products[i * width + c]).sum::<f64>() / n as f64;
            for i in 0..n {
                self.vectors[(i, from + c)] = block[(i, c)];
                self.products[(i, from + c)] = (products[i * width + c] - mean) / trace;
            }
        }
        self.used += width;
        let used = self.used;
        let mut inner = Mat::<f64>::zeros(used, width);
        multiply(
            &mut inner,
            self.vectors.subcols(0, used).transpose(),
            self.products.subcols(from, width),
        );
        for c in 0..width {
            for r in 0..used {
                self.inner[(r, from + c)] = inner[(r, c)];
                self.inner[(from + c, r)] = inner[(r, c)];
            }
        }
    }

    /// The best estimates within the basis, `most` at most.
    fn ritz(&self, most: usize) -> Option<Ritz> {
        let (used, n) = (self.used, self.vectors.nrows());
        let inner = self.inner.submatrix(0, 0, used, used);
        let eigen = inner.self_adjoint_eigen(Side::Lower).ok()?;
        let count = most.min(used);
        let all: Vec<f64> = (0..used).rev().map(|i| eigen.S()[i]).collect();
        let weights = Mat::from_fn(used, count, |r, c| eigen.U()[(r, used - 1 - c)]);
        let mut vectors = Mat::<f64>::zeros(n, count);
        multiply(&mut vectors, self.vectors.subcols(0, used), weights.as_ref());
        let wanted = BLOCK.min(count);
        let mut residuals = Mat::<f64>::zeros(n, wanted);
        multiply(&mut residuals, self.products.subcols(0, used), weights.subcols(0, wanted));
        let mut sizes = Vec::new();
        for c in 0..wanted {
            let mut size = 0.0;
            for i in 0..n {
                let v = residuals[(i, c)] - all[c] * vectors[(i, c)];
                residuals[(i, c)] = v;
                size += v * v;
            }
            sizes.push(size.sqrt());
        }
        let values = all.into_iter().take(count).collect();
        Some(Ritz { values, vectors, residuals, sizes })
    }

    /// An orthonormal basis of what `block` adds to the vectors so far and to the
    /// ones vector; what is smaller than `least` is left out.
    fn orthonormal(&self, block: &Mat<f64>, least: f64) -> Mat<f64> {
        let n = block.nrows();
        let mut block = block.clone();
        if self.used > 0 {
            let vectors = self.vectors.subcols(0, self.used);
            let mut along = Mat::<f64>::zeros(self.used, block.ncols());
            multiply(&mut along, vectors.transpose(), block.as_ref());
            matmul(block.as_mut(), Accum::Add, vectors, along.as_ref(), -1.0, Par::Seq);
        }
        let mut kept: Vec<Vec<f64>> = Vec::new();
        for c in 0..block.ncols() {
            let mut column: Vec<f64> = block.col(c).iter().copied().collect();
            let mean = column.iter().sum::<f64>() / n as f64;
            column.iter_mut().for_each(|v| *v -= mean);
            // twice is enough (Kahan and Parlett)
            for _ in 0..2 {
                for other in &kept {
                    let along = dot(other, &column);
                    column.iter_mut().zip(other).for_each(|(v, other)| *v -= along * other);
                }
            }
            let size = dot(&column, &column).sqrt();
            if size > least.max(f64::MIN_POSITIVE) {
                column.iter_mut().for_each(|v| *v /= size);
                kept.push(column);
            }
        }
        Mat::from_fn(n, kept.len(), |i, c| kept[c][i])
    }
}

impl Ritz {
    /// Whether the `k` largest values and the first vector are as good as they
    /// are meant to be. `whole` says that nothing is left outside the basis.
    fn good(&self, k: usize, whole: bool) -> bool {
        let Ritz { values, sizes, .. } = self;
        let (first, second) = (values[0], values.get(1).copied().unwrap_or(0.0));
        let vector = (ANGLE * (first - second)).min((LEFT.0 * second).max(LEFT.1 * first));
        if sizes[0] > vector {
            return false;
        }
        whole || (k < sizes.len() && (0..k).all(|i| self.error(i, k) <= self.bound(i)))
    }

    fn bound(&self, i: usize) -> f64 {
        (VALUE.0 * self.values[i]).max(VALUE.1 * self.values[0])
    }

    /// A bound on the error of value `i`: the residual, or its square over the
    /// gap below, where values up to the gap count as one cluster (Parlett, The
    /// Symmetric Eigenvalue Problem, 11.5 and 11.7).
    fn error(&self, i: usize, k: usize) -> f64 {
        let mut size = self.sizes[..=i].iter().copied().fold(0.0, f64::max);
        let mut error = size;
        for end in i..k.max(i + 1) {
            size = size.max(self.sizes[end]);
            let gap = self.values[i] - self.values.get(end + 1).copied().unwrap_or(0.0);
            if gap > 0.0 {
                error = error.min(size * size / gap);
            }
        }
        error
    }
}

/// `to = a b`.
fn multiply(to: &mut Mat<f64>, a: MatRef<'_, f64>, b: MatRef<'_, f64>) {
    matmul(to.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// In f32, row by row.
fn single(block: MatRef<'_, f64>) -> Vec<f32> {
    let mut values = Vec::with_capacity(block.nrows() * block.ncols());
    for i in 0..block.nrows() {
        values.extend((0..block.ncols()).map(|j| block[(i, j)] as f32));
    }
    values
}

#[cfg(test)]
mod tests;
