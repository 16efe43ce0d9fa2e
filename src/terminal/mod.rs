//! The only code that touches the terminal: enters and leaves it, reads keys
//! and signals, and writes frames. Everything it shows comes from `ui`, every
//! decision from `app`; it knows neither networks nor run files.
//!
//! - [`run`]: the event loop; blocks when idle, one write a frame
//! - [`session`]: modes on the way in, and out again whatever happens
//! - [`backend`]: cells to bytes, as few as possible
//! - [`pace`]: when the next frame may be drawn; [`perf`]: what frames cost
//! - [`parser`]: bytes to keys, mouse and pasted text
//! - `input`, `signals`, `worker`, `themes`: threads that send events
//! - [`depth`]: how many colours the terminal has; [`query`] asks it
//! - [`clipboard`]: text to a clipboard near the user

pub mod backend;
pub mod clipboard;
#[cfg(any(not(unix), test))]
mod crossterm_input;
pub mod depth;
mod event_loop;
mod input;
pub mod pace;
pub mod parser;
pub mod perf;
#[doc(hidden)]
pub mod provoke;
pub mod query;
pub mod session;
mod signals;
mod stderr;
mod swatch;
mod themes;
mod worker;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Instant;

use crate::app::grid::{GridMap, GridRequest};
use crate::app::jobs::{JobId, JobRequest, JobUpdate, Picture};
use crate::app::predictions::Answers;
use crate::app::{ExportRequest, Input, LoadedPair, MapMode};
use crate::runs::{LoadedRun, RunId, RunSummary};

pub use event_loop::run;
pub use swatch::painted;

/// What the explorer asks of the rest of the program. Runs on one worker
/// thread, in order; a panic becomes a message on screen.
pub trait Services {
    /// The list of runs.
    fn list(&self) -> Vec<RunSummary>;

    /// Reads a run.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    fn load(&self, id: &RunId) -> Result<LoadedRun, String>;

    /// Reads two runs and the CKA between them, if it was computed over the images
    /// of their maps.
    ///
    /// # Errors
    /// One line that says what is wrong with one of them.
    fn pair(&self, a: &RunId, b: &RunId) -> Result<LoadedPair, String>;

    /// Reads the predictions of runs; a run that cannot be read is left out.
    fn predictions(&self, ids: &[RunId]) -> Vec<Answers>;

    /// Writes the current map as PNG, SVG, CSV and NPY and returns their paths.
    ///
    /// # Errors
    /// One line that names the file and the reason.
    fn export(&self, request: &ExportRequest) -> Result<Vec<PathBuf>, String>;

    /// One map of a run, for the grid.
    ///
    /// # Errors
    /// One line that says what is wrong with it, or that it has none.
    fn map(&self, id: &RunId, mode: MapMode) -> Result<GridMap, String>;

    /// Writes the grid as a PNG and an SVG figure and returns their paths.
    ///
    /// # Errors
    /// One line that names the file and the reason.
    fn export_grid(&self, request: &GridRequest) -> Result<Vec<PathBuf>, String>;

    /// The compute device of this session, in words. May take a second.
    fn device(&self) -> String;

    /// Starts a computation and returns at once; its news goes to `news`, which
    /// any thread may use, and ends with one of the ends of
    /// [`JobUpdate`].
    fn start(&self, request: JobRequest, news: JobNews);

    /// Stops a computation, if it still runs.
    fn cancel(&self, id: JobId);

    /// Pictures of test images of a run, by their index.
    ///
    /// # Errors
    /// One line that says why there are none, and the remedy.
    fn pictures(&self, run: &RunId, images: &[u32]) -> Result<Vec<(u32, Picture)>, String>;
}

/// Where a computation reports.
#[derive(Debug, Clone)]
pub struct JobNews {
    id: JobId,
    events: crossbeam_channel::Sender<Event>,
}

impl JobNews {
    /// Sends news; it is dropped if the interface is gone.
    pub fn send(&self, update: JobUpdate) {
        let _ = self.events.send(Event::Input(Input::Job(self.id, update)));
    }

    /// News for a test, which gets all of it once the last sender is gone.
    #[cfg(test)]
    pub(crate) fn collected(id: JobId) -> (JobNews, impl Iterator<Item = JobUpdate>) {
        let (events, inbox) = crossbeam_channel::unbounded();
        let updates = inbox.into_iter().filter_map(|event| match event {
            Event::Input(Input::Job(_, update)) => Some(update),
            _ => None,
        });
        (JobNews { id, events }, updates)
    }
}

/// How to run the interface.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where standard error goes while the interface is up; drivers write to it.
    pub log: Option<PathBuf>,
    /// The folder of the user's themes, which are read again when they change.
    pub themes: Option<PathBuf>,
    /// Whether to ask the terminal for 24-bit colours, which may raise the
    /// app's colour depth.
    pub ask_colours: bool,
    /// Whether the terminal is at the other end of a network: frames ask for an
    /// answer, and the next waits for it.
    pub remote: bool,
    /// Less movement: progress is drawn at most twice a second.
    pub no_animation: bool,
}

/// What arrives at the event loop.
#[derive(Debug)]
enum Event {
    /// For the app, from the user, who waits for an answer since then.
    Typed(Input, Instant),
    /// For the app.
    Input(Input),
    /// A program did not take a text for the clipboard.
    NotCopied {
        /// The text.
        text: String,
        /// What it is, in words.
        what: String,
        /// Why not, in one line.
        why: String,
    },
    /// The terminal has shown a frame.
    Shown(Instant),
    /// The terminal's size may have changed.
    Resized,
    /// We were stopped and go on.
    Continued,
    /// Somebody asks us to stop for now.
    Stop,
    /// A signal that ends the program.
    Signal(i32),
    /// The user's themes have changed; also, in one line each, what is wrong.
    Themes(Box<crate::theme::ThemeSet>, Vec<String>),
    /// The terminal is gone.
    HangUp,
}
