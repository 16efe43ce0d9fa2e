//! The interface's state and what changes it: `update(&mut App, Input) ->
//! Vec<Effect>`. Pure and plain: no terminal, no drawing, no files, no clock,
//! so that sequences of keys can be tested without any of them.
//!
//! On top, above everything else here:
//! - [`update`](mod@update): the function; [`state`]: `App` and `Screen`; [`bottom`]: the
//!   line of hints, as it is drawn and clicked
//!
//! A room per screen, with its state, its keys and its layout. None knows another
//! one, but [`compare`], whose sides are two open runs:
//! - [`home`]: the list of runs; [`import`]: a checkpoint to make a run of; [`opening`]: a run that is being read at the start
//! - [`explorer`]: an open run
//! - [`compare`]: two runs side by side, or one and itself pruned
//! - [`grid`]: many maps over two axes
//! - [`predictions`]: which networks agree, and groups of them
//!
//! What they share, which knows no screen:
//! - [`room`]: what a screen is to the program around it
//! - [`message`]: `Input`, `Effect` and what they carry; [`jobs`]: computations
//!   asked for; [`running`]: the one that runs
//! - [`action`]: the one table of commands; [`keymap`] and [`key`] beside it
//! - `cursor`: movements; [`stages`]: what they jump along; [`viewport`]: zoom and
//!   scrolling; [`layout`]: rectangles of cells
//! - [`overlay`]: what is open on top; [`find`], [`palette`], [`help`]: lists that
//!   typing narrows, on one [`prompt`]; [`complete`]: paths that are typed
//! - [`list`]: the list of runs and its [`columns`], which the [`chooser`]
//!   chooses; [`mode`]: which map; [`pruning`]: deleted blocks;
//!   [`album`]: pictures; [`look`]: colours
//! - [`form`]: what forms are made of
//! - `pooling` and `copy`: several cells as one, and cells as text

pub mod action;
pub mod album;
pub mod bottom;
pub mod chooser;
pub mod columns;
pub mod compare;
pub mod complete;
mod copy;
mod cursor;
pub mod explorer;
pub mod find;
pub mod form;
pub mod grid;
pub mod help;
pub mod home;
pub mod import;
pub mod jobs;
pub mod key;
pub mod keymap;
pub mod layout;
pub mod list;
pub mod look;
pub mod message;
pub mod mode;
pub mod opening;
pub mod overlay;
pub mod palette;
mod pooling;
pub mod port;
pub mod predictions;
pub mod prompt;
pub mod pruning;
pub mod room;
pub mod running;
pub mod stages;
pub mod state;
pub mod update;
pub mod viewport;

#[cfg(test)]
use crate::fixtures::{demo, demo_pruned};

#[cfg(test)]
mod tests;

pub use action::{Action, Scope, Scopes};
pub use explorer::Explorer;
pub use key::{Key, KeyCode};
pub use keymap::Keymap;
pub use look::{ColourDepth, Look, Pictures};
pub use message::{Answers, Effect, ExportRequest, GridRequest, Input, LoadedPair};
pub use mode::MapMode;
pub use room::{Awaited, Toast};
pub use state::{App, Screen};
pub use update::update;
