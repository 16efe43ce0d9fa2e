//! The command palette: every command that works on the current screen, found by
//! its name or by what it does. Knows no screen.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::action::{Action, ActionInfo, Group, SYNONYMS, Scope, TABLE};
use super::key::Key;
use super::prompt::{Prompt, PromptEvent};

/// What a command takes a name of, written behind it: `theme dark`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Argument {
    /// A theme.
    Theme,
    /// A colour map.
    Colours,
    /// A run.
    Open,
    /// A layer of the open run.
    Go,
}

impl Argument {
    /// The word in front of the name.
    pub fn word(self) -> &'static str {
        match self {
            Argument::Theme => "theme",
            Argument::Colours => "colours",
            Argument::Open => "open",
            Argument::Go => "go",
        }
    }

    /// What it does, in a few words.
    fn doc(self) -> &'static str {
        match self {
            Argument::Theme => "use this theme",
            Argument::Colours => "use this colour map",
            Argument::Open => "open this run",
            Argument::Go => "go to this layer",
        }
    }
}

/// What a line of the palette does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// A command.
    Run(Action),
    /// A command with a name.
    Give(Argument, String),
}

/// A line that matches.
#[derive(Debug, Clone)]
pub struct Hit {
    /// What it does.
    pub choice: Choice,
    /// What is typed for it.
    pub name: String,
    /// What it does, in words.
    pub doc: &'static str,
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
        self.in_name(self.name.chars().count() + 1 + at)
    }
}

/// The palette while it is open.
#[derive(Debug, Clone)]
pub struct Palette {
    scope: Scope,
    /// The names that commands may be given.
    names: Vec<(Argument, Vec<String>)>,
    prompt: Prompt,
    hits: Vec<Hit>,
}

impl Palette {
    /// All commands of a screen, and what they may be given.
    pub fn new(scope: Scope, names: Vec<(Argument, Vec<String>)>) -> Palette {
        let mut palette = Palette { scope, names, prompt: Prompt::default(), hits: Vec::new() };
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

    /// What the selected line does.
    pub fn choice(&self) -> Option<Choice> {
        self.hits.get(self.selected()).map(|hit| hit.choice.clone())
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> PromptEvent {
        let event = self.prompt.key(key, self.hits.len());
        if event == PromptEvent::Changed {
            self.search();
        }
        event
    }

    /// The lines that could match: behind a command that takes a name those names, else
    /// the screen's commands, those that only move last. With each, words that are not
    /// shown and count less.
    fn lines(&self) -> Vec<(Hit, &'static str)> {
        let text = self.prompt.text();
        let given = text
            .split_once(' ')
            .and_then(|(word, _)| self.names.iter().find(|(argument, _)| argument.word() == word));
        if let Some((argument, names)) = given {
            let line = |name: &String| Hit {
                choice: Choice::Give(*argument, name.clone()),
                name: format!("{} {name}", argument.word()),
                doc: argument.doc(),
                chars: Vec::new(),
            };
            return names.iter().map(|name| (line(name), "")).collect();
        }
        // the palette itself is open already
        let mut rows: Vec<&ActionInfo> = TABLE
            .iter()
            .filter(|row| row.scopes.has(self.scope) && row.action != Action::Palette)
            .collect();
        rows.sort_by_key(|row| row.group == Group::Move);
        let line = |row: &ActionInfo| {
            let also = SYNONYMS.iter().find(|(action, _)| *action == row.action);
            let hit = Hit {
                choice: Choice::Run(row.action),
                name: row.name.to_string(),
                doc: row.doc,
                chars: Vec::new(),
            };
            (hit, also.map_or("", |(_, words)| *words))
        };
        rows.into_iter().map(line).collect()
    }

    /// Ranks the lines by how well name, documentation and other words for it match the
    /// text; a match of the other words alone comes after those that can be seen. Equal
    /// scores keep their order.
    fn search(&mut self) {
        let pattern = Pattern::parse(self.prompt.text(), CaseMatching::Smart, Normalization::Smart);
        let mut config = Config::DEFAULT;
        config.prefer_prefix = true;
        let mut matcher = Matcher::new(config);
        let mut buffer = Vec::new();
        let mut found: Vec<(u32, Hit)> = Vec::new();
        for (mut hit, also) in self.lines() {
            let text = format!("{} {}", hit.name, hit.doc);
            let mut chars = Vec::new();
            let seen = pattern.indices(Utf32Str::new(&text, &mut buffer), &mut matcher, &mut chars);
            // a word that people say for it is no accident, letters here and there are
            let said = said(self.prompt.text(), also);
            if seen.is_none() && said == 0 {
                continue;
            }
            let score = seen.unwrap_or(0) + said;
            chars.sort_unstable();
            chars.dedup();
            hit.chars = chars;
            found.push((score, hit));
        }
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        self.hits = found.into_iter().map(|(_, hit)| hit).collect();
        self.prompt.clamp(self.hits.len());
    }
}

/// What other words for a command add to its score: more than any accident if they were
/// typed whole, as much as a word in its name if they were begun.
fn said(text: &str, also: &str) -> u32 {
    let words: Vec<&str> = text.split(' ').filter(|word| word.len() > 2).collect();
    let all = |is: fn(&str, &str) -> bool| {
        !words.is_empty() && words.iter().all(|word| also.split(' ').any(|known| is(known, word)))
    };
    match () {
        () if all(|known, word| known == word) => 1_000,
        () if all(|known, word| known.starts_with(word)) => 120,
        () => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(scope: Scope, text: &str) -> Palette {
        let names = |names: [&str; 2]| names.map(String::from).to_vec();
        let names = vec![
            (Argument::Theme, names(["dark", "light"])),
            (Argument::Go, names(["layer2.0.conv1", "layer3.2.relu2"])),
        ];
        let mut palette = Palette::new(scope, names);
        for c in text.chars() {
            palette.key(Key::char(c));
        }
        palette
    }

    fn run(scope: Scope, text: &str) -> Option<Action> {
        match typed(scope, text).choice() {
            Some(Choice::Run(action)) => Some(action),
            _ => None,
        }
    }

    #[test]
    fn it_lists_what_works_on_the_screen_and_nothing_else() {
        for scope in Scope::ALL {
            let palette = Palette::new(scope, Vec::new());
            let all = TABLE.iter().filter(|r| r.scopes.has(scope)).count();
            assert_eq!(palette.hits().len(), all - 1, "{scope:?}");
            let works = |hit: &Hit| match hit.choice {
                Choice::Run(action) => action.info().unwrap().scopes.has(scope),
                Choice::Give(..) => false,
            };
            assert!(palette.hits().iter().all(works));
            let moves = |hit: &Hit| match hit.choice {
                Choice::Run(action) => action.info().unwrap().group == Group::Move,
                Choice::Give(..) => false,
            };
            assert!(!moves(&palette.hits()[0]), "what does something comes first");
        }
        assert!(typed(Scope::Home, "zoom-in").hits().is_empty());
    }

    #[test]
    fn names_come_first_and_documentation_is_searched_too() {
        assert_eq!(run(Scope::Explorer, "zoom-in"), Some(Action::ZoomIn));
        assert_eq!(run(Scope::Explorer, "zin"), Some(Action::ZoomIn));
        assert_eq!(run(Scope::Explorer, "quit"), Some(Action::Quit));
        assert_eq!(run(Scope::Explorer, "PNG"), Some(Action::Export));
        let hit = &typed(Scope::Explorer, "quit").hits()[0].clone();
        assert!((0..4).all(|at| hit.in_name(at)) && !hit.in_doc(0));
    }

    #[test]
    fn the_words_that_people_use_find_the_command() {
        for (word, action) in [
            ("save", Action::Write),
            ("image", Action::Export),
            ("prune", Action::Delete),
            ("threshold", Action::TauDown),
            ("search", Action::Find),
            ("ablation", Action::Lesions),
            ("exit", Action::Back),
        ] {
            let palette = typed(Scope::Explorer, word);
            let first: Vec<_> = palette.hits().iter().take(4).map(|h| h.choice.clone()).collect();
            assert!(first.contains(&Choice::Run(action)), "{word}: {first:?}");
        }
        for (action, _) in SYNONYMS {
            assert!(action.info().is_some());
        }
    }

    #[test]
    fn a_name_behind_a_command_is_completed() {
        let give = |argument, name: &str| Some(Choice::Give(argument, name.to_string()));
        assert_eq!(typed(Scope::Explorer, "theme li").choice(), give(Argument::Theme, "light"));
        let palette = typed(Scope::Explorer, "go 3.2");
        assert_eq!(palette.choice(), give(Argument::Go, "layer3.2.relu2"));
        assert_eq!(typed(Scope::Explorer, "theme ").hits().len(), 2);
        assert!(typed(Scope::Explorer, "theme x").hits().is_empty());
        // without the blank it is the command
        assert_eq!(run(Scope::Explorer, "theme"), Some(Action::Theme));
    }
}
