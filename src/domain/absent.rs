//! Why a value is not there: three states, each with a word of its own wherever it is told.
//! Knows no map and no screen.

/// Why a layer has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The layer gives the same for all images (or, by the unbiased estimator, no more than
    /// noise): its HSIC with itself is not positive.
    NoVariance,
    /// Its activations, or what is summed of them, are not finite numbers.
    NotFinite,
    /// It belongs to a deleted residual block, so that nothing was computed.
    NotComputed,
}

impl Absent {
    /// The word.
    pub fn words(self) -> &'static str {
        match self {
            Absent::NoVariance => "no variance",
            Absent::NotFinite => "not finite",
            Absent::NotComputed => "not computed",
        }
    }

    /// The word, said of a layer: `conv1 has no variance`.
    pub fn clause(self) -> &'static str {
        match self {
            Absent::NoVariance => "has no variance",
            Absent::NotFinite => "is not finite",
            Absent::NotComputed => "was not computed",
        }
    }
}
