//! What keys do on the screen of predictions, and how it is opened.

use crate::app::action::{Action, Scope};
use crate::app::cursor::{Ground, Movement, Target};
use crate::app::message::{Answers, Effect};
use crate::app::room::{Awaited, Context, Go, Reply, Room};
use crate::runs::RunId;

use super::{Page, PredictionsView};

/// Asks for the predictions of all runs in the list.
pub(in crate::app) fn ask(cx: &mut Context<'_>) -> Vec<Effect> {
    let runs = cx.list.runs.as_deref().unwrap_or_default();
    let ids: Vec<RunId> =
        runs.iter().filter(|run| run.manifest.is_ok()).map(|run| run.id.clone()).collect();
    if ids.is_empty() {
        cx.complain("there is no run to compare");
        return Vec::new();
    }
    cx.tell("reading predictions");
    *cx.awaited = Awaited::Predictions;
    vec![Effect::LoadPredictions(ids)]
}

/// The screen of what was read; `pair` are the runs that were side by side.
///
/// # Errors
/// One line, if no run has predictions.
pub(in crate::app) fn opened(
    all: Vec<Answers>,
    pair: Option<[RunId; 2]>,
    selected: Option<RunId>,
) -> Result<PredictionsView, String> {
    let first = pair.as_ref().map(|[a, _]| a.clone()).or(selected);
    PredictionsView::new(all, first.as_ref(), pair.as_ref().map(|[a, b]| [a, b]))
}

impl Room for PredictionsView {
    fn scope(&self) -> Scope {
        Scope::Predictions
    }

    fn act(&mut self, cx: &mut Context<'_>, action: Action, count: Option<usize>) -> Reply {
        if let Some(movement) = Movement::of(action, count) {
            let ground = Ground::list(self.listed(), usize::from(cx.size.1 / 2));
            let (Target::Cell(row, _) | Target::Diagonal(row)) =
                movement.from((self.at(), 0), &ground);
            self.select(row);
            return self.wants().into();
        }
        match action {
            Action::Back => return Go::Back.into(),
            Action::NextTab | Action::PreviousTab => self.step_page(action == Action::NextTab),
            Action::Choose if self.page() != Page::Examples => self.cycle_group(),
            Action::Choose => cx.tell("choose runs on the other pages"),
            Action::Swap => self.swap(),
            Action::Open => {
                let id = self.members().get(self.selected()).map(|member| member.id.clone());
                return id.map_or_else(Reply::default, |id| cx.open(id));
            }
            _ => {}
        }
        self.wants().into()
    }

    fn wants(&mut self) -> Vec<Effect> {
        let asked = self.pictures();
        asked.map(|(run, images)| Effect::LoadPictures(run, images)).into_iter().collect()
    }
}
