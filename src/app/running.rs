//! The computation that runs for the interface. At most one runs: the newest.
//! Knows no screen.

use super::jobs::{JobId, JobKind};

/// A running computation.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// Its number.
    pub id: JobId,
    /// What it computes.
    pub kind: JobKind,
    /// Units done, in all, and their name.
    pub progress: Option<(usize, usize, &'static str)>,
    /// Whether its map is then laid beside the original.
    pub beside: bool,
    /// Whether the accuracy is measured after it.
    pub measure: bool,
}

impl Running {
    /// What it does, in a few words.
    pub fn title(&self) -> String {
        match &self.kind {
            JobKind::Evaluate(deleted) if deleted.is_empty() => "evaluating".to_string(),
            JobKind::Evaluate(deleted) => format!("evaluating without {deleted}"),
            JobKind::Lesions => "deleting each residual block alone".to_string(),
            JobKind::Sweep(stage) => format!("pruning stage {stage} from its end"),
            JobKind::Analyze(_) => "analysing".to_string(),
            JobKind::Import(file) => format!("importing {}", file.name),
            JobKind::Cut(deleted, name) => format!("saving {name} without {deleted}"),
            JobKind::Map(deleted) if deleted.is_empty() => "computing the map".to_string(),
            JobKind::Cross(other) => format!("computing the CKA with {}", other.name()),
            JobKind::Map(deleted) => format!("computing the map without {deleted}"),
        }
    }
}
