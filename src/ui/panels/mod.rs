//! The screens and their parts. Each is one pure function of the app's state.

pub mod bars;
pub mod compare;
pub mod explorer;
pub mod find;
pub mod grid;
pub mod help;
pub mod home;
pub mod inspector;
pub mod map;
pub mod message;
pub mod palette;
pub mod predictions;
pub mod prompt;
pub mod readout;
pub mod running;
pub mod strip;
