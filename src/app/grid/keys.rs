//! What keys and the mouse do to the grid.

use std::path::PathBuf;

use crate::app::action::{Action, Scope};
use crate::app::cursor::{Ground, Movement, Target};
use crate::app::list::RunList;
use crate::app::message::{Effect, GridRequest};
use crate::app::pooling;
use crate::app::room::{Clip, Context, Go, Reply, Room};
use crate::text::one_line;

use super::{Grid, modes};

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

    /// Opens the run of the selected place.
    fn open_selected(&self, cx: &mut Context<'_>) -> Reply {
        match self.selection() {
            Some(run) => cx.open(run.id.clone()),
            None => {
                cx.complain("no run lies here");
                Reply::default()
            }
        }
    }
}

impl Room for Grid {
    fn scope(&self) -> Scope {
        Scope::Grid
    }

    fn act(&mut self, cx: &mut Context<'_>, action: Action, count: Option<usize>) -> Reply {
        if let Some(movement) = Movement::of(action, count) {
            let half_page = (self.visible().0.len() / 2).max(1);
            let ground = Ground { shape: self.plan.shape(), half_page, stages: &[] };
            if let Target::Cell(row, col) = movement.from(self.cursor, &ground) {
                self.move_to(row, col);
            }
            return self.wants().into();
        }
        let times = count.unwrap_or(1) as isize;
        match action {
            Action::Back => return Go::Back.into(),
            Action::NextInCell => self.turn(times),
            Action::PreviousInCell => self.turn(-times),
            Action::RowAxis => self.next_axis(true),
            Action::ColumnAxis => self.next_axis(false),
            Action::SwapAxes => {
                let (rows, cols) = self.plan.axes();
                self.set_axes((cols, rows));
            }
            Action::ZoomIn => self.resize_multiples(true),
            Action::ZoomOut => self.resize_multiples(false),
            Action::ZoomFit => {
                self.side = None;
                self.scroll();
            }
            Action::View => self.view = self.view.next(),
            Action::Mode => {
                let modes = modes();
                let after = modes.iter().find(|mode| **mode > self.mode).or(modes.first());
                self.mode = after.copied().unwrap_or_default();
            }
            Action::Pooling => self.pooling = pooling::next(self.pooling),
            Action::Open => return self.open_selected(cx),
            Action::Refresh => return cx.relist(),
            Action::Export if self.plan.is_empty() => cx.complain("there is no map to export"),
            Action::Export => {
                let request = self.request(cx.look.colormap().to_string());
                cx.tell("exporting");
                return vec![Effect::ExportGrid(Box::new(request))].into();
            }
            _ => {}
        }
        self.wants().into()
    }

    /// A click selects; on the selected place it opens.
    fn click(&mut self, cx: &mut Context<'_>, at: (u16, u16)) -> Reply {
        let Some(place) = self.place_at(at) else { return Reply::default() };
        if place == self.cursor {
            return self.open_selected(cx);
        }
        self.move_to(place.0, place.1);
        self.wants().into()
    }

    fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.scroll();
    }

    /// Draws what is on screen and asks for what is missing.
    fn wants(&mut self) -> Vec<Effect> {
        let (rows, cols) = self.visible();
        let places = rows.flat_map(|r| cols.clone().map(move |c| (r, c)));
        let wanted = places.filter_map(|(r, c)| self.run(r, c)).map(|run| run.id.clone()).collect();
        let key = self.key();
        self.maps.refresh(wanted, self.mode, key)
    }

    fn copy(&self, _: &RunList, _: Action) -> Option<Clip> {
        self.selection().map(|run| (one_line(&run.name), "the run's name".into()))
    }
}
