//! Keys as plain data: what a key map is written in. Parsing and printing are
//! inverse to each other. Knows no terminal library.

use std::fmt;
use std::str::FromStr;

/// A key without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyCode {
    /// A character as typed, so `J` and not shift + `j`.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tabulator.
    Tab,
    /// Shift + tabulator.
    BackTab,
    /// Delete to the left.
    Backspace,
    /// Delete to the right.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key, from 1.
    F(u8),
}

/// Names of the keys that are not characters.
const NAMED: [(&str, KeyCode); 15] = [
    ("Space", KeyCode::Char(' ')),
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("S-Tab", KeyCode::BackTab),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PageUp", KeyCode::PageUp),
    ("PageDown", KeyCode::PageDown),
];

/// A key with its modifiers: `j`, `C-d`, `A-x`, `Enter`, `F5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// Control held.
    pub ctrl: bool,
    /// Alt (or meta) held.
    pub alt: bool,
}

impl Key {
    /// A key without modifiers.
    pub const fn plain(code: KeyCode) -> Key {
        Key { code, ctrl: false, alt: false }
    }

    /// A character.
    pub const fn char(c: char) -> Key {
        Key::plain(KeyCode::Char(c))
    }

    /// Control and a character.
    pub const fn ctrl(c: char) -> Key {
        Key { code: KeyCode::Char(c), ctrl: true, alt: false }
    }

    /// The short form for hints: arrows for arrow keys.
    pub fn short(self) -> String {
        match self.code {
            KeyCode::Up if !self.ctrl && !self.alt => "↑".into(),
            KeyCode::Down if !self.ctrl && !self.alt => "↓".into(),
            KeyCode::Left if !self.ctrl && !self.alt => "←".into(),
            KeyCode::Right if !self.ctrl && !self.alt => "→".into(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("C-")?;
        }
        if self.alt {
            f.write_str("A-")?;
        }
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            // every other code is in NAMED
            _ => Ok(()),
        }
    }
}

/// A key's text that is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key; write `j`, `C-d`, `A-x`, `Enter`, `Space`, `PageUp` or `F5`")]
pub struct KeyError(String);

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Key, KeyError> {
        let mut rest = text;
        let (mut ctrl, mut alt) = (false, false);
        loop {
            // a modifier needs a key behind it, so that `C` and `C--` are keys
            match rest.strip_prefix("C-").filter(|r| !r.is_empty()) {
                Some(r) if !ctrl && !alt => {
                    ctrl = true;
                    rest = r;
                    continue;
                }
                _ => {}
            }
            match rest.strip_prefix("A-").filter(|r| !r.is_empty()) {
                Some(r) if !alt => {
                    alt = true;
                    rest = r;
                }
                _ => break,
            }
        }
        let named = NAMED.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code);
        let function = || {
            rest.strip_prefix('F')
                .and_then(|n| n.parse().ok())
                .filter(|n| (1..=24).contains(n))
                .map(KeyCode::F)
        };
        let single = || {
            let mut chars = rest.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) if !c.is_control() && c != ' ' => Some(KeyCode::Char(c)),
                _ => None,
            }
        };
        let code =
            named.or_else(function).or_else(single).ok_or_else(|| KeyError(text.to_string()))?;
        Ok(Key { code, ctrl, alt })
    }
}

/// Parses a sequence of keys separated by spaces: `g g`.
///
/// # Errors
/// [`KeyError`] naming the first text that is no key; an empty sequence is one.
pub fn parse_sequence(text: &str) -> Result<Vec<Key>, KeyError> {
    let keys: Vec<Key> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err(KeyError(text.to_string())) } else { Ok(keys) }
}

/// Prints a sequence: characters without modifiers run together (`gg`).
pub fn print_sequence(keys: &[Key]) -> String {
    let simple = |k: &Key| !k.ctrl && !k.alt && matches!(k.code, KeyCode::Char(c) if c != ' ');
    let parts: Vec<String> = keys.iter().map(|k| k.short()).collect();
    parts.join(if keys.iter().all(simple) { "" } else { " " })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_key() -> impl Strategy<Value = Key> {
        let code = prop_oneof![
            any::<char>().prop_filter("printable", |c| !c.is_control()).prop_map(KeyCode::Char),
            (0..NAMED.len()).prop_map(|i| NAMED[i].1),
            (1u8..=24).prop_map(KeyCode::F),
        ];
        (code, any::<bool>(), any::<bool>()).prop_map(|(code, ctrl, alt)| Key { code, ctrl, alt })
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(key in any_key()) {
            prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key));
        }

        #[test]
        fn parsing_never_panics(text in ".{0,12}") {
            let _ = text.parse::<Key>();
            let _ = parse_sequence(&text);
        }
    }

    #[test]
    fn examples() {
        assert_eq!("C-d".parse(), Ok(Key::ctrl('d')));
        assert_eq!("C--".parse(), Ok(Key::ctrl('-')));
        assert_eq!("C".parse(), Ok(Key::char('C')));
        assert_eq!("F".parse(), Ok(Key::char('F')));
        assert!("Foo".parse::<Key>().is_err());
        assert!("".parse::<Key>().is_err());
        assert_eq!(print_sequence(&parse_sequence("g g").unwrap()), "gg");
    }
}
