//! The screen of predictions: what its keys do, and how it is opened.

use crate::runs::RunId;

use super::action::Action;
use super::predictions::{Answers, Page, PredictionsView};
use super::state::{App, Effect, Screen};
use super::update::{MAX_COUNT, leave};

/// Asks for the predictions of all runs in the list.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let runs = app.home.runs.as_deref().unwrap_or_default();
    let ids: Vec<RunId> =
        runs.iter().filter(|run| run.manifest.is_ok()).map(|run| run.id.clone()).collect();
    if ids.is_empty() {
        app.complain("there is no run to compare");
        return Vec::new();
    }
    app.tell("reading predictions");
    app.asked_predictions = true;
    vec![Effect::LoadPredictions(ids)]
}

/// Takes the predictions that were read.
pub(super) fn loaded(app: &mut App, all: Vec<Answers>) -> Vec<Effect> {
    if !std::mem::take(&mut app.asked_predictions) {
        return Vec::new();
    }
    let pair =
        app.compare.as_ref().filter(|c| app.screen == Screen::Compare && c.pruned().is_none());
    let groups = pair.map(|c| [0, 1].map(|i| c.sides()[i].run().id.clone()));
    let selected = app.home.selection().map(|run| run.id.clone());
    let first = groups.as_ref().map(|[a, _]| a.clone()).or(selected);
    let groups = groups.as_ref().map(|[a, b]| [a, b]);
    match PredictionsView::new(all, first.as_ref(), groups) {
        Ok(view) => {
            app.toast = None;
            app.predictions = Some(view);
            app.screen = Screen::Predictions;
        }
        Err(why) => app.complain(why),
    }
    Vec::new()
}

/// The commands of the screen.
pub(super) fn act(app: &mut App, action: Action, count: Option<usize>) -> Vec<Effect> {
    if action == Action::Back {
        return leave(app);
    }
    let Some(view) = &mut app.predictions else { return Vec::new() };
    let n = count.unwrap_or(1).min(MAX_COUNT);
    let page = usize::from(app.size.1 / 2);
    match action {
        Action::Down => view.select(|at| at.saturating_add(n)),
        Action::Up => view.select(|at| at.saturating_sub(n)),
        Action::HalfPageDown => view.select(|at| at.saturating_add(page)),
        Action::HalfPageUp => view.select(|at| at.saturating_sub(page)),
        Action::First => view.select(|_| count.map_or(0, |c| c.saturating_sub(1))),
        Action::Last => view.select(|_| count.map_or(usize::MAX, |c| c.saturating_sub(1))),
        Action::NextTab | Action::PreviousTab => view.step_page(action == Action::NextTab),
        Action::Choose if view.page() != Page::Examples => view.cycle_group(),
        Action::Choose => app.tell("choose runs on the other pages"),
        Action::Swap => view.swap(),
        Action::Open => {
            let Some(member) = view.members().get(view.selected()) else { return Vec::new() };
            let id = member.id.clone();
            app.loading = Some(id.clone());
            return vec![Effect::LoadRun(id)];
        }
        _ => {}
    }
    let asked = app.predictions.as_mut().and_then(PredictionsView::pictures);
    asked.map(|(run, images)| Effect::LoadPictures(run, images)).into_iter().collect()
}
