//! A text field over a list: typing narrows the list, arrows choose from it. The
//! search for layers and the palette are both one. Knows nothing of what is listed.

use tui_input::{Input as Field, InputRequest};

use super::key::{Key, KeyCode};

/// Longest text, in bytes.
const LIMIT: usize = 1_000;

/// What a key did to the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptEvent {
    /// It was edited, or the selection moved.
    Changed,
    /// Take the selected line.
    Accept,
    /// Close it.
    Cancel,
}

/// The text, its cursor and the selected line.
#[derive(Debug, Clone, Default)]
pub struct Prompt {
    field: Field,
    selected: usize,
}

impl Prompt {
    /// A field that holds a text already; the cursor is at its end.
    pub fn with(text: &str) -> Prompt {
        Prompt { field: Field::new(text.to_string()), selected: 0 }
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.field.value()
    }

    /// The text before the cursor, the character under it (a space at the end),
    /// and the rest.
    pub fn parts(&self) -> (String, String, String) {
        let at = self.field.cursor();
        let before = self.text().chars().take(at).collect();
        let mut after = self.text().chars().skip(at);
        let under = after.next().map_or_else(|| " ".to_string(), |c| c.to_string());
        (before, under, after.collect())
    }

    /// Index of the selected line.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Keeps the selection on one of `lines`.
    pub fn clamp(&mut self, lines: usize) {
        self.selected = self.selected.min(lines.saturating_sub(1));
    }

    /// Takes a key; the list has `lines`.
    pub fn key(&mut self, key: Key, lines: usize) -> PromptEvent {
        let last = lines.saturating_sub(1);
        let edit = match (key.code, key.ctrl, key.alt) {
            (KeyCode::Enter, ..) => return PromptEvent::Accept,
            (KeyCode::Esc, ..) => return PromptEvent::Cancel,
            (KeyCode::Backspace, ..) if self.text().is_empty() => return PromptEvent::Cancel,
            (KeyCode::Down | KeyCode::Tab, ..) | (KeyCode::Char('n' | 'j'), true, _) => {
                self.selected = (self.selected + 1).min(last);
                return PromptEvent::Changed;
            }
            (KeyCode::Up | KeyCode::BackTab, ..) | (KeyCode::Char('p' | 'k'), true, _) => {
                self.selected = self.selected.saturating_sub(1);
                return PromptEvent::Changed;
            }
            (KeyCode::Char('w'), true, _) => InputRequest::DeletePrevWord,
            (KeyCode::Char('u'), true, _) => InputRequest::DeleteFromStart,
            (KeyCode::Char('a'), true, _) | (KeyCode::Home, ..) => InputRequest::GoToStart,
            (KeyCode::Char('e'), true, _) | (KeyCode::End, ..) => InputRequest::GoToEnd,
            (KeyCode::Char(c), false, false) if self.text().len() < LIMIT => {
                InputRequest::InsertChar(c)
            }
            (KeyCode::Backspace, ..) => InputRequest::DeletePrevChar,
            (KeyCode::Delete, ..) => InputRequest::DeleteNextChar,
            (KeyCode::Left, ..) => InputRequest::GoToPrevChar,
            (KeyCode::Right, ..) => InputRequest::GoToNextChar,
            _ => return PromptEvent::Changed,
        };
        let before = self.text().len();
        self.field.handle(edit);
        if self.text().len() != before {
            self.selected = 0;
        }
        PromptEvent::Changed
    }
}
