//! The screens and their parts. Each is one pure function of the app's state.

pub mod bars;
pub mod explorer;
pub mod find;
pub mod help;
pub mod home;
pub mod inspector;
pub mod message;
pub mod palette;
pub mod prompt;
pub mod readout;
pub mod running;
