//! Everything the interface knows, as plain data.

use std::path::PathBuf;

use crate::domain::{Layer, Map, SimilarityMatrix};
use crate::runs::{LoadedRun, PairMaps, RunId, RunSummary};
use crate::theme::ThemeSet;

use super::action::Scope;
use super::compare::Compare;
use super::explorer::Explorer;
use super::find::Find;
use super::grid::{Grid, GridRequest};
use super::jobs::{JobId, JobRequest, JobUpdate, Picture};
use super::key::Key;
use super::keymap::Keymap;
use super::mode::MapMode;
use super::palette::Palette;
use super::pointer::Drag;
use super::predictions::{Answers, PredictionsView};
use super::running::Running;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ColourDepth {
    /// None: glyph ramps, bold and reverse.
    Mono,
    /// The sixteen of the terminal's own palette; the map is a glyph ramp.
    Ansi16,
    /// The 256 of xterm.
    Indexed256,
    /// 24 bits.
    Truecolor,
}

impl ColourDepth {
    /// All depths in the order in which a key cycles through them.
    pub const ALL: [ColourDepth; 4] =
        [ColourDepth::Truecolor, ColourDepth::Indexed256, ColourDepth::Ansi16, ColourDepth::Mono];

    /// The name on screen and as an option's value.
    pub fn name(self) -> &'static str {
        match self {
            ColourDepth::Mono => "mono",
            ColourDepth::Ansi16 => "16",
            ColourDepth::Indexed256 => "256",
            ColourDepth::Truecolor => "truecolor",
        }
    }

    /// The depth after this one.
    pub fn next(self) -> ColourDepth {
        let at = ColourDepth::ALL.iter().position(|d| *d == self).unwrap_or(0);
        ColourDepth::ALL[(at + 1) % ColourDepth::ALL.len()]
    }
}

/// How things look: names of the theme and the colour map, and the choices.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Theme names, each with the name of its own colour map.
    themes: Vec<(String, String)>,
    colormaps: Vec<String>,
    theme: usize,
    /// A map chosen by key; else the theme's own.
    colormap: Option<usize>,
    /// Colours of the terminal.
    pub depth: ColourDepth,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// Whether the read-out follows the pointer.
    pub hover: bool,
}

impl Look {
    /// The choices of a theme set, starting with the theme `name` (or the first).
    pub fn new(set: &ThemeSet, name: Option<&str>, depth: ColourDepth) -> Look {
        let themes: Vec<_> =
            set.themes().iter().map(|t| (t.name.clone(), t.colormap.clone())).collect();
        let theme = name.and_then(|n| themes.iter().position(|(t, _)| t == n)).unwrap_or(0);
        let colormaps = set.colormaps().iter().map(|m| m.name.clone()).collect();
        Look { themes, colormaps, theme, colormap: None, depth, mouse: true, hover: false }
    }

    /// The theme's name.
    pub fn theme(&self) -> &str {
        self.themes.get(self.theme).map_or("", |(name, _)| name)
    }

    /// The colour map's name.
    pub fn colormap(&self) -> &str {
        match self.colormap.and_then(|i| self.colormaps.get(i)) {
            Some(name) => name,
            None => self.themes.get(self.theme).map_or("", |(_, map)| map),
        }
    }

    /// Takes the theme of that name, if there is one.
    pub fn with_theme(mut self, name: &str) -> Look {
        if let Some(at) = self.themes.iter().position(|(theme, _)| theme == name) {
            self.theme = at;
        }
        self
    }

    /// Takes the colour map of that name, if there is one.
    pub fn with_colormap(mut self, name: &str) -> Look {
        self.colormap = self.colormaps.iter().position(|map| map == name).or(self.colormap);
        self
    }

    /// The same look among the themes and maps of another set.
    fn among(&self, set: &ThemeSet) -> Look {
        let mut look = Look::new(set, Some(self.theme()), self.depth);
        (look.mouse, look.hover) = (self.mouse, self.hover);
        match self.colormap {
            Some(_) => look.with_colormap(self.colormap()),
            None => look,
        }
    }

    pub(super) fn next_theme(&mut self) {
        self.theme = (self.theme + 1) % self.themes.len().max(1);
    }

    pub(super) fn next_colormap(&mut self) {
        let at = self.colormaps.iter().position(|m| m == self.colormap()).map_or(0, |i| i + 1);
        self.colormap = Some(at % self.colormaps.len().max(1));
    }
}

/// Which screen is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// The list of runs.
    Home,
    /// A run's map.
    Explorer,
    /// Two runs side by side.
    Compare,
    /// What networks predict.
    Predictions,
    /// Small multiples.
    Grid,
}

/// The list of runs.
#[derive(Debug, Clone, Default)]
pub struct Home {
    /// `None` until the list has been read.
    pub runs: Option<Vec<RunSummary>>,
    /// The selected run.
    pub selected: usize,
    /// First run on screen.
    pub offset: usize,
    /// The run that others are compared with.
    pub chosen: Option<RunId>,
}

impl Home {
    /// The selected run.
    pub fn selection(&self) -> Option<&RunSummary> {
        self.runs.as_ref()?.get(self.selected)
    }
}

/// A message that stays until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The text, one line.
    pub text: String,
    /// Whether something failed.
    pub error: bool,
}

/// Everything needed to write the current map to files.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportRequest {
    /// Names of the files without their extension: `resnet20-all-cka`.
    pub stem: String,
    /// Where to; `.` is the current directory.
    pub directory: PathBuf,
    /// A heading: run, model, data, map and view.
    pub title: String,
    /// The view's map, not pooled.
    pub matrix: SimilarityMatrix,
    /// Standard errors of its cells, where the map has them.
    pub errors: Option<SimilarityMatrix>,
    /// The layers of its rows.
    pub rows: Vec<Layer>,
    /// The layers of its columns.
    pub cols: Vec<Layer>,
    /// What the values are: `CKA`.
    pub quantity: String,
    /// Ends of the colour scale.
    pub range: (f64, f64),
    /// Name of the colour map.
    pub colormap: String,
}

/// What the outside world is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read the list of runs.
    ListRuns,
    /// Read a run.
    LoadRun(RunId),
    /// Read two runs and what is known between them.
    LoadPair(RunId, RunId),
    /// Read the predictions of runs.
    LoadPredictions(Vec<RunId>),
    /// Write the current map.
    Export(Box<ExportRequest>),
    /// Read one map of a run, for the grid.
    LoadMap(RunId, MapMode),
    /// Write the grid as a figure.
    ExportGrid(Box<GridRequest>),
    /// Start a computation.
    StartJob(JobRequest),
    /// Stop a computation; it answers with its end.
    CancelJob(JobId),
    /// Put a text on the clipboard; what it is, in words.
    Copy(String, String),
    /// Read pictures of test images of a run.
    LoadPictures(RunId, Vec<u32>),
    /// Turn mouse reports on or off.
    Mouse(bool),
    /// Suspend the program.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// End the program.
    Quit,
}

/// Two runs that are to be compared, and the CKA between them if it is known.
#[derive(Debug, Clone)]
pub struct LoadedPair {
    /// The first and the second.
    pub runs: [LoadedRun; 2],
    /// With the first in the rows.
    pub cross: Option<PairMaps>,
}

/// What happens to the interface.
#[derive(Debug)]
pub enum Input {
    /// A key.
    Key(Key),
    /// Text pasted into the terminal.
    Paste(String),
    /// The screen has `(columns, rows)` cells.
    Resize(u16, u16),
    /// The left button went down on a cell.
    Click(u16, u16),
    /// The pointer moved to a cell with the left button down.
    Drag(u16, u16),
    /// The pointer moved to a cell with no button down.
    Hover(u16, u16),
    /// The wheel turned over a cell; up is `true`.
    Wheel(u16, u16, bool),
    /// The list of runs.
    RunsListed(Vec<RunSummary>),
    /// A run was read.
    RunLoaded(Result<Box<LoadedRun>, String>),
    /// Two runs were read.
    PairLoaded(Result<Box<LoadedPair>, String>),
    /// The predictions of runs were read.
    PredictionsLoaded(Vec<Answers>),
    /// A map of a run, or in one line why there is none.
    MapLoaded(RunId, MapMode, Result<Box<Map>, String>),
    /// The device of this session, in words.
    Device(String),
    /// News of a computation.
    Job(JobId, JobUpdate),
    /// Pictures of test images of a run, or in one line why there are none.
    Pictures(RunId, Result<Vec<(u32, Picture)>, String>),
    /// Files were written.
    Exported(Result<Vec<PathBuf>, String>),
    /// A text was sent to a clipboard, in words, or why not.
    Copied(Result<String, String>),
    /// A service failed in a way that it did not foresee.
    Failed(String),
}

/// The state of the interface.
#[derive(Debug, Clone)]
pub struct App {
    /// Cells of the screen: columns, rows.
    pub size: (u16, u16),
    /// Which screen is shown.
    pub screen: Screen,
    /// The list of runs.
    pub home: Home,
    /// The open run.
    pub explorer: Option<Explorer>,
    /// Two runs side by side.
    pub compare: Option<Compare>,
    /// What networks predict.
    pub predictions: Option<PredictionsView>,
    /// Whether predictions are being read.
    pub asked_predictions: bool,
    /// The grid, once it was open.
    pub grid: Option<Grid>,
    /// A run that is being read.
    pub loading: Option<RunId>,
    /// Two runs that are being read.
    pub comparing: Option<(RunId, RunId)>,
    /// The search field, while it is open.
    pub find: Option<Find>,
    /// The command palette, while it is open.
    pub palette: Option<Palette>,
    /// The help's first line, while it is open.
    pub help: Option<u16>,
    /// A message.
    pub toast: Option<Toast>,
    /// The key map.
    pub keymap: Keymap,
    /// How things look.
    pub look: Look,
    /// The device of this session, once known.
    pub device: Option<String>,
    /// Keys of an unfinished sequence.
    pub pending: Vec<Key>,
    /// A count typed before a key.
    pub count: Option<usize>,
    /// Where the left button went down on the map.
    pub drag: Option<Drag>,
    /// The computation that runs.
    pub running: Option<Running>,
    /// Whether the question is open if it shall be cancelled.
    pub asking: bool,
    /// Number of computations started so far.
    pub jobs_started: JobId,
    /// Whether times and bytes of frames are shown.
    pub perf: bool,
}

impl App {
    /// The list of runs, or `open`, if a run is to be shown at once.
    pub fn new(look: Look, open: Option<RunId>) -> App {
        App {
            size: (80, 24),
            screen: if open.is_some() { Screen::Explorer } else { Screen::Home },
            home: Home::default(),
            explorer: None,
            compare: None,
            predictions: None,
            asked_predictions: false,
            grid: None,
            loading: open,
            comparing: None,
            find: None,
            palette: None,
            help: None,
            toast: None,
            keymap: Keymap::default(),
            look,
            device: None,
            pending: Vec::new(),
            count: None,
            drag: None,
            running: None,
            asking: false,
            jobs_started: 0,
            perf: false,
        }
    }

    /// What to ask for at the start.
    pub fn start(&self) -> Vec<Effect> {
        let open = self.loading.clone().map(Effect::LoadRun);
        open.into_iter().chain([Effect::ListRuns]).collect()
    }

    /// The scope in which keys are looked up.
    pub fn scope(&self) -> Scope {
        match self.screen {
            Screen::Home => Scope::Home,
            Screen::Explorer => Scope::Explorer,
            Screen::Compare => Scope::Compare,
            Screen::Predictions => Scope::Predictions,
            Screen::Grid => Scope::Grid,
        }
    }

    /// The themes were read again; `problems` are faults, each in one line.
    pub fn themes_changed(&mut self, set: &ThemeSet, problems: &[String]) {
        self.look = self.look.among(set);
        if problems.is_empty() {
            self.tell("themes read again");
        } else {
            self.notice(problems, "blockscope themes");
        }
    }

    /// Shows the first of some faults, and where the others are told.
    pub fn notice(&mut self, problems: &[String], command: &str) {
        if let Some(first) = problems.first() {
            let more = match problems.len() {
                1 => String::new(),
                2 => format!("1 more fault, see `{command}`: "),
                n => format!("{} more faults, see `{command}`: ", n - 1),
            };
            self.complain(more + first);
        }
    }

    pub(super) fn tell(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { text: text.into(), error: false });
    }

    pub(super) fn complain(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { text: text.into(), error: true });
    }
}
