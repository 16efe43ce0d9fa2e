//! Finding a layer by name: the search field and its ranked matches.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::{Input as Field, InputRequest};

use crate::domain::Layer;

use super::key::{Key, KeyCode};

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

/// What a key did to the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindEvent {
    /// It was edited, or the selection moved.
    Changed,
    /// Go to the selected match.
    Accept,
    /// Close without moving.
    Cancel,
}

/// The search field.
#[derive(Debug, Clone, Default)]
pub struct Find {
    field: Field,
    matches: Vec<Match>,
    selected: usize,
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
        self.field.value()
    }

    /// The text cursor, in columns.
    pub fn caret(&self) -> usize {
        self.field.visual_cursor()
    }

    /// Matches, best first.
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// Index of the selected match.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// The selected match.
    pub fn choice(&self) -> Option<&Match> {
        self.matches.get(self.selected)
    }

    /// Takes a key. After [`FindEvent::Changed`] call [`Find::search`].
    pub fn key(&mut self, key: Key) -> FindEvent {
        let last = self.matches.len().saturating_sub(1);
        let edit = match (key.code, key.ctrl, key.alt) {
            (KeyCode::Enter, ..) => return FindEvent::Accept,
            (KeyCode::Esc, ..) => return FindEvent::Cancel,
            (KeyCode::Backspace, ..) if self.text().is_empty() => return FindEvent::Cancel,
            (KeyCode::Down | KeyCode::Tab, ..) | (KeyCode::Char('n' | 'j'), true, _) => {
                self.selected = (self.selected + 1).min(last);
                return FindEvent::Changed;
            }
            (KeyCode::Up | KeyCode::BackTab, ..) | (KeyCode::Char('p' | 'k'), true, _) => {
                self.selected = self.selected.saturating_sub(1);
                return FindEvent::Changed;
            }
            (KeyCode::Char('w'), true, _) => InputRequest::DeletePrevWord,
            (KeyCode::Char('u'), true, _) => InputRequest::DeleteFromStart,
            (KeyCode::Char('a'), true, _) | (KeyCode::Home, ..) => InputRequest::GoToStart,
            (KeyCode::Char('e'), true, _) | (KeyCode::End, ..) => InputRequest::GoToEnd,
            (KeyCode::Char(c), false, false) if self.text().len() < 200 => {
                InputRequest::InsertChar(c)
            }
            (KeyCode::Backspace, ..) => InputRequest::DeletePrevChar,
            (KeyCode::Delete, ..) => InputRequest::DeleteNextChar,
            (KeyCode::Left, ..) => InputRequest::GoToPrevChar,
            (KeyCode::Right, ..) => InputRequest::GoToNextChar,
            _ => return FindEvent::Changed,
        };
        let before = self.text().len();
        self.field.handle(edit);
        if self.text().len() != before {
            self.selected = 0;
        }
        FindEvent::Changed
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
        self.selected = self.selected.min(self.matches.len().saturating_sub(1));
    }

    /// Every match, in the order of the network.
    pub fn hits(&self) -> Vec<usize> {
        let mut hits: Vec<usize> = self.matches.iter().map(|m| m.layer).collect();
        hits.sort_unstable();
        hits
    }
}
