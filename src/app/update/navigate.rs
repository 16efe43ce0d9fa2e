//! From screen to screen: what is opened over what, and where going back leads.

use crate::app::compare::{self, Compare, refusal};
use crate::app::explorer::Explorer;
use crate::app::grid::Grid;
use crate::app::home::{self, Home};
use crate::app::message::{Answers, Effect, LoadedPair};
use crate::app::overlay::Overlay;
use crate::app::predictions;
use crate::app::room::{Awaited, Go, Reply};
use crate::app::state::{App, Screen};
use crate::runs::LoadedRun;

/// Does what came of an input.
pub(super) fn follow(app: &mut App, reply: Reply) -> Vec<Effect> {
    let Reply { mut effects, go } = reply;
    effects.extend(match go {
        Go::Stay => Vec::new(),
        Go::Back => back(app),
        Go::Beside => beside(app),
        Go::Compare(run) => compare::pair(&mut app.parts().1, run),
        Go::Predictions => predictions::ask(&mut app.parts().1),
        Go::Grid => grid(app),
        Go::Import => {
            let form = app.memory.import.take().unwrap_or_default();
            turn_to(app, Screen::Import(Box::new(form)), false);
            Vec::new()
        }
    });
    effects
}

/// Shows a screen in place of the open one, which is left. What lay on top belonged
/// to that; the help is about whatever is open, the palette about screens of a kind.
fn replace(app: &mut App, screen: Screen) -> Screen {
    let scope = app.scope();
    let left = std::mem::replace(&mut app.screen, screen);
    let stays = match &app.overlay {
        Overlay::Help(_) => true,
        Overlay::Palette(_) => app.scope() == scope,
        _ => false,
    };
    if !stays {
        app.overlay = Overlay::None;
    }
    left
}

/// Shows a screen over the open one.
fn push(app: &mut App, screen: Screen) {
    let below = replace(app, screen);
    app.behind.push(below);
}

/// Keeps how a screen was left.
fn remember(app: &mut App, left: &Screen) {
    match left {
        Screen::Explorer(explorer) => app.memory.explorer = Some(explorer.memory()),
        Screen::Grid(grid) => app.memory.grid = Some(grid.memory()),
        Screen::Import(form) => app.memory.import = Some(form.as_ref().clone()),
        _ => {}
    }
}

/// Shows a screen in place of the open one and of those behind it; only a grid that
/// lies behind stays there if `over_grid`.
fn turn_to(app: &mut App, screen: Screen, over_grid: bool) {
    for below in std::mem::take(&mut app.behind) {
        match below {
            Screen::Grid(_) if over_grid => app.behind.push(below),
            below => remember(app, &below),
        }
    }
    let left = replace(app, screen);
    remember(app, &left);
}

/// Back to what the screen was opened from, in the end the list of runs.
pub(super) fn back(app: &mut App) -> Vec<Effect> {
    app.awaited = Awaited::Nothing;
    let below = app.behind.pop().unwrap_or(Screen::Home(Home));
    let left = replace(app, below);
    remember(app, &left);
    match (&mut app.screen, &left) {
        (Screen::Home(_), _) if app.home.runs.is_none() => return vec![Effect::ListRuns],
        // the cursor is where it was in the comparison
        (Screen::Explorer(explorer), Screen::Compare(compare)) => {
            let (row, col) = compare.side(compare.focus()).cursor();
            explorer.put(row, col);
        }
        _ => {}
    }
    app.screen.room_mut().wants()
}

/// Opens the grid over the list of runs.
fn grid(app: &mut App) -> Vec<Effect> {
    let Some(runs) = &app.home.runs else {
        app.complain("the list of runs is still being read");
        return Vec::new();
    };
    let selected = app.home.selection().map(|run| run.id.clone());
    let grid = Grid::new(runs.clone(), app.size, app.memory.grid.as_ref(), selected.as_ref());
    turn_to(app, Screen::Grid(Box::new(grid)), false);
    app.screen.room_mut().wants()
}

/// Lays the open run's map and that of its pruned network side by side, or starts
/// to compute the latter.
fn beside(app: &mut App) -> Vec<Effect> {
    let (Screen::Explorer(explorer), mut cx) = app.parts() else { return Vec::new() };
    match explorer.ask_for_map(&mut cx) {
        Some(effects) => effects,
        None => show_beside(app),
    }
}

/// Shows the two maps that are there.
pub(super) fn show_beside(app: &mut App) -> Vec<Effect> {
    let Screen::Explorer(explorer) = &app.screen else { return Vec::new() };
    let Some(compare) = Compare::with_pruned(explorer, app.size) else { return Vec::new() };
    push(app, Screen::Compare(Box::new(compare)));
    app.screen.room_mut().wants()
}

/// What was asked for cannot be had.
pub(super) fn failed(app: &mut App, why: String) {
    app.awaited = Awaited::Nothing;
    if let Screen::Opening(_) = app.screen {
        turn_to(app, Screen::Home(Home), false);
    }
    app.complain(why);
}

/// Takes a run that was read.
pub(super) fn run_loaded(app: &mut App, result: Result<Box<LoadedRun>, String>) -> Vec<Effect> {
    let run = match result {
        Ok(run) => run,
        Err(why) => {
            match app.opening() {
                Some(_) => failed(app, why),
                None => app.complain(why),
            }
            return Vec::new();
        }
    };
    // another run was asked for since
    if app.opening() != Some(&run.id) {
        return Vec::new();
    }
    app.awaited = Awaited::Nothing;
    let mut effects = app.parts().1.cancel();
    let problem = run.problems.first().cloned();
    let id = run.id.clone();
    if let Some(memory) = app.explorer().map(Explorer::memory) {
        app.memory.explorer = Some(memory);
    }
    let explorer = Explorer::new(*run, app.size, app.memory.explorer.as_ref());
    let explorer = Screen::Explorer(Box::new(explorer));
    match app.screen {
        Screen::Grid(_) => push(app, explorer),
        _ => turn_to(app, explorer, false),
    }
    if let Some(at) = app.home.position(&id) {
        app.home.selected = at;
        home::scroll(&mut app.home, app.size);
    }
    if let Some(problem) = problem {
        app.complain(problem);
    }
    effects.extend(app.screen.room_mut().wants());
    effects
}

/// Takes two runs that were read.
pub(super) fn pair_loaded(app: &mut App, result: Result<Box<LoadedPair>, String>) -> Vec<Effect> {
    let LoadedPair { runs: [a, b], cross } = match result {
        Ok(pair) => *pair,
        Err(why) => {
            match app.awaited {
                Awaited::Pair(..) => failed(app, why),
                _ => app.complain(why),
            }
            return Vec::new();
        }
    };
    if app.awaited != Awaited::Pair(a.id.clone(), b.id.clone()) {
        return Vec::new();
    }
    app.awaited = Awaited::Nothing;
    if let Some(why) = refusal(&a, &b) {
        app.complain(why);
        return Vec::new();
    }
    let mut effects = app.parts().1.cancel();
    let compare = Compare::new(a, b, cross, app.size);
    turn_to(app, Screen::Compare(Box::new(compare)), true);
    effects.extend(app.screen.room_mut().wants());
    effects
}

/// Takes the predictions that were read.
pub(super) fn predictions_loaded(app: &mut App, all: Vec<Answers>) -> Vec<Effect> {
    if app.awaited != Awaited::Predictions {
        return Vec::new();
    }
    app.awaited = Awaited::Nothing;
    let pair = app.compare().and_then(Compare::runs);
    let selected = app.home.selection().map(|run| run.id.clone());
    match predictions::opened(all, pair, selected) {
        Ok(view) => {
            app.toast = None;
            turn_to(app, Screen::Predictions(Box::new(view)), true);
        }
        Err(why) => app.complain(why),
    }
    Vec::new()
}
