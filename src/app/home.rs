//! The list of runs: what its keys do.

use super::action::Action;
use super::layout::HomeLayout;
use super::state::{App, Effect};
use crate::runs::{RunId, RunSummary};

/// The commands of the list.
pub(super) fn act_home(app: &mut App, action: Action, count: Option<usize>) -> Vec<Effect> {
    let page = usize::from(HomeLayout::new(app.size).list.h / 2).max(1);
    let runs = app.home.runs.as_ref().map_or(0, Vec::len);
    let times = count.unwrap_or(1);
    let selected = app.home.selected;
    app.home.selected = match action {
        Action::Down => selected.saturating_add(times),
        Action::Up => selected.saturating_sub(times),
        Action::HalfPageDown => selected.saturating_add(page.saturating_mul(times)),
        Action::HalfPageUp => selected.saturating_sub(page.saturating_mul(times)),
        Action::First => count.map_or(0, |n| n.saturating_sub(1)),
        Action::Last => count.map_or(usize::MAX, |n| n.saturating_sub(1)),
        Action::Open => return open_selected(app),
        Action::Predictions => return super::predictions_keys::open(app),
        Action::Compare => return super::compare_keys::open(app),
        Action::Choose => {
            let id = app.home.selection().map(|run| run.id.clone());
            app.home.chosen = if app.home.chosen == id { None } else { id };
            if app.home.chosen.is_some() {
                app.tell("chosen (•): s on another run puts them side by side");
            }
            selected
        }
        Action::Grid => return super::grid::open(app),
        Action::Refresh => {
            app.tell("reading the list of runs");
            return vec![Effect::ListRuns];
        }
        _ => selected,
    }
    .min(runs.saturating_sub(1));
    scroll_home(app);
    Vec::new()
}

/// Opens the selected run.
pub(super) fn open_selected(app: &mut App) -> Vec<Effect> {
    let Some(run) = app.home.selection() else { return Vec::new() };
    if let Err(why) = &run.manifest {
        let why = why.clone();
        app.complain(why);
        return Vec::new();
    }
    let id = run.id.clone();
    app.loading = Some(id.clone());
    vec![Effect::LoadRun(id)]
}

/// Keeps the selection in sight.
pub(super) fn scroll_home(app: &mut App) {
    let height = usize::from(HomeLayout::new(app.size).list.h).max(1);
    let home = &mut app.home;
    let runs = home.runs.as_ref().map_or(0, Vec::len);
    home.selected = home.selected.min(runs.saturating_sub(1));
    home.offset = home.offset.max((home.selected + 1).saturating_sub(height)).min(home.selected);
    home.offset = home.offset.min(runs.saturating_sub(height));
}

/// Where a run stands in the list. One that was inside the program may lie in a
/// folder of that name by now.
pub(super) fn position(runs: &[RunSummary], id: &RunId) -> Option<usize> {
    let copied = || runs.iter().position(|run| run.name == id.name());
    runs.iter().position(|run| run.id == *id).or_else(copied)
}

/// Selects the run that is open.
pub(super) fn select_open_run(app: &mut App) {
    let open = app.explorer.as_ref().map(|e| &e.run().id);
    let at = app.home.runs.as_ref().zip(open).and_then(|(runs, id)| position(runs, id));
    if let Some(at) = at {
        app.home.selected = at;
        scroll_home(app);
    }
}
