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
pub mod pictures;
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

use crate::app::{Input, Pictures};

pub use event_loop::run;
pub use swatch::painted;

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
    /// Whether pictures are pixels.
    pub pictures: Pictures,
    /// What to say at the start where the terminal does not show all colours.
    pub hint: Option<&'static str>,
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
