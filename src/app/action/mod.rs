//! Every command of the interface in one table: name, documentation, default
//! keys. The key map, the `?` help, the bottom hints, the palette and
//! `docs/KEYS.md` are generated from it and cannot drift apart. Knows no screen's
//! state.

mod hints;
mod names;
mod synonyms;
mod table;

pub use hints::HINTS;
pub use names::{Action, ActionInfo, Group, Hint, Scope, Scopes};
pub use synonyms::SYNONYMS;
pub use table::TABLE;
