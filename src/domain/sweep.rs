//! `Xc (Xcᵀ Q)` for a few columns `Q`, reading the rows `X` from memory once:
//! what `krylov` asks of a layer instead of its whole Gram matrix.
//!
//! Features are cut into chunks whose rows stay in the last cache; a chunk's
//! `Z = X_Jᵀ Q` is used at once for `X_J Z`. Products of a few chunks are gathered
//! in f32, groups of chunks in f64, in an order that depends on the shape alone:
//! the number of threads changes nothing. Knows neither layers nor devices.

use std::borrow::Cow;

use pulp::Arch;
use rayon::prelude::*;

use kernel::{Block, COLUMNS, Chunk, ROWS, TILE};

use super::product::pilot;

mod kernel;

/// Features of a chunk: long enough runs for a processor to fetch ahead, and
/// those of 1,024 rows (4 MiB) come from the last cache the second time.
const CHUNK: usize = 16 * TILE;
/// Most groups of chunks, each with a product of its own.
const MOST_GROUPS: usize = 64;

/// What is swept over: rows of features in any order, perhaps as a batch norm makes
/// them, which then never lie in memory.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// `n` x features, row-major.
    pub values: &'a [f32],
    /// Number of rows.
    pub n: usize,
    /// The norm behind them.
    pub norm: Option<Norm<'a>>,
}

/// A batch norm in evaluation mode, over rows in which the channels of a position
/// lie side by side.
#[derive(Debug, Clone, Copy)]
pub struct Norm<'a> {
    /// What it multiplies each channel by.
    pub scale: &'a [f32],
    /// What it then adds.
    pub shift: &'a [f32],
}

impl Norm<'_> {
    /// Factor and summand of a feature.
    fn of(&self, feature: usize) -> [f32; 2] {
        let channel = feature % self.scale.len();
        [self.scale[channel], self.shift[channel]]
    }
}

impl<'a> Rows<'a> {
    /// Rows as they are.
    pub fn new(values: &'a [f32], n: usize) -> Rows<'a> {
        Rows { values, n, norm: None }
    }

    /// All values, normed if there is a norm.
    pub fn normed(&self) -> Cow<'a, [f32]> {
        let Some(Norm { scale, shift }) = self.norm else { return Cow::Borrowed(self.values) };
        let mut values = self.values.to_vec();
        values.par_chunks_mut(scale.len()).for_each(|position| {
            for ((v, scale), shift) in position.iter_mut().zip(scale).zip(shift) {
                *v = *v * scale + shift;
            }
        });
        Cow::Owned(values)
    }
}

/// What a sweep finds on its way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Sum of squares of each (uncentred) row.
    pub squares: Vec<f64>,
    /// Values that are zero.
    pub zeros: usize,
    /// `tr Xc Xcᵀ`: sum of squares of all values with columns centred.
    pub trace: f64,
}

/// The products of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    /// `(X - 1 mᵀ) (X - 1 mᵀ)ᵀ Q` with some `m` near the columns' means, `n` x
    /// `width`, row-major: take out the columns' means for `Xc Xcᵀ Q`.
    pub products: Vec<f64>,
    /// Of the rows themselves, if asked for.
    pub tally: Option<Tally>,
}

/// How a sweep treats the rows' mean, and what else it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// A pilot of the mean is subtracted first, and a [`Tally`] taken.
    Tally,
    /// A pilot is subtracted first.
    Shifted,
    /// The rows are taken as they are: faster, and exact enough where the mean is
    /// not large beside the deviation ([`Tally::plain`]).
    Plain,
}

/// Sweeps once over `rows` with `q` (`n` x `width`, row-major; its columns sum to
/// zero).
///
/// # Panics
/// If the lengths do not fit.
pub fn sweep(rows: Rows<'_>, q: &[f32], width: usize, how: Sweep) -> Swept {
    let Rows { values: rows, n, norm } = rows;
    let tally = how == Sweep::Tally;
    if n == 0 || width == 0 {
        let tally = tally.then(|| Tally::new(n));
        return Swept { products: Vec::new(), tally };
    }
    let p = rows.len() / n;
    assert!(rows.len() == n * p && q.len() == n * width, "{n} rows");
    let arch = Arch::new();
    let wide = width.next_multiple_of(COLUMNS);
    let tall = n.next_multiple_of(ROWS);
    let mut padded = vec![0.0f32; tall * wide];
    for (to, from) in padded.chunks_exact_mut(wide).zip(q.chunks_exact(width)) {
        to[..width].copy_from_slice(from);
    }
    // short rows are cut finer, so that there is work for many threads
    let length = (p / 8).next_multiple_of(TILE).clamp(4 * TILE, CHUNK);
    let chunks = p.div_ceil(length);
    let per_group = chunks.div_ceil(MOST_GROUPS).max(1);
    let groups: Vec<(Vec<f32>, Option<Tally>)> = (0..chunks.div_ceil(per_group))
        .into_par_iter()
        .map_init(Block::default, |block, group| {
            let mut product = vec![0.0f32; tall * wide];
            let mut found = tally.then(|| Tally::new(n));
            for chunk in group * per_group..((group + 1) * per_group).min(chunks) {
                let columns = chunk * length..((chunk + 1) * length).min(p);
                pilot(rows, n, p, columns.clone(), &mut block.pilot);
                arch.dispatch(Chunk {
                    rows,
                    n,
                    columns,
                    norm,
                    q: &padded,
                    wide,
                    block,
                    product: &mut product,
                    tally: found.as_mut(),
                    plain: how == Sweep::Plain,
                });
            }
            (product, found)
        })
        .collect();
    let mut products = vec![0.0f64; n * width];
    products.par_chunks_mut(64 * width).enumerate().for_each(|(at, part)| {
        for (product, _) in &groups {
            let from = product[at * 64 * wide..].chunks_exact(wide);
            for (to, from) in part.chunks_exact_mut(width).zip(from) {
                for (to, v) in to.iter_mut().zip(from) {
                    *to += f64::from(*v);
                }
            }
        }
    });
    let tally = tally.then(|| {
        groups.iter().filter_map(|(_, found)| found.as_ref()).fold(Tally::new(n), Tally::with)
    });
    Swept { products, tally }
}

impl Tally {
    /// Whether sweeps may leave the mean where it is: it costs two digits of f32
    /// at most.
    pub fn plain(&self) -> bool {
        self.squares.iter().sum::<f64>() < 16.0 * self.trace
    }

    fn new(n: usize) -> Tally {
        Tally { squares: vec![0.0; n], zeros: 0, trace: 0.0 }
    }

    fn with(mut self, more: &Tally) -> Tally {
        self.squares.iter_mut().zip(&more.squares).for_each(|(to, v)| *to += v);
        self.zeros += more.zeros;
        self.trace += more.trace;
        self
    }
}

#[cfg(test)]
mod tests;
