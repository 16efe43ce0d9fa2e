//! The computation that runs for the interface, and the commands that start,
//! follow and stop one. At most one runs: the newest.

use crate::domain::Bypass;
use crate::runs::RunId;

use super::action::Action;
use super::beside;
use super::inspect::Tab;
use super::jobs::{JobId, JobKind, JobRequest, JobUpdate, MapOrigin};
use super::mode::MapMode;
use super::state::{App, Effect, Screen};

/// A running computation.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// Its number.
    pub id: JobId,
    /// What it computes.
    pub kind: JobKind,
    /// Units done, in all, and their name.
    pub progress: Option<(usize, usize, &'static str)>,
    /// Whether its map is then laid beside the original.
    pub beside: bool,
    /// Whether the accuracy is measured after it.
    pub measure: bool,
}

impl Running {
    /// What it does, in a few words.
    pub fn title(&self) -> String {
        match &self.kind {
            JobKind::Evaluate(deleted) if deleted.is_empty() => "evaluating".to_string(),
            JobKind::Evaluate(deleted) => format!("evaluating without {deleted}"),
            JobKind::Lesions => "deleting each residual block alone".to_string(),
            JobKind::Sweep(stage) => format!("pruning stage {stage} from its end"),
            JobKind::Map(deleted) if deleted.is_empty() => "computing the map".to_string(),
            JobKind::Cross(other) => format!("computing the CKA with {}", other.name()),
            JobKind::Map(deleted) => format!("computing the map without {deleted}"),
        }
    }
}

/// Starts a computation about the open run; one that runs is cancelled.
pub(super) fn start(app: &mut App, kind: JobKind) -> Vec<Effect> {
    let Some(run) = app.explorer.as_ref().map(|e| e.run().id.clone()) else { return Vec::new() };
    start_about(app, run, kind)
}

/// Starts a computation about a run; one that runs is cancelled.
pub(super) fn start_about(app: &mut App, run: RunId, kind: JobKind) -> Vec<Effect> {
    let mut effects = cancel(app);
    app.jobs_started += 1;
    let id = app.jobs_started;
    app.running =
        Some(Running { id, kind: kind.clone(), progress: None, beside: false, measure: false });
    effects.push(Effect::StartJob(JobRequest { id, run, kind }));
    effects
}

/// Stops what runs.
pub fn cancel(app: &mut App) -> Vec<Effect> {
    app.asking = false;
    app.running.take().map(|r| Effect::CancelJob(r.id)).into_iter().collect()
}

/// Evaluates what is deleted now, unless that is known already over all images.
fn evaluate(app: &mut App) -> Vec<Effect> {
    let Some(e) = &app.explorer else { return Vec::new() };
    let deleted = e.pruning.deleted().clone();
    let enough = e.run().manifest.test.as_ref().map_or(usize::MAX, |t| t.examples);
    let table = e.pruning.table();
    let known = |set: &Bypass| table.of(set).is_some_and(|row| row.examples >= enough);
    if known(&deleted) && known(&Bypass::none()) {
        return cancel(app);
    }
    start(app, JobKind::Evaluate(deleted))
}

/// The commands about deleting blocks.
pub fn act(app: &mut App, action: Action) -> Vec<Effect> {
    let Some(e) = &mut app.explorer else { return Vec::new() };
    let spec = e.run().manifest.model.clone();
    match action {
        Action::Delete => {
            let Some(block) = e.residual_block_at_cursor() else {
                app.complain("the cursor's row is not in a residual block");
                return Vec::new();
            };
            if let Err(why) = block.check(&spec) {
                app.complain(why.to_string());
                return Vec::new();
            }
            e.pruning.toggle(block);
            e.tab = Tab::Blocks;
            evaluate(app)
        }
        Action::Undo | Action::Redo => {
            if !e.pruning.step(action == Action::Undo) {
                let what = if action == Action::Undo { "undo" } else { "redo" };
                app.complain(format!("nothing to {what}"));
                return Vec::new();
            }
            evaluate(app)
        }
        Action::Restore => {
            if !e.pruning.restore() {
                app.complain("no residual block is deleted");
                return Vec::new();
            }
            evaluate(app)
        }
        Action::Sweep => {
            let stage = e.layer(e.position().0).and_then(|l| l.stage);
            e.tab = Tab::Blocks;
            match stage {
                Some(stage) => start(app, JobKind::Sweep(stage)),
                None => {
                    app.complain("the cursor's row is in no stage");
                    Vec::new()
                }
            }
        }
        Action::Lesions => {
            e.tab = Tab::Blocks;
            start(app, JobKind::Lesions)
        }
        Action::PrunedMap => {
            let deleted = e.pruning.deleted().clone();
            if deleted.is_empty() {
                app.complain("no residual block is deleted: x deletes the one under the cursor");
                return Vec::new();
            }
            start(app, JobKind::Map(deleted))
        }
        _ => Vec::new(),
    }
}

/// Takes news of a computation. That of one that was given up is ignored.
pub fn news(app: &mut App, id: JobId, update: JobUpdate) -> Vec<Effect> {
    let Some(running) = app.running.as_mut().filter(|r| r.id == id) else { return Vec::new() };
    match update {
        JobUpdate::Progress { done, total, unit } => running.progress = Some((done, total, unit)),
        JobUpdate::Rows(rows) => {
            if let Some(compare) = app.compare.as_mut().filter(|_| app.screen == Screen::Compare) {
                compare.measured(&rows);
            }
            if let Some(e) = &mut app.explorer {
                e.pruning.measured(rows);
            }
        }
        JobUpdate::Map(deleted, map, origin) => {
            let beside = running.beside && app.screen == Screen::Explorer;
            // the map took the place of an evaluation that may have been on its way
            running.measure = beside;
            if origin == MapOrigin::RunFolder {
                app.tell(format!("without {deleted}: the map is from the run folder"));
            }
            if let Some(e) = &mut app.explorer {
                e.pruning.mapped(deleted, map);
                if !beside {
                    e.set_mode(MapMode::Pruned);
                }
                e.refresh();
            }
            if beside {
                return beside::show(app);
            }
        }
        JobUpdate::Cross(pair) => {
            if let Some(compare) = &mut app.compare {
                compare.set_cross(*pair);
            }
        }
        JobUpdate::Note(line) => app.tell(line),
        JobUpdate::Done => return end(app),
        JobUpdate::Cancelled => {
            app.tell("cancelled");
            return end(app);
        }
        JobUpdate::Failed(why) => {
            app.complain(why);
            return end(app);
        }
    }
    Vec::new()
}

/// The computation is over; the next one may have waited for it.
fn end(app: &mut App) -> Vec<Effect> {
    app.asking = false;
    match app.running.take() {
        Some(ended) if ended.measure => evaluate(app),
        _ => Vec::new(),
    }
}
