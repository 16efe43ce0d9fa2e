//! Two runs side by side: what its keys and the mouse do, and how it is opened.

use crate::runs::RunId;

use super::action::Action;
use super::beside;
use super::compare::{Compare, Pane, partner, refusal};
use super::jobs::JobKind;
use super::layout::CompareLayout;
use super::running;
use super::state::{App, Effect, LoadedPair, Screen};
use super::update::{MAX_COUNT, SHOWN_IMAGES, export_request, leave};

/// Opens the selected (or open) run beside the chosen one, or beside the one
/// that goes best with it.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let selected = match app.screen {
        Screen::Home => app.home.selection().map(|run| run.id.clone()),
        _ => app.explorer.as_ref().map(|e| e.run().id.clone()),
    };
    let Some(selected) = selected else { return Vec::new() };
    let chosen = app.home.chosen.clone().filter(|id| *id != selected);
    let pair = match chosen {
        // the chosen one is A
        Some(chosen) => (chosen, selected),
        None => {
            let runs = app.home.runs.as_deref().unwrap_or_default();
            match partner(runs, &selected) {
                Some(other) => (selected, other),
                None => {
                    app.complain("there is no other run with a map to compare with");
                    return Vec::new();
                }
            }
        }
    };
    app.comparing = Some(pair.clone());
    vec![Effect::LoadPair(pair.0, pair.1)]
}

/// Takes two runs that were read.
pub(super) fn loaded(app: &mut App, result: Result<Box<LoadedPair>, String>) -> Vec<Effect> {
    let pair = match result {
        Ok(pair) => pair,
        Err(why) => {
            app.comparing = None;
            app.complain(why);
            return Vec::new();
        }
    };
    let LoadedPair { runs: [a, b], cross } = *pair;
    if app.comparing != Some((a.id.clone(), b.id.clone())) {
        return Vec::new();
    }
    app.comparing = None;
    if let Some(why) = refusal(&a, &b) {
        app.complain(why);
        return Vec::new();
    }
    let mut effects = running::cancel(app);
    app.find = None;
    app.compare = Some(Compare::new(a, b, cross, app.size));
    app.screen = Screen::Compare;
    effects.extend(pictures(app));
    effects
}

/// Asks for the pictures of both layers under the cursor.
pub(super) fn pictures(app: &mut App) -> Vec<Effect> {
    let Some(compare) = &mut app.compare else { return Vec::new() };
    let layers = compare.inspected().map(|layer| layer.map(|l| l.index));
    let sides = compare.sides_mut().iter_mut().zip(layers);
    let wanted = sides.filter_map(|(side, layer)| {
        let components = side.components()?;
        let dominant = components.dominant(layer?, SHOWN_IMAGES);
        let images: Vec<u32> = dominant.iter().map(|i| components.images[*i]).collect();
        let new = side.album.ask(&images);
        (!new.is_empty()).then(|| Effect::LoadPictures(side.run().id.clone(), new))
    });
    wanted.collect()
}

/// The commands of the screen.
pub(super) fn act(app: &mut App, action: Action, count: Option<usize>) -> Vec<Effect> {
    let pruned = app.compare.as_ref().is_some_and(|c| c.pruned().is_some());
    if pruned && matches!(action, Action::Back | Action::Open) {
        beside::leave(app);
        return Vec::new();
    }
    if action == Action::Back {
        if app.running.is_some() {
            app.asking = true;
            return Vec::new();
        }
        return leave(app);
    }
    let Some(c) = app.compare.as_mut() else { return Vec::new() };
    let times = count.unwrap_or(1).min(MAX_COUNT);
    let n = times as isize;
    let focus = c.focus();
    let (row, col) = c.position(focus);
    let half = match focus {
        Pane::Third => c.window().half_page(),
        pane => c.side(pane).viewport().half_page(),
    };
    let half = half.saturating_mul(times).min(MAX_COUNT) as isize;
    match action {
        Action::Left => c.move_by(0, -n),
        Action::Right => c.move_by(0, n),
        Action::Up => c.move_by(-n, 0),
        Action::Down => c.move_by(n, 0),
        Action::HalfPageDown => c.move_by(half, 0),
        Action::HalfPageUp => c.move_by(-half, 0),
        Action::First => c.move_to(count.map_or(0, |c| c.saturating_sub(1)), col),
        Action::Last => c.move_to(count.map_or(usize::MAX, |c| c.saturating_sub(1)), col),
        Action::FirstColumn => c.move_to(row, 0),
        Action::LastColumn => c.move_to(row, usize::MAX),
        Action::NextLayer => c.move_layer(n),
        Action::PreviousLayer => c.move_layer(-n),
        Action::NextStage | Action::PreviousStage => {
            for _ in 0..times.min(4) {
                c.move_stage(action == Action::NextStage);
            }
        }
        Action::NextTab | Action::PreviousTab => c.step_focus(action == Action::NextTab),
        Action::ZoomIn => c.zoom(Some(1)),
        Action::ZoomOut => c.zoom(Some(-1)),
        Action::ZoomFit => c.zoom(None),
        Action::View => c.both(|side| side.next_view()),
        Action::Mode => c.both(|side| side.next_mode()),
        Action::Pooling => c.both(|side| side.next_pooling()),
        Action::Range => c.both(|side| side.toggle_range()),
        Action::Swap => c.swap(),
        Action::Link => {
            c.toggle_link();
            let text = if c.linked() { "one cursor for both" } else { "a cursor for each" };
            app.tell(text);
        }
        Action::Align => match c.next_alignment() {
            true => {
                let text = format!("layers are matched {}", c.correspondence().words());
                app.tell(text);
            }
            false => app.tell("both networks have the same layers"),
        },
        Action::Third if pruned => {
            app.complain("beside a pruned network there is the difference only; Esc goes back");
        }
        Action::CrossMap if pruned => {
            app.complain("CKA is computed between two runs; this is one and itself pruned");
        }
        Action::Third if !c.next_third() => {
            app.complain("maps of different layers cannot be subtracted");
        }
        Action::CrossMap => return cross(app),
        Action::Predictions => return super::predictions_keys::open(app),
        Action::Open => {
            let id = c.side(focus).run().id.clone();
            app.loading = Some(id.clone());
            return vec![Effect::LoadRun(id)];
        }
        Action::Export => return export(app),
        _ => {}
    }
    pictures(app)
}

/// Computes the CKA between the runs.
fn cross(app: &mut App) -> Vec<Effect> {
    let Some([a, b]) = app.compare.as_ref().map(Compare::sides) else { return Vec::new() };
    let (first, second): (RunId, RunId) = (a.run().id.clone(), b.run().id.clone());
    running::start_about(app, first, JobKind::Cross(second))
}

/// Writes the map in focus.
fn export(app: &mut App) -> Vec<Effect> {
    let Some(c) = &app.compare else { return Vec::new() };
    let request = match c.focus() {
        Pane::Third => c.export_request(app.look.colormap()),
        pane => export_request(c.side(pane), app.look.colormap()),
    };
    match request {
        Some(request) => {
            app.tell("exporting");
            vec![Effect::Export(Box::new(request))]
        }
        None => {
            app.complain("there is no map in this pane yet");
            Vec::new()
        }
    }
}

/// The pane at a place of the screen.
fn pane_at(app: &App, at: (u16, u16)) -> Option<(Pane, (u16, u16))> {
    let places = CompareLayout::new(app.size);
    let inside = |pane: Pane| {
        let map = places.panes[pane as usize].map;
        map.contains(at).then(|| (pane, (at.0 - map.x, at.1 - map.y)))
    };
    match places.single {
        true => inside(app.compare.as_ref()?.focus()),
        false => Pane::ALL.into_iter().find_map(inside),
    }
}

/// A click chooses the pane and the cell.
pub(super) fn click(app: &mut App, at: (u16, u16)) -> Vec<Effect> {
    let Some((pane, cell)) = pane_at(app, at) else { return Vec::new() };
    let Some(c) = &mut app.compare else { return Vec::new() };
    c.set_focus(pane);
    let window = if pane == Pane::Third { c.window() } else { c.side(pane).viewport() };
    if let Some((row, col)) = window.layer_at(cell) {
        c.move_to(row, col);
    }
    pictures(app)
}

/// The wheel zooms the map under the pointer.
pub(super) fn wheel(app: &mut App, at: (u16, u16), up: bool) {
    let Some((pane, _)) = pane_at(app, at) else { return };
    if let Some(c) = &mut app.compare {
        c.set_focus(pane);
        c.zoom(Some(if up { 1 } else { -1 }));
    }
}
