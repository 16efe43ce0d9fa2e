//! The interface's state and what changes it: `update(&mut App, Input) ->
//! Vec<Effect>`. Pure and plain: no terminal, no drawing, no files, no clock,
//! so that sequences of keys can be tested without any of them.
//!
//! - [`action`]: the one table of commands; [`keymap`] and [`key`] beside it
//! - [`find`], [`palette`]: lists that typing narrows, on one [`prompt`]
//! - [`state`]: `App`, `Input`, `Effect`
//! - [`compare`]: two runs side by side
//! - [`explorer`]: an open run; [`viewport`]: zoom and scrolling
//! - [`strip`]: a curve along the columns of the map
//! - [`inspect`]: the tabs beside the map; [`pruning`]: deleted blocks
//! - [`predictions`]: which networks agree, and groups of them
//! - [`jobs`]: computations asked for; [`running`]: the one that runs
//! - [`grid`]: many maps over two axes
//! - [`layout`]: where things are at a given size
//! - [`pointer`]: dragging, hovering, and the marked cell
//! - [`update`](mod@update): the function

pub mod action;
mod beside;
pub mod compare;
mod compare_keys;
mod copy;
pub mod explorer;
pub mod find;
pub mod grid;
mod home;
pub mod inspect;
pub mod jobs;
pub mod key;
pub mod keymap;
pub mod layout;
pub mod mode;
pub mod palette;
pub mod pointer;
pub mod predictions;
mod predictions_keys;
pub mod prompt;
pub mod pruning;
pub mod running;
pub mod state;
pub mod strip;
pub mod structures;
pub mod update;
pub mod viewport;

#[cfg(test)]
use crate::fixtures::{demo, demo_pruned};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_compare;
#[cfg(test)]
mod tests_grid;
#[cfg(test)]
mod tests_inside;

pub use action::{Action, Scope, Scopes};
pub use explorer::Explorer;
pub use key::{Key, KeyCode};
pub use keymap::Keymap;
pub use mode::MapMode;
pub use state::{App, ColourDepth, Effect, ExportRequest, Input, LoadedPair, Look, Screen, Toast};
pub use update::update;
