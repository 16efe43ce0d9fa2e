//! What the first-component suite takes of every layer: leading components over
//! all examples, Gram matrices of batches, norms and zeros.
//!
//! On the CPU the components come from the rows as they lie (`domain::krylov`),
//! beside the batches' Gram matrices; elsewhere from the Gram matrix of all
//! examples, of which the batches' are blocks. Knows no data set and no job.

use std::ops::Range;
use std::time::{Duration, Instant};

use burn::tensor::Tensor;

use super::capture::{CaptureError, Statistics, grams, row_statistics, statistics};
use super::forward::Activation;
use crate::domain::eigen;
use crate::domain::krylov::Solver;
use crate::domain::paired::paired_products;
use crate::domain::pca::PcaError;
use crate::domain::product::{Centre, Symmetric, symmetric_product};
use crate::domain::suite::{SuiteSums, blocks};
use crate::kernels;

/// Takes every offered layer.
#[derive(Debug)]
pub struct ComponentTap<'a> {
    sums: &'a mut SuiteSums,
    solver: Solver,
    /// Gram matrices of the norm behind the last layer, with its index.
    ready: Option<(usize, Vec<Symmetric>)>,
    exact: usize,
    spent: Spent,
}

/// Where a [`ComponentTap`]'s time went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Wall clock of everything.
    pub wall: Duration,
    /// In the batches' Gram matrices, which the map needs too; both parts run side
    /// by side.
    pub grams: Duration,
    /// In the leading components.
    pub leading: Duration,
}

/// The Gram matrices of a layer's batches and, from the same products, those of
/// the norm behind it.
type BatchGrams = (Vec<Symmetric>, Option<Vec<Symmetric>>);

impl<'a> ComponentTap<'a> {
    /// A tap that fills `sums`.
    pub fn new(sums: &'a mut SuiteSums) -> ComponentTap<'a> {
        let solver = Solver::new(sums.examples(), sums.components());
        ComponentTap { sums, solver, ready: None, exact: 0, spent: Spent::default() }
    }

    /// Layers whose components took the Gram matrix of all examples.
    pub fn exact(&self) -> usize {
        self.exact
    }

    /// Time spent so far. On a GPU it includes waiting for the forward pass that
    /// the read-back forces, and the parts are not told apart.
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// Takes `activation`, of all examples, as that of `layer`.
    ///
    /// # Errors
    /// [`CaptureError`] if the device fails or the estimator refuses the layer.
    pub fn take(
        &mut self,
        layer: usize,
        activation: Activation<'_>,
    ) -> Result<Statistics, CaptureError> {
        let start = Instant::now();
        let ready = match self.ready.take() {
            Some((at, grams)) if at == layer => Some(grams),
            // a projection comes before the norm
            other => {
                self.ready = other;
                None
            }
        };
        let factors = match activation {
            Activation::BeforeNorm { map, scale, norm } => factors(map, scale).map(|f| (norm, f)),
            _ => None,
        };
        let host = |rows: &[f32]| self.take_rows(layer, rows, factors, ready);
        let on_cpu = match activation {
            Activation::Map(x) | Activation::BeforeNorm { map: x, .. } => {
                kernels::with_rows(x, host)
            }
            Activation::Vector(x) => kernels::with_rows(x, host),
        };
        let found = match on_cpu {
            Some(found) => found,
            None => self.take_device(layer, activation),
        };
        self.spent.wall += start.elapsed();
        found
    }

    fn take_rows(
        &mut self,
        layer: usize,
        rows: &[f32],
        factors: Option<(usize, Vec<f32>)>,
        ready: Option<Vec<Symmetric>>,
    ) -> Result<Statistics, CaptureError> {
        let n = self.sums.examples();
        let (p, batches) = (rows.len() / n, self.sums.batches());
        let products = |centre: Centre| match ready {
            Some(grams) => (grams, None),
            None => {
                let factors = factors.as_ref().map(|(_, factors)| factors.as_slice());
                batch_grams(rows, p, batches, factors, centre)
            }
        };
        let (own, behind, leading, found, taken, spent);
        if batches.len() == 1 && batches[0].len() == n {
            // the batch's matrix is that of all examples
            ((own, behind), taken) = timed(|| products(Centre::Columns));
            let solve = |gram| eigen::leading(gram, self.sums.components());
            (leading, spent) = timed(|| own.first().and_then(solve));
            found = row_statistics(rows, n);
        } else {
            // threads that wait in one find work in the other
            let solver = &mut self.solver;
            let solved;
            (((own, behind), taken), (solved, spent)) =
                rayon::join(|| timed(|| products(Centre::Pilot)), || timed(|| solver.solve(rows)));
            self.exact += usize::from(solved.exact);
            leading = solved.leading;
            let norms = solved.tally.squares.iter().map(|v| v.sqrt() as f32).collect();
            let zeros = solved.tally.zeros as f64 / rows.len().max(1) as f64;
            found = Statistics { norms, zeros };
        }
        self.spent.grams += taken;
        self.spent.leading += spent;
        self.sums.set(layer, leading, &own).map_err(refused)?;
        if let (Some((norm, _)), Some(behind)) = (factors, behind) {
            self.ready = Some((norm, behind));
        }
        Ok(found)
    }

    fn take_device(
        &mut self,
        layer: usize,
        activation: Activation<'_>,
    ) -> Result<Statistics, CaptureError> {
        let (gram, _) = grams(layer, activation)?;
        self.exact += 1;
        let leading = eigen::leading(&gram, self.sums.components());
        let blocks = blocks(&gram, self.sums.batches());
        self.sums.set(layer, leading, &blocks).map_err(refused)?;
        statistics(layer, activation)
    }
}

/// What `work` gives and the time it took.
fn timed<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let start = Instant::now();
    let found = work();
    (found, start.elapsed())
}

fn refused(error: PcaError) -> CaptureError {
    CaptureError::Estimator(error.to_string())
}

/// The norm's factors, where channels lie side by side on the CPU.
fn factors(map: &Tensor<4>, scale: &Tensor<1>) -> Option<Vec<f32>> {
    kernels::with_channels_last_rows(map, |_| ())?;
    kernels::with_rows(scale, <[f32]>::to_vec)
}

/// One batch after the other, as the map takes them.
fn batch_grams(
    rows: &[f32],
    p: usize,
    batches: &[Range<usize>],
    factors: Option<&[f32]>,
    centre: Centre,
) -> BatchGrams {
    let part = |batch: &Range<usize>| &rows[batch.start * p..batch.end * p];
    let paired = |b: &Range<usize>| paired_products(part(b), b.len(), factors?, centre);
    let pairs: Option<Vec<[Symmetric; 2]>> = batches.iter().map(paired).collect();
    match pairs {
        Some(pairs) => {
            let (own, behind) = pairs.into_iter().map(|[own, behind]| (own, behind)).unzip();
            (own, Some(behind))
        }
        None => {
            let own = |b: &Range<usize>| symmetric_product(part(b), b.len(), centre);
            (batches.iter().map(own).collect(), None)
        }
    }
}
