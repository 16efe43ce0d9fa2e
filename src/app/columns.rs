//! The columns of the list of runs: what each says of a run, how runs sort by it, which
//! are chosen and which of them a screen has room for. Knows no screen.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::runs::{Axis, RunManifest, RunState, RunSummary};
use crate::text::{one_line, unknown};

/// A column beside the runs' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is documented in `doc`
pub enum Column {
    Model,
    Depth,
    Width,
    Data,
    Fraction,
    Seed,
    Epochs,
    Test,
    Loss,
    State,
    Made,
    From,
    Map,
}

/// Columns of a name that always stay, and the most that it takes.
const NAME: (usize, usize) = (20, 44);

/// Which columns a narrow screen leaves out, the first to go first.
pub const LEAVE: [Column; 13] = [
    Column::From,
    Column::Made,
    Column::Loss,
    Column::State,
    Column::Epochs,
    Column::Fraction,
    Column::Data,
    Column::Width,
    Column::Depth,
    Column::Model,
    Column::Seed,
    Column::Test,
    Column::Map,
];

impl Column {
    /// All columns.
    pub const ALL: [Column; 13] = [
        Column::Model,
        Column::Depth,
        Column::Width,
        Column::Data,
        Column::Fraction,
        Column::Seed,
        Column::Epochs,
        Column::Test,
        Column::Loss,
        Column::State,
        Column::Made,
        Column::From,
        Column::Map,
    ];

    /// The name over the column and in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Column::Model => "model",
            Column::Depth => "depth",
            Column::Width => "width",
            Column::Data => "data",
            Column::Fraction => "fraction",
            Column::Seed => "seed",
            Column::Epochs => "epochs",
            Column::Test => "test",
            Column::Loss => "loss",
            Column::State => "state",
            Column::Made => "made",
            Column::From => "from",
            Column::Map => "map",
        }
    }

    /// What it says, in a few words.
    pub fn doc(self) -> &'static str {
        match self {
            Column::Model => "network, in words",
            Column::Depth => "layers with weights, by the usual count",
            Column::Width => "channel multiplier",
            Column::Data => "images it was trained on",
            Column::Fraction => "share of the training images",
            Column::Seed => "seed of weights and order of images",
            Column::Epochs => "epochs trained",
            Column::Test => "test accuracy",
            Column::Loss => "test loss, nats",
            Column::State => "complete, or how far training is",
            Column::Made => "day it was made",
            Column::From => "file, or run, that it was made from",
            Column::Map => "whether it has a map",
        }
    }

    /// Cells that it takes, with what keeps it from its neighbour.
    pub fn width(self) -> usize {
        match self {
            Column::Model | Column::Data => 15,
            Column::From => 22,
            Column::Made | Column::State => 12,
            Column::Fraction => 10,
            Column::Test | Column::Loss | Column::Epochs => 8,
            Column::Depth | Column::Width | Column::Seed => 7,
            Column::Map => 5,
        }
    }

    /// True if it stands at the right of its cells, as numbers do.
    pub fn is_right(self) -> bool {
        !matches!(self, Column::Model | Column::Data | Column::From)
    }

    /// What it says of a run; `–` for what the run does not know.
    pub fn text(self, run: &RunSummary, manifest: &RunManifest) -> String {
        let along = |axis: Axis| axis.value(manifest).map(|value| value.text());
        let said = match self {
            Column::Model => Some(manifest.model.title()),
            Column::Depth => along(Axis::Depth),
            Column::Width => along(Axis::Width),
            Column::Data => Some(manifest.data.title()),
            Column::Fraction => along(Axis::Fraction),
            Column::Seed => along(Axis::Seed),
            Column::Epochs => along(Axis::Epoch),
            Column::Test => match (&manifest.test, manifest.state) {
                (Some(test), _) => Some(format!("{:.1} %", 100.0 * test.accuracy())),
                (None, RunState::Training { epoch, epochs }) => Some(format!("{epoch}/{epochs}")),
                (None, RunState::Complete) => None,
            },
            Column::Loss => manifest.test.map(|test| test.loss_words(3)),
            Column::State => Some(match manifest.state {
                RunState::Training { epoch, epochs } => format!("{epoch} of {epochs}"),
                RunState::Complete => "complete".to_string(),
            }),
            Column::Made => manifest.created.get(..10).map(String::from),
            Column::From => match (&manifest.source, &manifest.pruned_from) {
                (_, Some(from)) => Some(one_line(&from.run)),
                (Some(source), None) => Some(one_line(source)),
                (None, None) => None,
            },
            Column::Map => Some(match (run.analysis, &run.analysis_error) {
                (true, _) => "✓".to_string(),
                (false, Some(_)) => "✗".to_string(),
                (false, None) => "–".to_string(),
            }),
        };
        said.unwrap_or_else(|| "–".to_string())
    }

    /// How runs sort by it: the largest, newest or first in the alphabet first, and what
    /// does not know it last. Model goes by depth and width.
    fn order(
        self,
        (a, x): (&RunSummary, &RunManifest),
        (b, y): (&RunSummary, &RunManifest),
    ) -> Ordering {
        let known = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
        let down = |of: fn(&RunManifest) -> Option<f64>| known(of(y)).total_cmp(&known(of(x)));
        match self {
            Column::Model => {
                Column::Depth.order((a, x), (b, y)).then(Column::Width.order((a, x), (b, y)))
            }
            Column::Depth => y.model.depth.cmp(&x.model.depth),
            Column::Width => y.model.width.total_cmp(&x.model.width),
            Column::Data => x.data.title().cmp(&y.data.title()),
            Column::Fraction => y.data.fraction.total_cmp(&x.data.fraction),
            // seeds are names that happen to be numbers
            Column::Seed => x.seed.is_none().cmp(&y.seed.is_none()).then(x.seed.cmp(&y.seed)),
            Column::Epochs => {
                let epochs = |m: &RunManifest| match m.state {
                    RunState::Training { epoch, .. } => Some(epoch),
                    RunState::Complete => m.recipe.as_ref().map(|recipe| recipe.epochs),
                };
                epochs(y).cmp(&epochs(x))
            }
            Column::Test => down(|m| m.test.map(|test| test.accuracy())),
            // the least loss is the best
            Column::Loss => {
                let loss = |m: &RunManifest| m.test.map_or(f64::INFINITY, |test| test.loss);
                loss(x).total_cmp(&loss(y))
            }
            Column::State => {
                let done = |m: &RunManifest| matches!(m.state, RunState::Complete);
                done(x).cmp(&done(y))
            }
            Column::Made => y.created.cmp(&x.created),
            Column::From => {
                let from = |run: &RunSummary, m: &RunManifest| {
                    let text = Column::From.text(run, m);
                    (text == "–", text)
                };
                from(a, x).cmp(&from(b, y))
            }
            Column::Map => b.analysis.cmp(&a.analysis),
        }
    }

    /// Compares two lines of the list; what cannot be read comes last.
    pub(super) fn compare(self, a: &RunSummary, b: &RunSummary) -> Ordering {
        match (&a.manifest, &b.manifest) {
            (Ok(x), Ok(y)) => self.order((a, x), (b, y)),
            _ => a.manifest.is_err().cmp(&b.manifest.is_err()),
        }
    }

    /// In words, how the list is sorted by it.
    pub fn sorted(self) -> &'static str {
        match self {
            Column::Model => "by depth and width",
            Column::Depth => "deepest first",
            Column::Width => "widest first",
            Column::Data => "by data",
            Column::Fraction => "most images first",
            Column::Seed => "by seed",
            Column::Epochs => "longest trained first",
            Column::Test => "by test accuracy",
            Column::Loss => "least loss first",
            Column::State => "unfinished first",
            Column::Made => "newest first",
            Column::From => "by what it was made from",
            Column::Map => "those with a map first",
        }
    }

    /// True if a run has this in the column: wholly for numbers, within it for words.
    pub(super) fn says(self, run: &RunSummary, text: &str) -> bool {
        let Ok(manifest) = &run.manifest else { return false };
        let said = self.text(run, manifest).to_lowercase();
        match self {
            Column::Test | Column::Loss | Column::Made => said.starts_with(text),
            _ if self.is_right() => said == text,
            _ => said.contains(text),
        }
    }
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Column, String> {
        let found = Column::ALL.into_iter().find(|column| column.name() == text);
        found.ok_or_else(|| unknown("column of the list", text, &Column::ALL.map(Column::name)))
    }
}

/// The columns that were chosen, from the left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns(pub(super) Vec<Column>);

impl Default for Columns {
    fn default() -> Columns {
        Columns(vec![Column::Model, Column::Data, Column::Test, Column::Made, Column::Map])
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|column| column.name()).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Columns, String> {
        let mut chosen: Vec<Column> = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let column = name.parse()?;
            if chosen.contains(&column) {
                return Err(format!("the column {name} is named twice"));
            }
            chosen.push(column);
        }
        Ok(Columns(chosen))
    }
}

/// What a list of some width shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitting {
    /// Cells of the name.
    pub name: usize,
    /// The columns behind it.
    pub columns: Vec<Column>,
}

impl Columns {
    /// The columns, from the left.
    pub fn chosen(&self) -> &[Column] {
        &self.0
    }

    /// Those that `width` cells have room for, in the same order: as long as the names
    /// would get too short, the next of [`LEAVE`] goes.
    pub fn fitting(&self, width: usize) -> Fitting {
        let mut columns = self.0.clone();
        let taken = |columns: &[Column]| columns.iter().map(|c| c.width()).sum::<usize>();
        for leaves in LEAVE {
            if taken(&columns) + NAME.0 <= width {
                break;
            }
            columns.retain(|column| *column != leaves);
        }
        let name = width.saturating_sub(taken(&columns)).min(NAME.1);
        Fitting { name, columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::demo;

    #[test]
    fn names_are_read_as_they_are_written() {
        for text in ["model,data,test,made,map", "seed,depth", "", "from"] {
            assert_eq!(text.parse::<Columns>().unwrap().to_string(), text);
        }
        assert_eq!(" seed , depth,".parse::<Columns>().unwrap().to_string(), "seed,depth");
        let error = "modle".parse::<Columns>().unwrap_err();
        assert!(error.contains("did you mean \"model\"?") && error.contains("fraction"), "{error}");
        assert!("map,map".parse::<Columns>().unwrap_err().contains("twice"));
        let mut leave = LEAVE.to_vec();
        leave.sort_by_key(|column| column.name());
        leave.dedup();
        assert_eq!(leave.len(), Column::ALL.len(), "each goes once");
    }

    #[test]
    fn narrow_lists_keep_the_names_and_the_order() {
        let all = Columns(Column::ALL.to_vec());
        for width in 0..260 {
            for columns in [&all, &Columns::default(), &Columns(Vec::new())] {
                let fit = columns.fitting(width);
                let taken: usize = fit.columns.iter().map(|c| c.width()).sum();
                assert!(fit.name >= NAME.0.min(width), "{width}: {fit:?}");
                assert!(fit.name + taken <= width.max(fit.name), "{width}");
                // a wider list shows no less, in the chosen order
                let wider = columns.fitting(width + 1).columns;
                assert!(fit.columns.iter().all(|column| wider.contains(column)));
                let mut chosen = columns.chosen().iter();
                assert!(fit.columns.iter().all(|c| chosen.any(|other| other == c)));
            }
        }
        let names = |width| Columns(Columns::default().fitting(width).columns).to_string();
        assert_eq!(names(47), "test,map", "first what was made when, then data and model");
        assert_eq!(names(90), "model,data,test,made,map");
    }

    #[test]
    fn columns_say_what_the_run_says_and_sort_by_it() {
        let runs = demo::summaries();
        let of = |name: &str| {
            let run = runs.iter().find(|run| run.name.starts_with(name)).unwrap();
            let manifest = run.manifest.as_ref().unwrap();
            Column::ALL.map(|column| column.text(run, manifest))
        };
        assert_eq!(
            of("resnet20"),
            [
                "ResNet-20 x2",
                "20",
                "2",
                "CIFAR-10 1/64",
                "1/64",
                "0",
                "100",
                "41.2 %",
                "2.500",
                "complete",
                "2026-08-01",
                "–",
                "✓"
            ]
        );
        let imported = of("imported");
        assert_eq!((imported[7].as_str(), imported[12].as_str()), ("–", "–"));
        let sorted = |column: Column| {
            let mut runs = runs.clone();
            runs.sort_by(|a, b| column.compare(a, b));
            runs.into_iter().map(|run| run.name).collect::<Vec<_>>()
        };
        for column in Column::ALL {
            assert_eq!(sorted(column).last().unwrap(), "broken", "{column:?}");
        }
        assert!(sorted(Column::Depth)[0].starts_with("resnet56"));
        assert_eq!(sorted(Column::Test)[3], "imported", "what was not tested");
        assert_eq!(sorted(Column::Map)[3], "imported");
        let run = &runs[1];
        assert!(Column::Depth.says(run, "20") && !Column::Depth.says(run, "2"));
        assert!(Column::Data.says(run, "cifar") && Column::Test.says(run, "41"));
    }
}
