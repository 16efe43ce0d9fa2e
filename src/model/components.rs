//! What the first-component suite takes of every layer: leading components over
//! all examples, Gram matrices of batches, norms and zeros.
//!
//! On the CPU the components come from the rows as they lie (`domain::krylov`),
//! beside the batches' Gram matrices; elsewhere from the Gram matrix of all
//! examples, of which the batches' are blocks. Knows no data set and no job.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::capture::{CaptureError, Statistics, grams, row_statistics, statistics};
use super::forward::{Activation, Wanted};
use crate::domain::eigen::{self, Leading};
use crate::domain::krylov::Solver;
use crate::domain::paired::paired_products;
use crate::domain::pca::PcaError;
use crate::domain::product::{Centre, Symmetric, symmetric_product};
use crate::domain::suite::{SuiteSums, blocks};
use crate::domain::sweep::{Norm, Rows};
use crate::kernels;

/// Takes every offered layer, a norm together with the convolution before it.
#[derive(Debug)]
pub struct ComponentTap<'a> {
    sums: &'a mut SuiteSums,
    solver: Solver,
    statistics: Vec<Option<Statistics>>,
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

/// A norm that is taken with the layer before it.
struct Behind {
    layer: usize,
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Behind {
    fn norm(&self) -> Norm<'_> {
        Norm { scale: &self.scale, shift: &self.shift }
    }
}

/// What is found of a layer's rows.
type Found = (Option<Leading>, Statistics);

impl<'a> ComponentTap<'a> {
    /// A tap that fills `sums`.
    pub fn new(sums: &'a mut SuiteSums) -> ComponentTap<'a> {
        let solver = Solver::new(sums.examples(), sums.components());
        let (statistics, exact) = (vec![None; sums.layers()], 0);
        ComponentTap { sums, solver, statistics, exact, spent: Spent::default() }
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

    /// Norms and zeros of every layer that was taken.
    pub fn into_statistics(self) -> Vec<Option<Statistics>> {
        self.statistics
    }

    /// Takes `activation`, of all examples, as that of `layer`.
    ///
    /// # Errors
    /// [`CaptureError`] if the device fails or the estimator refuses the layer.
    pub fn take(
        &mut self,
        layer: usize,
        activation: Activation<'_>,
    ) -> Result<Wanted, CaptureError> {
        let start = Instant::now();
        let behind = behind(activation);
        let host = |rows: &[f32]| self.take_rows(layer, rows, behind.as_ref());
        let on_cpu = match activation {
            Activation::Map(x) | Activation::BeforeNorm { map: x, .. } => {
                kernels::with_rows(x, host)
            }
            Activation::Vector(x) => kernels::with_rows(x, host),
        };
        let wanted = match on_cpu {
            Some(wanted) => wanted,
            None => self.take_device(layer, activation),
        };
        self.spent.wall += start.elapsed();
        wanted
    }

    fn take_rows(
        &mut self,
        layer: usize,
        rows: &[f32],
        behind: Option<&Behind>,
    ) -> Result<Wanted, CaptureError> {
        let (n, k) = (self.sums.examples(), self.sums.components());
        let batches = self.sums.batches();
        let rows = Rows::new(rows, n);
        let mut layers = vec![(layer, rows)];
        layers.extend(behind.map(|b| (b.layer, Rows { norm: Some(b.norm()), ..rows })));
        let (grams, found): (Vec<Vec<Symmetric>>, Vec<Found>);
        let (taken, spent);
        if batches.len() == 1 && batches[0].len() == n {
            // the batch's matrix is that of all examples
            (grams, taken) = timed(|| batch_grams(&layers, batches, Centre::Columns));
            let solve = |((_, rows), grams): (&(usize, Rows<'_>), &Vec<Symmetric>)| {
                let leading = grams.first().and_then(|gram| eigen::leading(gram, k));
                (leading, row_statistics(&rows.normed(), n))
            };
            (found, spent) = timed(|| layers.iter().zip(&grams).map(solve).collect());
            self.exact += layers.len();
        } else {
            let (solver, exact) = (&mut self.solver, &mut self.exact);
            let mut solve = |(_, rows): &(usize, Rows<'_>)| {
                let solved = solver.solve(*rows);
                *exact += usize::from(solved.exact);
                let norms = solved.tally.squares.iter().map(|v| v.sqrt() as f32).collect();
                let zeros = solved.tally.zeros as f64 / rows.values.len().max(1) as f64;
                (solved.leading, Statistics { norms, zeros })
            };
            // threads that wait in one find work in the other
            ((grams, taken), (found, spent)) = rayon::join(
                || timed(|| batch_grams(&layers, batches, Centre::Pilot)),
                || timed(|| layers.iter().map(&mut solve).collect()),
            );
        }
        self.spent.grams += taken;
        self.spent.leading += spent;
        for (((layer, _), grams), (leading, statistics)) in layers.iter().zip(&grams).zip(found) {
            self.set(*layer, leading, grams, statistics)?;
        }
        Ok(if behind.is_some() { Wanted::NotTheNorm } else { Wanted::All })
    }

    fn take_device(
        &mut self,
        layer: usize,
        activation: Activation<'_>,
    ) -> Result<Wanted, CaptureError> {
        let (gram, _) = grams(layer, activation)?;
        self.exact += 1;
        let leading = eigen::leading(&gram, self.sums.components());
        let blocks = blocks(&gram, self.sums.batches());
        self.set(layer, leading, &blocks, statistics(layer, activation)?)?;
        Ok(Wanted::All)
    }

    fn set(
        &mut self,
        layer: usize,
        leading: Option<Leading>,
        grams: &[Symmetric],
        statistics: Statistics,
    ) -> Result<(), CaptureError> {
        self.sums.set(layer, leading, grams).map_err(refused)?;
        self.statistics[layer] = Some(statistics);
        Ok(())
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

/// The norm behind a layer, where the layer's channels lie side by side on the CPU.
fn behind(activation: Activation<'_>) -> Option<Behind> {
    let Activation::BeforeNorm { map, scale, shift, norm } = activation else { return None };
    kernels::with_channels_last_rows(map, |_| ())?;
    let [scale, shift] = [scale, shift].map(|x| kernels::with_rows(x, <[f32]>::to_vec));
    Some(Behind { layer: norm, scale: scale?, shift: shift? })
}

/// For each of the layers (one, or one and its norm) the matrices of the batches,
/// as the map takes them.
fn batch_grams(
    layers: &[(usize, Rows<'_>)],
    batches: &[Range<usize>],
    centre: Centre,
) -> Vec<Vec<Symmetric>> {
    if let [(_, own), (_, Rows { norm: Some(norm), .. })] = layers {
        let paired = |b: &Range<usize>| {
            paired_products(part(own.values, own.n, b), b.len(), norm.scale, centre)
        };
        let pairs: Option<Vec<[Symmetric; 2]>> = batches.iter().map(paired).collect();
        if let Some(pairs) = pairs {
            let (own, behind) = pairs.into_iter().map(|[own, behind]| (own, behind)).unzip();
            return vec![own, behind];
        }
    }
    let grams = |(_, rows): &(usize, Rows<'_>)| {
        let values = rows.normed();
        let gram = |b: &Range<usize>| symmetric_product(part(&values, rows.n, b), b.len(), centre);
        batches.iter().map(gram).collect()
    };
    layers.iter().map(grams).collect()
}

/// A batch of `n` rows.
fn part<'a>(rows: &'a [f32], n: usize, batch: &Range<usize>) -> &'a [f32] {
    let p = rows.len() / n;
    &rows[batch.start * p..batch.end * p]
}
