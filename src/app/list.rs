//! The list of runs and what is selected in it. It is there whichever screen is
//! open; knows no screen.

use crate::runs::{RunId, RunSummary};

/// The list of runs.
#[derive(Debug, Clone, Default)]
pub struct RunList {
    /// `None` until the list has been read.
    pub runs: Option<Vec<RunSummary>>,
    /// The selected run.
    pub selected: usize,
    /// First run on screen.
    pub offset: usize,
    /// The run that others are compared with.
    pub chosen: Option<RunId>,
}

impl RunList {
    /// The selected run.
    pub fn selection(&self) -> Option<&RunSummary> {
        self.runs.as_ref()?.get(self.selected)
    }

    /// Number of runs; none while the list is being read.
    pub fn len(&self) -> usize {
        self.runs.as_ref().map_or(0, Vec::len)
    }

    /// True if there is no run, or the list is still being read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the list as it was read; a run that was selected stays selected, else
    /// `open` is.
    pub(super) fn take(&mut self, runs: Vec<RunSummary>, open: Option<RunId>) {
        let id = self.selection().map(|run| run.id.clone()).or(open);
        self.runs = Some(runs);
        self.selected = id.and_then(|id| self.position(&id)).unwrap_or(0);
    }

    /// Where a run stands. One that was inside the program may lie in a folder of
    /// that name by now.
    pub(super) fn position(&self, id: &RunId) -> Option<usize> {
        let runs = self.runs.as_ref()?;
        let copied = || runs.iter().position(|run| run.name == id.name());
        runs.iter().position(|run| run.id == *id).or_else(copied)
    }

    /// Keeps the selection on a run, and in sight where `height` runs are.
    pub(super) fn scroll(&mut self, height: usize) {
        let (runs, height) = (self.len(), height.max(1));
        self.selected = self.selected.min(runs.saturating_sub(1));
        self.offset =
            self.offset.max((self.selected + 1).saturating_sub(height)).min(self.selected);
        self.offset = self.offset.min(runs.saturating_sub(height));
    }
}
