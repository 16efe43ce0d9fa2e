//! The screens and their parts. Each is one pure function of the app's state.
//!
//! - a room per screen, as in `app`: [`home`], [`opening`], [`explorer`],
//!   [`compare`], [`grid`], [`predictions`]
//! - what they share: [`bars`] at the top and the bottom, a [`map`] with
//!   its rulers, a [`prompt`]
//! - what lies on top: [`help`], [`palette`], [`columns`]; in place of all: [`message`]

pub mod bars;
pub mod columns;
pub mod compare;
pub mod cuts;
pub mod explorer;
pub mod form;
pub mod gallery;
pub mod grid;
pub mod help;
pub mod home;
pub mod map;
pub mod message;
pub mod opening;
pub mod palette;
pub mod predictions;
pub mod prompt;
