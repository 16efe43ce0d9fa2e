//! The list of runs and what is selected in it. It is there whichever screen is
//! open; knows no screen.

use std::cmp::Ordering;

use super::columns::{Column, Columns};
use crate::runs::{RunId, RunSummary};

/// How the list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RunOrder {
    /// By name, as they were listed.
    #[default]
    Name,
    /// By what a column says.
    By(Column),
}

impl RunOrder {
    /// The order after this one: by name, then by each column that is chosen.
    fn next(self, columns: &Columns) -> RunOrder {
        let chosen = columns.chosen();
        let at = match self {
            RunOrder::Name => Some(0),
            RunOrder::By(column) => chosen.iter().position(|c| *c == column).map(|at| at + 1),
        };
        at.and_then(|at| chosen.get(at)).map_or(RunOrder::Name, |column| RunOrder::By(*column))
    }

    /// The words on screen.
    pub fn name(self) -> &'static str {
        match self {
            RunOrder::Name => "by name",
            RunOrder::By(column) => column.sorted(),
        }
    }

    fn compare(self, a: &RunSummary, b: &RunSummary) -> Ordering {
        match self {
            // what cannot be read comes last
            RunOrder::Name => a.manifest.is_err().cmp(&b.manifest.is_err()),
            RunOrder::By(column) => column.compare(a, b),
        }
    }
}

/// The list of runs.
#[derive(Debug, Clone, Default)]
pub struct RunList {
    /// Those that are shown, in order; `None` until the list has been read.
    pub runs: Option<Vec<RunSummary>>,
    /// All of them, as they were listed.
    all: Vec<RunSummary>,
    filter: String,
    order: RunOrder,
    /// The run that is selected as soon as it is listed.
    awaited: Option<String>,
    /// What is said of each.
    pub columns: Columns,
    /// The selected run.
    pub selected: usize,
    /// First run on screen.
    pub offset: usize,
    /// The run that others are compared with.
    pub chosen: Option<RunId>,
}

impl RunList {
    /// All runs, shown or not.
    pub fn all(&self) -> &[RunSummary] {
        &self.all
    }

    /// Words that the name, model or data of a run that is shown contain, or what it has in
    /// a column: `seed:3`.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// How it is sorted.
    pub fn order(&self) -> RunOrder {
        self.order
    }

    /// Shows only runs with these words; none for all.
    pub(super) fn set_filter(&mut self, words: &str) {
        self.filter = words.trim().to_string();
        self.arrange(None);
    }

    /// Sorts in the next way.
    pub(super) fn next_order(&mut self) {
        self.order = self.order.next(&self.columns);
        self.arrange(None);
    }

    /// Filters and sorts; a run that was selected stays selected, else `open` is.
    fn arrange(&mut self, open: Option<RunId>) {
        let id = self.selection().map(|run| run.id.clone()).or(open);
        let words: Vec<String> =
            self.filter.split_whitespace().map(|word| word.to_lowercase()).collect();
        let has = |run: &&RunSummary| {
            let about = run.manifest.as_ref().map_or_else(
                |_| String::new(),
                |m| format!("{} {}", m.model.title(), m.data.title()),
            );
            let text = format!("{} {about}", run.name).to_lowercase();
            let says = |word: &String| {
                let (name, value) = word.split_once(':')?;
                name.parse::<Column>().ok().map(|column| column.says(run, value))
            };
            words.iter().all(|word| says(word).unwrap_or_else(|| text.contains(word)))
        };
        let mut runs: Vec<RunSummary> = self.all.iter().filter(has).cloned().collect();
        runs.sort_by(|a, b| self.order.compare(a, b));
        self.runs = Some(runs);
        self.selected = id.and_then(|id| self.position(&id)).unwrap_or(0);
    }

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
        self.all = runs;
        self.arrange(open);
        let Some(name) = self.awaited.take() else { return };
        if !self.runs.iter().flatten().any(|run| run.name == name) {
            // the filter hides it
            self.set_filter("");
        }
        let found = self.runs.iter().flatten().position(|run| run.name == name);
        self.selected = found.unwrap_or(self.selected);
    }

    /// Selects the run of that name when the list comes the next time.
    pub(super) fn select_when_listed(&mut self, name: &str) {
        self.awaited = Some(name.to_string());
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
