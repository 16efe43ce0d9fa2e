//! What forms are made of: lines with a value each, one of them selected, and the command
//! that does the same. Knows no screen.

use super::action::Action;
use crate::text::quoted;

/// A form as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// What it is for.
    pub heading: &'static str,
    /// Names and values of its lines.
    pub rows: Vec<(&'static str, String)>,
    /// The selected line.
    pub at: usize,
    /// What Enter does.
    pub does: &'static str,
    /// The command that does the same.
    pub command: String,
    /// In one line, what is wrong with it.
    pub problem: Option<String>,
}

/// Where a command leads among the lines; `None` if it does not move.
pub(super) fn moved(at: usize, lines: usize, action: Action) -> Option<usize> {
    let last = lines.saturating_sub(1);
    Some(match action {
        Action::Down => (at + 1).min(last),
        Action::Up => at.saturating_sub(1),
        Action::First => 0,
        Action::Last => last,
        _ => return None,
    })
}

/// The one of `all` that stands after (or before) the present one.
pub(super) fn stepped<T: PartialEq + Copy>(all: &[T], now: T, forward: bool) -> T {
    let at = all.iter().position(|one| *one == now).unwrap_or(0);
    all[(at + if forward { 1 } else { all.len() - 1 }) % all.len()]
}

/// A path as a word of a command line; the shell still replaces `~/`.
pub(super) fn path_word(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some("") => "~/".to_string(),
        Some(rest) => format!("~/{}", quoted(rest)),
        None => quoted(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_moved_along_and_values_go_round() {
        assert_eq!(moved(2, 3, Action::Down), Some(2));
        assert_eq!(moved(0, 3, Action::Up), Some(0));
        assert_eq!(moved(0, 3, Action::Last), Some(2));
        assert_eq!(moved(0, 3, Action::Open), None);
        assert_eq!(stepped(&[1, 2, 3], 3, true), 1);
        assert_eq!(stepped(&[1, 2, 3], 1, false), 3);
    }

    #[test]
    fn a_path_can_be_pasted_into_a_shell() {
        assert_eq!(path_word("~/my nets/a.pt"), "~/'my nets/a.pt'");
        assert_eq!(path_word("a b"), "'a b'");
        assert_eq!(path_word("~/a"), "~/a");
    }
}
