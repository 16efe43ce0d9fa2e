//! What computations report.

use crate::app::home::Home;
use crate::app::jobs::{JobId, JobKind, JobUpdate, MapOrigin};
use crate::app::message::Effect;
use crate::app::mode::MapMode;
use crate::app::overlay::Overlay;
use crate::app::room::Awaited;
use crate::app::running::Running;
use crate::app::state::{App, Screen};

use super::navigate::show_beside;

/// Takes news of a computation. That of one that was given up is ignored.
pub(super) fn take(app: &mut App, id: JobId, update: JobUpdate) -> Vec<Effect> {
    let on_map = matches!(app.screen, Screen::Explorer(_));
    let Some(running) = app.running.as_mut().filter(|r| r.id == id) else { return Vec::new() };
    match update {
        JobUpdate::Progress { done, total, unit } => running.progress = Some((done, total, unit)),
        JobUpdate::Rows(rows) => {
            for screen in app.screens_mut() {
                match screen {
                    Screen::Explorer(explorer) => explorer.pruning.measured(rows.clone()),
                    Screen::Compare(compare) => compare.measured(&rows),
                    _ => {}
                }
            }
        }
        JobUpdate::Map(deleted, map, origin) => {
            let beside = running.beside && on_map;
            // the map took the place of an evaluation that may have been on its way
            running.measure = beside;
            if origin == MapOrigin::RunFolder {
                app.tell(format!("without {deleted}: the map is from the run folder"));
            }
            if let Some(explorer) = app.explorer_mut() {
                explorer.pruning.mapped(deleted, map);
                if !beside {
                    explorer.set_mode(MapMode::PRUNED);
                }
                explorer.refresh();
            }
            if beside {
                return show_beside(app);
            }
        }
        JobUpdate::Cross(pair) => {
            if let Screen::Compare(compare) = &mut app.screen {
                compare.set_cross(*pair);
            }
        }
        JobUpdate::Note(line) => app.tell(line),
        // a screen that asks for such work shows its results too
        JobUpdate::Working(_)
        | JobUpdate::Device(_)
        | JobUpdate::Epoch(_)
        | JobUpdate::Checkpoint(_)
        | JobUpdate::Analysis(_)
        | JobUpdate::Components(_)
        | JobUpdate::Predictions(_)
        | JobUpdate::Probes(..)
        | JobUpdate::Kept(_) => {}
        JobUpdate::Done => return end(app, true),
        JobUpdate::Cancelled => {
            app.tell("cancelled");
            return end(app, false);
        }
        JobUpdate::Failed(why) => {
            // what was written into the form stays there, with what is wrong
            if matches!(running.kind, JobKind::Import(_)) {
                for form in app.imports_mut() {
                    form.problem = Some(why.clone());
                }
            }
            app.complain(why);
            return end(app, false);
        }
    }
    Vec::new()
}

/// The computation is over, to its end or not; the next one may have waited for it.
fn end(app: &mut App, done: bool) -> Vec<Effect> {
    if app.overlay.asks() {
        app.overlay = Overlay::None;
    }
    match app.running.take() {
        // there is a run more
        Some(ended) if matches!(ended.kind, JobKind::Cut(..)) => vec![Effect::ListRuns],
        // there is a run more, which is what was wanted
        Some(Running { kind: JobKind::Import(file), .. }) if done => {
            app.home.select_when_listed(&file.name);
            app.memory.import = None;
            if let Screen::Import(_) = app.screen {
                app.screen = Screen::Home(Home);
            }
            vec![Effect::ListRuns]
        }
        // the run is another one now
        Some(ended) if matches!(ended.kind, JobKind::Analyze(_)) && done => reopen(app),
        Some(ended) if ended.measure => evaluate(app),
        _ => Vec::new(),
    }
}

/// Reads the open run again, if it is still the one on screen.
fn reopen(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![Effect::ListRuns];
    if let Screen::Explorer(explorer) = &app.screen {
        let id = explorer.run().id.clone();
        app.awaited = Awaited::Run(id.clone());
        effects.push(Effect::LoadRun(id));
    }
    effects
}

/// Evaluates what is deleted from the open run, which may lie behind the comparison
/// with its pruned network.
fn evaluate(app: &mut App) -> Vec<Effect> {
    let (screens, mut cx) = app.all_parts();
    let evaluated = screens.into_iter().find_map(|screen| match screen {
        Screen::Explorer(explorer) => Some(explorer.evaluate(&mut cx)),
        _ => None,
    });
    evaluated.unwrap_or_default()
}
