//! What the first-component suite takes of every layer: leading components over
//! all examples, Gram matrices of batches, norms and zeros.
//!
//! On the CPU the components come from the rows as they lie (`domain::krylov`),
//! beside the batches' Gram matrices; elsewhere from the Gram matrix of all
//! examples, of which the batches' are blocks. Knows no data set and no job.

use std::ops::Range;

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
}

/// The Gram matrices of a layer's batches and, from the same products, those of
/// the norm behind it.
type BatchGrams = (Vec<Symmetric>, Option<Vec<Symmetric>>);

impl<'a> ComponentTap<'a> {
    /// A tap that fills `sums`.
    pub fn new(sums: &'a mut SuiteSums) -> ComponentTap<'a> {
        let solver = Solver::new(sums.examples(), sums.components());
        ComponentTap { sums, solver, ready: None, exact: 0 }
    }

    /// Layers whose components took the Gram matrix of all examples.
    pub fn exact(&self) -> usize {
        self.exact
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
        let ready = self.ready.take().filter(|(at, _)| *at == layer).map(|(_, grams)| grams);
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
        match on_cpu {
            Some(done) => done,
            None => self.take_device(layer, activation),
        }
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
        let products = || match ready {
            Some(grams) => (grams, None),
            None => batch_grams(rows, p, batches, factors.as_ref().map(|(_, f)| f.as_slice())),
        };
        let (own, behind, leading, found);
        if batches.len() == 1 && batches[0].len() == n {
            // the batch's matrix is that of all examples
            (own, behind) = products();
            leading = own.first().and_then(|gram| eigen::leading(gram, self.sums.components()));
            found = row_statistics(rows, n);
        } else {
            // threads that wait in one find work in the other
            let solver = &mut self.solver;
            let ((mine, next), solved) = rayon::join(products, || solver.solve(rows));
            (own, behind) = (mine, next);
            self.exact += usize::from(solved.exact);
            leading = solved.leading;
            let norms = solved.tally.squares.iter().map(|v| v.sqrt() as f32).collect();
            let zeros = solved.tally.zeros as f64 / rows.len().max(1) as f64;
            found = Statistics { norms, zeros };
        }
        self.sums.set(layer, leading, &own).map_err(refused)?;
        self.ready = factors.and_then(|(norm, _)| Some((norm, behind?)));
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
) -> BatchGrams {
    let part = |batch: &Range<usize>| &rows[batch.start * p..batch.end * p];
    let paired = |b: &Range<usize>| paired_products(part(b), b.len(), factors?, Centre::Columns);
    let pairs: Option<Vec<[Symmetric; 2]>> = batches.iter().map(paired).collect();
    match pairs {
        Some(pairs) => {
            let (own, behind) = pairs.into_iter().map(|[own, behind]| (own, behind)).unzip();
            (own, Some(behind))
        }
        None => {
            let own = |b: &Range<usize>| symmetric_product(part(b), b.len(), Centre::Columns);
            (batches.iter().map(own).collect(), None)
        }
    }
}
