//! Which keys mean which action. Built from the action table; sequences such as
//! `g g` are looked up key by key.

use super::action::{Action, Scope, Scopes, TABLE};
use super::key::{Key, KeyError, parse_sequence, print_sequence};

/// What a sequence of keys means so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// It is complete.
    Action(Action),
    /// It may become something.
    Prefix,
    /// It is nothing.
    None,
}

/// Why a binding is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The text is not a sequence of keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Another action has the keys, or a longer or shorter sequence shadows them.
    #[error("`{keys}` {}; give that other keys or none: \"{taken}\": []", clash(.keys, .taken, .by))]
    Conflict {
        /// The keys asked for.
        keys: String,
        /// The action that has them.
        taken: &'static str,
        /// Its keys.
        by: String,
    },
}

fn clash(keys: &str, taken: &str, by: &str) -> String {
    if keys == by {
        format!("already means `{taken}`")
    } else {
        format!("cannot be told from `{by}`, which means `{taken}`")
    }
}

/// A set of bindings in which no sequence shadows another of the same scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<(Vec<Key>, Action, Scopes)>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        let mut map = Keymap { bindings: Vec::new() };
        for row in TABLE {
            for keys in row.keys {
                // the table's own keys are checked by a test
                let _ = map.bind(row.action, keys);
            }
        }
        map
    }
}

impl Keymap {
    /// Adds a binding.
    ///
    /// # Errors
    /// [`BindError`] if the text is no key sequence or the keys are taken.
    pub fn bind(&mut self, action: Action, keys: &str) -> Result<(), BindError> {
        let sequence = parse_sequence(keys)?;
        let Some(info) = action.info() else { return Ok(()) };
        let taken = self.bindings.iter().find(|(have, _, scopes)| {
            scopes.overlaps(info.scopes)
                && (have.starts_with(&sequence) || sequence.starts_with(have))
        });
        if let Some((have, other, _)) = taken {
            let taken = other.info().map_or("", |i| i.name);
            let spelled =
                |keys: &[Key]| keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ");
            let (keys, by) = (spelled(&sequence), spelled(have));
            return Err(BindError::Conflict { keys, taken, by });
        }
        self.bindings.push((sequence, action, info.scopes));
        Ok(())
    }

    /// Removes every key of an action.
    pub fn unbind(&mut self, action: Action) {
        self.bindings.retain(|(_, a, _)| *a != action);
    }

    /// What `keys` mean on a screen.
    pub fn lookup(&self, keys: &[Key], scope: Scope) -> Lookup {
        let mut prefix = false;
        for (have, action, scopes) in &self.bindings {
            if !scopes.has(scope) {
                continue;
            }
            if have == keys {
                return Lookup::Action(*action);
            }
            prefix |= have.starts_with(keys);
        }
        if prefix { Lookup::Prefix } else { Lookup::None }
    }

    /// The sequences bound to an action, printed, the table's order first.
    pub fn keys_of(&self, action: Action) -> Vec<String> {
        let mine = self.bindings.iter().filter(|(_, a, _)| *a == action);
        mine.map(|(keys, _, _)| print_sequence(keys)).collect()
    }

    /// True if one of an action's keys is this one alone, whichever screen is open.
    pub fn asks_for(&self, key: Key, action: Action) -> bool {
        self.bindings.iter().any(|(keys, a, _)| *a == action && keys[..] == [key])
    }

    /// How to ask for an action in a sentence: its first keys, or its name in the
    /// palette.
    pub fn way_to(&self, action: Action) -> String {
        let keys = self.keys_of(action).into_iter().next();
        keys.unwrap_or_else(|| format!(":{}", action.info().map_or("", |info| info.name)))
    }

    /// The first keys of several actions together, for a hint: `hjkl`, `+ -`.
    pub fn hint(&self, actions: &[Action]) -> String {
        let (keys, between) = self.hint_keys(actions);
        keys.into_iter().map(|(keys, _)| keys).collect::<Vec<_>>().join(between)
    }

    /// The same one by one, each with its action, and what stands between them.
    pub fn hint_keys(&self, actions: &[Action]) -> (Vec<(String, Action)>, &'static str) {
        let first = |action: &Action| Some((self.keys_of(*action).into_iter().next()?, *action));
        let keys: Vec<(String, Action)> = actions.iter().filter_map(first).collect();
        let single = keys.iter().all(|(keys, _)| keys.chars().count() == 1);
        (keys, if single { "" } else { " " })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_binds_without_conflicts() {
        let mut map = Keymap { bindings: Vec::new() };
        for row in TABLE {
            for keys in row.keys {
                assert_eq!(map.bind(row.action, keys), Ok(()), "{keys}");
            }
        }
        assert_eq!(map, Keymap::default());
    }

    #[test]
    fn sequences_scopes_and_conflicts() {
        let mut map = Keymap::default();
        let g = Key::char('g');
        assert_eq!(map.lookup(&[g], Scope::Home), Lookup::Prefix);
        assert_eq!(map.lookup(&[g, g], Scope::Home), Lookup::Action(Action::First));
        assert_eq!(map.lookup(&[Key::char('v')], Scope::Home), Lookup::None);
        assert_eq!(map.lookup(&[Key::char('v')], Scope::Explorer), Lookup::Action(Action::View));
        assert!(matches!(map.bind(Action::View, "g"), Err(BindError::Conflict { .. })));
        assert!(map.bind(Action::Structures, "r").is_ok(), "r is free on the map's screen");
        assert!(matches!(map.bind(Action::View, "nope"), Err(BindError::Key(_))));
        map.unbind(Action::Left);
        map.bind(Action::Left, "A-h").unwrap();
        assert_eq!(map.keys_of(Action::Left), ["A-h"]);
        assert_eq!(map.hint(&[Action::Down, Action::Up]), "jk");
        assert_eq!(map.way_to(Action::Left), "A-h");
        map.unbind(Action::Left);
        assert_eq!(map.way_to(Action::Left), ":left");
    }
}
