//! What keys, the mouse and news of the outside do to the grid.

use std::path::PathBuf;

use crate::domain::{Map, Pooling, View};
use crate::runs::{Axis, RunId};

use super::super::action::Action;
use super::super::mode::MapMode;
use super::super::state::{App, Effect, Screen};
use super::{Grid, modes};

/// What a figure of the grid needs.
#[derive(Debug, Clone, PartialEq)]
pub struct GridRequest {
    /// Name of the files without extension.
    pub stem: String,
    /// Where to.
    pub directory: PathBuf,
    /// The axes of rows and columns.
    pub axes: (Axis, Axis),
    /// Which layers.
    pub view: View,
    /// Which map.
    pub mode: MapMode,
    /// Name of the colour map.
    pub colormap: String,
}

impl Grid {
    fn request(&self, colormap: String) -> GridRequest {
        let axes = self.plan.axes();
        let view = self.view.name().replace(' ', "-");
        GridRequest {
            stem: format!("grid-{}-{}-{view}-{}", axes.0, axes.1, self.mode.stem()),
            directory: PathBuf::from("."),
            axes,
            view: self.view,
            mode: self.mode,
            colormap,
        }
    }
}

/// Opens the grid over the list of runs.
pub(in crate::app) fn open(app: &mut App) -> Vec<Effect> {
    let Some(runs) = &app.home.runs else {
        app.complain("the list of runs is still being read");
        return Vec::new();
    };
    let mut grid = Grid::new(runs.clone(), app.size, app.grid.as_ref());
    if app.grid.is_none()
        && let Some(id) = app.home.selection().map(|run| run.id.clone())
    {
        grid.lay_out(grid.plan.axes(), Some(&id));
    }
    app.grid = Some(grid);
    app.screen = Screen::Grid;
    refresh(app)
}

/// What the screen needs after anything changed.
pub(in crate::app) fn refresh(app: &mut App) -> Vec<Effect> {
    match (&mut app.grid, app.screen) {
        (Some(grid), Screen::Grid) => grid.refresh(),
        _ => Vec::new(),
    }
}

/// The screen has another size.
pub(in crate::app) fn resize(app: &mut App) -> Vec<Effect> {
    let size = app.size;
    if let Some(grid) = &mut app.grid {
        grid.size = size;
        grid.scroll();
    }
    refresh(app)
}

/// The list of runs was read again.
pub(in crate::app) fn relist(app: &mut App) -> Vec<Effect> {
    if let (Some(grid), Some(runs)) = (&mut app.grid, &app.home.runs) {
        grid.relist(runs.clone());
    }
    refresh(app)
}

/// A map arrived.
pub(in crate::app) fn arrived(
    app: &mut App,
    id: RunId,
    mode: MapMode,
    result: Result<Box<Map>, String>,
) -> Vec<Effect> {
    if let Some(grid) = &mut app.grid {
        grid.maps.take(id, mode, result);
    }
    refresh(app)
}

/// A run is about to be shown.
pub(in crate::app) fn entered(app: &mut App) {
    if let Some(grid) = &mut app.grid {
        grid.inside = app.screen == Screen::Grid;
    }
}

/// Where `Esc` in a run leads: the grid that it was opened from, else the list.
pub(in crate::app) fn screen_behind(app: &mut App) -> Screen {
    match &mut app.grid {
        Some(grid) if grid.inside => {
            grid.inside = false;
            Screen::Grid
        }
        _ => Screen::Home,
    }
}

/// The commands of the grid.
pub(in crate::app) fn act(app: &mut App, action: Action, count: Option<usize>) -> Vec<Effect> {
    let times = count.unwrap_or(1);
    let colormap = app.look.colormap().to_string();
    let Some(grid) = &mut app.grid else {
        app.screen = Screen::Home;
        return Vec::new();
    };
    let (row, col) = grid.cursor;
    let half = (grid.visible().0.len() / 2).max(1).saturating_mul(times);
    match action {
        Action::Back => {
            // settings and place are kept, maps are not
            grid.maps.clear();
            app.screen = Screen::Home;
            app.loading = None;
            return Vec::new();
        }
        Action::Left => grid.move_to(row, col.saturating_sub(times)),
        Action::Right => grid.move_to(row, col.saturating_add(times)),
        Action::Up => grid.move_to(row.saturating_sub(times), col),
        Action::Down => grid.move_to(row.saturating_add(times), col),
        Action::HalfPageUp => grid.move_to(row.saturating_sub(half), col),
        Action::HalfPageDown => grid.move_to(row.saturating_add(half), col),
        Action::First => grid.move_to(count.map_or(0, |n| n.saturating_sub(1)), col),
        Action::Last => grid.move_to(count.map_or(usize::MAX, |n| n.saturating_sub(1)), col),
        Action::FirstColumn => grid.move_to(row, 0),
        Action::LastColumn => grid.move_to(row, usize::MAX),
        Action::NextInCell => grid.turn(times as isize),
        Action::PreviousInCell => grid.turn(-(times as isize)),
        Action::RowAxis => grid.next_axis(true),
        Action::ColumnAxis => grid.next_axis(false),
        Action::SwapAxes => {
            let (rows, cols) = grid.plan.axes();
            grid.set_axes((cols, rows));
        }
        Action::ZoomIn => grid.resize_multiples(true),
        Action::ZoomOut => grid.resize_multiples(false),
        Action::ZoomFit => {
            grid.side = None;
            grid.scroll();
        }
        Action::View => grid.view = grid.view.next(),
        Action::Mode => {
            let modes = modes();
            let after = modes.iter().find(|mode| **mode > grid.mode).or(modes.first());
            grid.mode = after.copied().unwrap_or_default();
        }
        Action::Pooling => {
            grid.pooling = match grid.pooling {
                Pooling::Mean => Pooling::Max,
                Pooling::Max => Pooling::Mean,
            };
        }
        Action::Open => {
            let Some(run) = grid.selection() else {
                app.complain("no run lies here");
                return Vec::new();
            };
            let id = run.id.clone();
            app.loading = Some(id.clone());
            return vec![Effect::LoadRun(id)];
        }
        Action::Refresh => {
            app.tell("reading the list of runs");
            return vec![Effect::ListRuns];
        }
        Action::Export if grid.plan.is_empty() => app.complain("there is no map to export"),
        Action::Export => {
            let request = grid.request(colormap);
            app.tell("exporting");
            return vec![Effect::ExportGrid(Box::new(request))];
        }
        _ => {}
    }
    refresh(app)
}

/// A click selects; on the selected place it opens.
pub(in crate::app) fn click(app: &mut App, at: (u16, u16)) -> Vec<Effect> {
    let Some(grid) = &mut app.grid else { return Vec::new() };
    let Some(place) = grid.place_at(at) else { return Vec::new() };
    if place == grid.cursor {
        return act(app, Action::Open, None);
    }
    grid.move_to(place.0, place.1);
    refresh(app)
}
