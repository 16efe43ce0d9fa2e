//! Every command of the interface in one table: name, documentation, default
//! keys. The key map, the `?` help, the bottom hints, the palette and
//! `docs/KEYS.md` are generated from it and cannot drift apart. Knows no screen's
//! state.

mod names;
mod table;

pub use names::{Action, ActionInfo, Group, Hint, Scope, Scopes};
pub use table::{HINTS, SYNONYMS, TABLE};
