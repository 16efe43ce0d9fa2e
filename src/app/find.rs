//! Finding a layer by name: the search field and its ranked matches.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::domain::Layer;

use super::key::Key;
use super::prompt::{Prompt, PromptEvent};

/// A layer that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Index into the full layer list.
    pub layer: usize,
    /// Its name.
    pub name: String,
    /// Indices of the characters that match.
    pub chars: Vec<u32>,
}

/// The search field.
#[derive(Debug, Clone, Default)]
pub struct Find {
    prompt: Prompt,
    matches: Vec<Match>,
}

impl Find {
    /// An empty field over `layers` (those that the view shows).
    pub fn new<'a>(layers: impl Iterator<Item = &'a Layer>) -> Find {
        let mut find = Find::default();
        find.search(layers);
        find
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.prompt.text()
    }

    /// The text field.
    pub fn prompt(&self) -> &Prompt {
        &self.prompt
    }

    /// Matches, best first.
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// Index of the selected match.
    pub fn selected(&self) -> usize {
        self.prompt.selected()
    }

    /// The selected match.
    pub fn choice(&self) -> Option<&Match> {
        self.matches.get(self.selected())
    }

    /// Takes a key. After [`PromptEvent::Changed`] call [`Find::search`].
    pub fn key(&mut self, key: Key) -> PromptEvent {
        self.prompt.key(key, self.matches.len())
    }

    /// Ranks `layers` by how well they match the text (all, in order, if it is
    /// empty). Equal scores stay in the order of the network.
    pub fn search<'a>(&mut self, layers: impl Iterator<Item = &'a Layer>) {
        let pattern = Pattern::parse(self.text(), CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut found: Vec<(u32, Match)> = layers
            .filter_map(|layer| {
                let mut chars = Vec::new();
                let score = pattern.indices(
                    Utf32Str::new(&layer.name, &mut buffer),
                    &mut matcher,
                    &mut chars,
                )?;
                chars.sort_unstable();
                chars.dedup();
                Some((score, Match { layer: layer.index, name: layer.name.clone(), chars }))
            })
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        self.matches = found.into_iter().map(|(_, m)| m).collect();
        self.prompt.clamp(self.matches.len());
    }

    /// Every match, in the order of the network.
    pub fn hits(&self) -> Vec<usize> {
        let mut hits: Vec<usize> = self.matches.iter().map(|m| m.layer).collect();
        hits.sort_unstable();
        hits
    }
}
