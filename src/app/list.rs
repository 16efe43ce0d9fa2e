//! The list of runs and what is selected in it. It is there whichever screen is
//! open; knows no screen.

use std::cmp::Ordering;

use crate::runs::{RunId, RunManifest, RunSummary};

/// How the list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RunOrder {
    /// By name.
    #[default]
    Name,
    /// The newest first.
    Date,
    /// The most accurate first.
    Test,
    /// The deepest and widest first.
    Size,
}

impl RunOrder {
    /// The order after this one.
    pub fn next(self) -> RunOrder {
        match self {
            RunOrder::Name => RunOrder::Date,
            RunOrder::Date => RunOrder::Test,
            RunOrder::Test => RunOrder::Size,
            RunOrder::Size => RunOrder::Name,
        }
    }

    /// The words on screen.
    pub fn name(self) -> &'static str {
        match self {
            RunOrder::Name => "by name",
            RunOrder::Date => "newest first",
            RunOrder::Test => "by test accuracy",
            RunOrder::Size => "by depth and width",
        }
    }

    fn compare(self, a: &RunSummary, b: &RunSummary) -> Ordering {
        // what cannot be read comes last
        let (Ok(x), Ok(y)) = (&a.manifest, &b.manifest) else {
            return a.manifest.is_err().cmp(&b.manifest.is_err());
        };
        let test = |m: &RunManifest| m.test.map_or(-1.0, |test| test.accuracy());
        match self {
            // as they were listed
            RunOrder::Name => Ordering::Equal,
            RunOrder::Date => y.created.cmp(&x.created),
            RunOrder::Test => test(y).total_cmp(&test(x)),
            RunOrder::Size => {
                let size = |m: &RunManifest| (m.model.depth, m.model.width);
                let ((dx, wx), (dy, wy)) = (size(x), size(y));
                dy.cmp(&dx).then(wy.total_cmp(&wx))
            }
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

    /// Words that the name, model or data of a run that is shown contain.
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
        self.order = self.order.next();
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
            words.iter().all(|word| text.contains(word))
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
