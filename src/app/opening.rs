//! The screen before the first run is there: the program was started with a run to
//! show, which is being read. There is nothing to do but to wait or to go back.

use super::action::{Action, Scope};
use super::room::{Context, Go, Reply, Room};
use crate::runs::RunId;

/// A run that is being read before any screen was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The run.
    pub run: RunId,
}

impl Room for Opening {
    fn scope(&self) -> Scope {
        Scope::Explorer
    }

    fn act(&mut self, _: &mut Context<'_>, action: Action, _: Option<usize>) -> Reply {
        if action == Action::Back { Go::Back.into() } else { Reply::default() }
    }
}
