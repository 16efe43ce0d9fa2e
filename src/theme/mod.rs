//! Themes and colour maps as data (`themes/*.ron`): what a colour or a style is,
//! which roles the interface has, and the maps that turn a similarity into a
//! colour.
//!
//! Knows neither ratatui nor burn; `ui::colour` turns what it finds here into
//! what a terminal can show.

mod colormap;
mod colour;
mod error;
mod file;
mod palette;
mod role;
mod set;
#[cfg(test)]
mod tests;
mod user;

pub use colormap::{Colormap, diverging};
pub use colour::{ColourError, ColourSpec, Rgb, StyleSpec};
pub use error::ThemeError;
pub use palette::xterm;
pub use role::Role;
pub use set::{DEFAULT_THEME, Theme, ThemeSet};
pub use user::{Stamps, UserThemes};
