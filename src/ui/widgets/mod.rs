//! Reusable pieces that know no app state: they take values, a table of colours
//! and styles, and write into the buffer.

pub mod heatmap;
pub mod legend;
pub mod outline;
pub mod profile;
pub mod ruler;
pub mod stems;
pub mod thumbnail;

pub use heatmap::Heatmap;
pub use legend::Legend;
pub use outline::Outline;
pub use profile::Profile;

pub use ruler::{Ruler, Side, Span};
pub use stems::{Stem, Stems};
pub use thumbnail::{Thumbnail, mean_pixel};
