//! What every screen is to the program around it: a room with the same few doors,
//! and what it may use while it handles an input. Knows no screen.

use crate::runs::RunId;

use super::action::{Action, Scope};
use super::jobs::{JobId, JobKind, JobRequest};
use super::keymap::Keymap;
use super::list::RunList;
use super::look::Look;
use super::message::Effect;
use super::overlay::Overlay;
use super::running::Running;

/// What a copy puts on the clipboard, and what that is in words.
pub(super) type Clip = (String, String);

/// A screen: its state and what inputs do to it.
pub(super) trait Room {
    /// Under which heading its keys are looked up.
    fn scope(&self) -> Scope;

    /// A command of its scope, with the count that was typed before it.
    fn act(&mut self, cx: &mut Context<'_>, action: Action, count: Option<usize>) -> Reply;

    /// The left button went down on a cell.
    fn click(&mut self, _cx: &mut Context<'_>, _at: (u16, u16)) -> Reply {
        Reply::default()
    }

    /// The wheel turned over a cell. Lists move.
    fn wheel(&mut self, cx: &mut Context<'_>, _at: (u16, u16), up: bool) -> Reply {
        self.act(cx, if up { Action::Up } else { Action::Down }, None)
    }

    /// The pointer moved with the left button down.
    fn drag(&mut self, _cx: &Context<'_>, _at: (u16, u16)) {}

    /// The pointer moved with no button down.
    fn hover(&mut self, _cx: &Context<'_>, _at: (u16, u16)) {}

    /// A key or the wheel: what the pointer did before is over.
    fn forget_pointer(&mut self) {}

    /// What was typed into the field that the screen opened.
    fn answer(&mut self, _cx: &mut Context<'_>, _text: &str) -> Reply {
        Reply::default()
    }

    /// The screen has another size.
    fn resize(&mut self, _size: (u16, u16)) {}

    /// What is to be read for what is shown now and was not asked for yet.
    fn wants(&mut self) -> Vec<Effect> {
        Vec::new()
    }

    /// What a command to copy takes; `None` if there is nothing.
    fn copy(&self, _list: &RunList, _action: Action) -> Option<Clip> {
        None
    }
}

/// Where a command leads.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Go {
    /// Nowhere.
    #[default]
    Stay,
    /// To what the screen was opened from.
    Back,
    /// To the open run's map beside that of its pruned network.
    Beside,
    /// To a run beside another one.
    Compare(RunId),
    /// To what the networks predict.
    Predictions,
    /// To the grid of all runs.
    Grid,
    /// To the form that imports a checkpoint.
    Import,
}

/// What comes of an input.
#[derive(Debug, Default)]
pub(super) struct Reply {
    /// What the outside is asked to do.
    pub(super) effects: Vec<Effect>,
    /// Where it leads.
    pub(super) go: Go,
}

impl From<Vec<Effect>> for Reply {
    fn from(effects: Vec<Effect>) -> Reply {
        Reply { effects, go: Go::Stay }
    }
}

impl From<Go> for Reply {
    fn from(go: Go) -> Reply {
        Reply { effects: Vec::new(), go }
    }
}

/// What was asked for and opens a screen when it comes. The newest counts: what
/// was asked for before is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Awaited {
    /// Nothing.
    #[default]
    Nothing,
    /// A run.
    Run(RunId),
    /// Two runs.
    Pair(RunId, RunId),
    /// The predictions of all runs.
    Predictions,
}

/// A message that stays until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// The text, one line.
    pub text: String,
    /// Whether something failed.
    pub error: bool,
}

/// What all screens share, lent to the one that handles an input.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) size: (u16, u16),
    pub(super) list: &'a mut RunList,
    pub(super) awaited: &'a mut Awaited,
    pub(super) overlay: &'a mut Overlay,
    pub(super) toast: &'a mut Option<Toast>,
    pub(super) running: &'a mut Option<Running>,
    pub(super) jobs_started: &'a mut JobId,
    pub(super) look: &'a Look,
    pub(super) keymap: &'a Keymap,
}

impl Context<'_> {
    /// Says something.
    pub(super) fn tell(&mut self, text: impl Into<String>) {
        *self.toast = Some(Toast { text: text.into(), error: false });
    }

    /// Says what failed.
    pub(super) fn complain(&mut self, text: impl Into<String>) {
        *self.toast = Some(Toast { text: text.into(), error: true });
    }

    /// Asks for a run, which is opened when it comes.
    pub(super) fn open(&mut self, id: RunId) -> Reply {
        *self.awaited = Awaited::Run(id.clone());
        vec![Effect::LoadRun(id)].into()
    }

    /// Goes back, but asks first while something is computed.
    pub(super) fn leave(&mut self) -> Reply {
        if self.running.is_some() {
            *self.overlay = Overlay::Question;
            return Reply::default();
        }
        Go::Back.into()
    }

    /// Asks for the list of runs again.
    pub(super) fn relist(&mut self) -> Reply {
        self.tell("reading the list of runs");
        vec![Effect::ListRuns].into()
    }

    /// Starts a computation about a run; one that runs is cancelled.
    pub(super) fn start(&mut self, run: RunId, kind: JobKind) -> Vec<Effect> {
        let mut effects = self.cancel();
        *self.jobs_started += 1;
        let id = *self.jobs_started;
        *self.running =
            Some(Running { id, kind: kind.clone(), progress: None, beside: false, measure: false });
        effects.push(Effect::StartJob(JobRequest { id, run, kind }));
        effects
    }

    /// Stops what runs.
    pub(super) fn cancel(&mut self) -> Vec<Effect> {
        if self.overlay.asks() {
            *self.overlay = Overlay::None;
        }
        self.running.take().map(|r| Effect::CancelJob(r.id)).into_iter().collect()
    }
}
