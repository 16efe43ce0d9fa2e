//! The command palette: every command that works on the current screen, found by
//! its name or by what it does. Knows no screen.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::action::{Action, ActionInfo, Scope, TABLE};
use super::key::Key;
use super::prompt::{Prompt, PromptEvent};

/// A command that matches.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Its row of the table.
    pub info: &'static ActionInfo,
    /// Indices of the characters that match, into `name doc`.
    pub chars: Vec<u32>,
}

impl Hit {
    /// True if character `at` of the name matches.
    pub fn in_name(&self, at: usize) -> bool {
        self.chars.binary_search(&(at as u32)).is_ok()
    }

    /// True if character `at` of the documentation matches.
    pub fn in_doc(&self, at: usize) -> bool {
        self.in_name(self.info.name.chars().count() + 1 + at)
    }
}

/// The palette while it is open.
#[derive(Debug, Clone)]
pub struct Palette {
    scope: Scope,
    prompt: Prompt,
    hits: Vec<Hit>,
}

impl Palette {
    /// All commands of a screen.
    pub fn new(scope: Scope) -> Palette {
        let mut palette = Palette { scope, prompt: Prompt::default(), hits: Vec::new() };
        palette.search();
        palette
    }

    /// The screen whose commands it lists.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The text field.
    pub fn prompt(&self) -> &Prompt {
        &self.prompt
    }

    /// Commands that match, best first.
    pub fn hits(&self) -> &[Hit] {
        &self.hits
    }

    /// Index of the selected command.
    pub fn selected(&self) -> usize {
        self.prompt.selected()
    }

    /// The selected command.
    pub fn choice(&self) -> Option<Action> {
        self.hits.get(self.selected()).map(|hit| hit.info.action)
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> PromptEvent {
        let event = self.prompt.key(key, self.hits.len());
        if event == PromptEvent::Changed {
            self.search();
        }
        event
    }

    /// Ranks the screen's commands by how well name and documentation match the
    /// text. Equal scores stay in the order of the table.
    fn search(&mut self) {
        let pattern = Pattern::parse(self.prompt.text(), CaseMatching::Smart, Normalization::Smart);
        let mut config = Config::DEFAULT;
        config.prefer_prefix = true;
        let mut matcher = Matcher::new(config);
        let mut buffer = Vec::new();
        // the palette itself is open already
        let rows =
            TABLE.iter().filter(|row| row.scopes.has(self.scope) && row.action != Action::Palette);
        let mut found: Vec<(u32, Hit)> = rows
            .filter_map(|info| {
                let text = format!("{} {}", info.name, info.doc);
                let mut chars = Vec::new();
                let text = Utf32Str::new(&text, &mut buffer);
                let score = pattern.indices(text, &mut matcher, &mut chars)?;
                chars.sort_unstable();
                chars.dedup();
                Some((score, Hit { info, chars }))
            })
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        self.hits = found.into_iter().map(|(_, hit)| hit).collect();
        self.prompt.clamp(self.hits.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(scope: Scope, text: &str) -> Palette {
        let mut palette = Palette::new(scope);
        for c in text.chars() {
            palette.key(Key::char(c));
        }
        palette
    }

    #[test]
    fn it_lists_what_works_on_the_screen_and_nothing_else() {
        for scope in Scope::ALL {
            let palette = Palette::new(scope);
            let all = TABLE.iter().filter(|r| r.scopes.has(scope)).count();
            assert_eq!(palette.hits().len(), all - 1, "{scope:?}");
            assert!(palette.hits().iter().all(|h| h.info.scopes.has(scope)));
        }
        assert!(typed(Scope::Home, "zoom-in").hits().is_empty());
    }

    #[test]
    fn names_come_first_and_documentation_is_searched_too() {
        assert_eq!(typed(Scope::Explorer, "zoom-in").choice(), Some(Action::ZoomIn));
        assert_eq!(typed(Scope::Explorer, "zin").choice(), Some(Action::ZoomIn));
        assert_eq!(typed(Scope::Explorer, "quit").choice(), Some(Action::Quit));
        assert_eq!(typed(Scope::Explorer, "PNG").choice(), Some(Action::Export));
        let hit = &typed(Scope::Explorer, "quit").hits()[0].clone();
        assert!((0..4).all(|at| hit.in_name(at)) && !hit.in_doc(0));
    }
}
