//! The block structure detector.
//!
//! The paper reads blocks off heatmaps and gives no number (science notes
//! §1.7). Ours (design §2): a maximal run of consecutive layers `[a, b]`, at
//! least `min_len` long, whose mean off-diagonal CKA is at least `tau` and none
//! of whose rows' mean is below `tau - 0.1`; found exactly, not greedily.

use std::ops::RangeInclusive;

/// What counts as a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockRule {
    /// Least mean off-diagonal CKA.
    pub tau: f64,
    /// Least number of consecutive layers of the view.
    pub min_len: usize,
}

/// A detected block.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectedBlock {
    /// Positions in the view, first to last.
    pub span: RangeInclusive<usize>,
    /// Mean off-diagonal CKA inside.
    pub mean: f64,
    /// `mean` minus the mean CKA between layers inside and outside; `None` if
    /// nothing defined lies outside.
    pub contrast: Option<f64>,
}
