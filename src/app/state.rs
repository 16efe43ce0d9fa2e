//! Everything the interface knows: the open screen with its state, the screens that
//! it was opened from, and what all of them share. What inputs do to it is in
//! [`update`](mod@super::update).

use crate::runs::RunId;
use crate::theme::ThemeSet;

use super::action::Scope;
use super::album::Album;
use super::compare::Compare;
use super::explorer::{Explorer, ExplorerMemory};
use super::grid::{Grid, GridMemory};
use super::home::Home;
use super::import::Import;
use super::jobs::{JobId, Picture};
use super::key::Key;
use super::keymap::Keymap;
use super::list::RunList;
use super::look::Look;
use super::message::Effect;
use super::opening::Opening;
use super::overlay::Overlay;
use super::predictions::PredictionsView;
use super::room::{Awaited, Context, Room, Toast};
use super::running::Running;

/// A screen and its state.
#[derive(Debug, Clone)]
pub enum Screen {
    /// The list of runs.
    Home(Home),
    /// A run is being read, and nothing was shown before.
    Opening(Opening),
    /// A run's map.
    Explorer(Box<Explorer>),
    /// Two runs side by side, or one and itself pruned.
    Compare(Box<Compare>),
    /// Small multiples.
    Grid(Box<Grid>),
    /// A checkpoint to make a run of.
    Import(Box<Import>),
    /// What networks predict.
    Predictions(Box<PredictionsView>),
}

impl Screen {
    pub(super) fn room(&self) -> &dyn Room {
        match self {
            Screen::Home(home) => home,
            Screen::Opening(opening) => opening,
            Screen::Explorer(explorer) => explorer.as_ref(),
            Screen::Compare(compare) => compare.as_ref(),
            Screen::Grid(grid) => grid.as_ref(),
            Screen::Import(form) => form.as_ref(),
            Screen::Predictions(view) => view.as_ref(),
        }
    }

    pub(super) fn room_mut(&mut self) -> &mut dyn Room {
        match self {
            Screen::Home(home) => home,
            Screen::Opening(opening) => opening,
            Screen::Explorer(explorer) => explorer.as_mut(),
            Screen::Compare(compare) => compare.as_mut(),
            Screen::Grid(grid) => grid.as_mut(),
            Screen::Import(form) => form.as_mut(),
            Screen::Predictions(view) => view.as_mut(),
        }
    }
}

impl Screen {
    /// The picture of a serial number, if the screen has it.
    fn picture(&self, serial: u32) -> Option<&Picture> {
        match self {
            Screen::Explorer(open) => open.album.by_serial(serial),
            Screen::Compare(compare) => {
                compare.sides().iter().find_map(|side| side.album.by_serial(serial))
            }
            Screen::Predictions(view) => view.album.by_serial(serial),
            Screen::Home(_) | Screen::Import(_) | Screen::Opening(_) | Screen::Grid(_) => None,
        }
    }

    /// The albums of the screen that hold pictures for a run.
    pub(super) fn albums_of(&mut self, run: &RunId) -> Vec<&mut Album> {
        match self {
            Screen::Explorer(open) if open.run().id == *run => vec![&mut open.album],
            Screen::Compare(compare) => compare.albums_of(run),
            Screen::Predictions(view) if view.pictured() == Some(run) => vec![&mut view.album],
            _ => Vec::new(),
        }
    }
}

/// How screens were left that are opened anew: settings and place.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The last run.
    pub explorer: Option<ExplorerMemory>,
    /// The last grid.
    pub grid: Option<GridMemory>,
    /// The form of an import.
    pub import: Option<Import>,
}

/// The state of the interface.
#[derive(Debug, Clone)]
pub struct App {
    /// Cells of the screen: columns, rows.
    pub size: (u16, u16),
    /// The open screen.
    pub screen: Screen,
    /// The screens that it was opened from, the last one at the end. The list of
    /// runs lies below all of them and is not among them.
    pub behind: Vec<Screen>,
    /// What is open on top of the screen.
    pub overlay: Overlay,
    /// The list of runs.
    pub home: RunList,
    /// What opens a screen when it comes.
    pub awaited: Awaited,
    /// How screens were left.
    pub memory: Memory,
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
    /// The computation that runs.
    pub running: Option<Running>,
    /// Number of computations started so far.
    pub jobs_started: JobId,
    /// Whether times and bytes of frames are shown.
    pub perf: bool,
}

impl App {
    /// The picture of a serial number, if the open screen has it.
    pub fn picture(&self, serial: u32) -> Option<&Picture> {
        self.screen.picture(serial)
    }

    /// The list of runs, or `open`, if a run is to be shown at once.
    pub fn new(look: Look, open: Option<RunId>) -> App {
        App {
            size: (80, 24),
            screen: open.map_or(Screen::Home(Home), |run| Screen::Opening(Opening { run })),
            behind: Vec::new(),
            overlay: Overlay::None,
            home: RunList::default(),
            awaited: Awaited::Nothing,
            memory: Memory::default(),
            toast: None,
            keymap: Keymap::default(),
            look,
            device: None,
            pending: Vec::new(),
            count: None,
            running: None,
            jobs_started: 0,
            perf: false,
        }
    }

    /// What to ask for at the start.
    pub fn start(&self) -> Vec<Effect> {
        let open = match &self.screen {
            Screen::Opening(Opening { run }) => Some(Effect::LoadRun(run.clone())),
            _ => None,
        };
        open.into_iter().chain([Effect::ListRuns]).collect()
    }

    /// The scope in which keys are looked up.
    pub fn scope(&self) -> Scope {
        self.screen.room().scope()
    }

    /// The run that is being read and will be opened.
    pub fn opening(&self) -> Option<&RunId> {
        match (&self.screen, &self.awaited) {
            (Screen::Opening(Opening { run }), _) | (_, Awaited::Run(run)) => Some(run),
            _ => None,
        }
    }

    /// The open screen and those behind it, from the front.
    fn screens(&self) -> impl Iterator<Item = &Screen> {
        std::iter::once(&self.screen).chain(self.behind.iter().rev())
    }

    /// The same to change.
    pub(super) fn screens_mut(&mut self) -> impl Iterator<Item = &mut Screen> {
        std::iter::once(&mut self.screen).chain(self.behind.iter_mut().rev())
    }

    /// The open run: on screen, or behind its comparison with itself pruned.
    pub fn explorer(&self) -> Option<&Explorer> {
        self.screens().find_map(|screen| match screen {
            Screen::Explorer(explorer) => Some(explorer.as_ref()),
            _ => None,
        })
    }

    /// The same to change.
    pub fn explorer_mut(&mut self) -> Option<&mut Explorer> {
        self.screens_mut().find_map(|screen| match screen {
            Screen::Explorer(explorer) => Some(explorer.as_mut()),
            _ => None,
        })
    }

    /// The two runs on screen.
    pub fn compare(&self) -> Option<&Compare> {
        match &self.screen {
            Screen::Compare(compare) => Some(compare.as_ref()),
            _ => None,
        }
    }

    /// The grid: on screen, or behind a run that was opened from it.
    pub fn grid(&self) -> Option<&Grid> {
        self.screens().find_map(|screen| match screen {
            Screen::Grid(grid) => Some(grid.as_ref()),
            _ => None,
        })
    }

    /// The same to change.
    pub(super) fn grid_mut(&mut self) -> Option<&mut Grid> {
        self.screens_mut().find_map(|screen| match screen {
            Screen::Grid(grid) => Some(grid.as_mut()),
            _ => None,
        })
    }

    /// The form of an import, on screen or as it was left.
    pub(super) fn imports_mut(&mut self) -> impl Iterator<Item = &mut Import> {
        let open = match &mut self.screen {
            Screen::Import(form) => Some(form.as_mut()),
            _ => None,
        };
        open.into_iter().chain(self.memory.import.as_mut())
    }

    /// The predictions on screen.
    pub fn predictions(&self) -> Option<&PredictionsView> {
        match &self.screen {
            Screen::Predictions(view) => Some(view.as_ref()),
            _ => None,
        }
    }

    /// The open screen, and what it may use while it handles an input.
    pub(super) fn parts(&mut self) -> (&mut Screen, Context<'_>) {
        let (mut screens, context) = self.all_parts();
        (screens.swap_remove(0), context)
    }

    /// The open screen and those behind it, from the front, and what they may use.
    pub(super) fn all_parts(&mut self) -> (Vec<&mut Screen>, Context<'_>) {
        let context = Context {
            size: self.size,
            list: &mut self.home,
            awaited: &mut self.awaited,
            overlay: &mut self.overlay,
            toast: &mut self.toast,
            running: &mut self.running,
            jobs_started: &mut self.jobs_started,
            look: &self.look,
            keymap: &self.keymap,
        };
        let front = std::iter::once(&mut self.screen);
        (front.chain(self.behind.iter_mut().rev()).collect(), context)
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

    /// Says what is good to know at the start, unless something is wrong.
    pub fn hint(&mut self, text: &str) {
        if self.toast.is_none() {
            self.tell(text);
        }
    }

    pub(super) fn tell(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { text: text.into(), error: false });
    }

    pub(super) fn complain(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast { text: text.into(), error: true });
    }
}
