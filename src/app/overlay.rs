//! What is open on top of a screen: one thing at a time. Knows no screen.

use super::chooser::Chooser;
use super::complete::{Completion, Want};
use super::find::Find;
use super::help::Help;
use super::palette::Palette;
use super::prompt::Prompt;

/// A field of input, and what it asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What stands before it.
    pub label: &'static str,
    /// What may be typed.
    pub hint: &'static str,
    /// The text.
    pub prompt: Prompt,
    /// Completes it, where it is a path.
    pub completion: Option<Completion>,
}

impl Ask {
    /// A field that holds a text already.
    pub fn new(label: &'static str, hint: &'static str, text: &str) -> Ask {
        Ask { label, hint, prompt: Prompt::with(text), completion: None }
    }

    /// The same for a path.
    pub fn path(self, want: Want) -> Ask {
        Ask { completion: Some(Completion::new(want)), ..self }
    }
}

/// What is open on top of the screen.
#[derive(Debug, Clone, Default)]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// The command palette.
    Palette(Palette),
    /// The help.
    Help(Help),
    /// The search for a layer of the open run.
    Find(Find),
    /// A field of input that the screen opened, which takes the answer.
    Ask(Ask),
    /// The choice of the list's columns.
    Columns(Chooser),
    /// The question if what is computed shall be cancelled.
    Question,
}

impl Overlay {
    /// The palette, while it is open.
    pub fn palette(&self) -> Option<&Palette> {
        match self {
            Overlay::Palette(palette) => Some(palette),
            _ => None,
        }
    }

    /// The help, while it is open.
    pub fn help(&self) -> Option<&Help> {
        match self {
            Overlay::Help(help) => Some(help),
            _ => None,
        }
    }

    /// The search field, while it is open.
    pub fn find(&self) -> Option<&Find> {
        match self {
            Overlay::Find(find) => Some(find),
            _ => None,
        }
    }

    /// The field of input, while it is open.
    pub fn ask(&self) -> Option<&Ask> {
        match self {
            Overlay::Ask(ask) => Some(ask),
            _ => None,
        }
    }

    /// True while the question is open.
    pub fn asks(&self) -> bool {
        matches!(self, Overlay::Question)
    }

    /// True if the mouse does not reach the screen.
    pub fn covers(&self) -> bool {
        matches!(self, Overlay::Palette(_) | Overlay::Help(_) | Overlay::Columns(_))
    }
}
