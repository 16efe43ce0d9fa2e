//! What keys and the mouse do to two runs side by side, and which two are opened.

use crate::app::action::{Action, Scope};
use crate::app::copy::table;
use crate::app::cursor::{Ground, Movement, Target};
use crate::app::jobs::JobKind;
use crate::app::list::RunList;
use crate::app::message::Effect;
use crate::app::room::{Awaited, Clip, Context, Go, Reply, Room};
use crate::app::viewport::Viewport;
use crate::runs::RunId;

use super::{Compare, CompareLayout, Pane, partner};

/// Asks for run `selected` beside the chosen one, or beside the one that goes best
/// with it.
pub(in crate::app) fn pair(cx: &mut Context<'_>, selected: RunId) -> Vec<Effect> {
    let chosen = cx.list.chosen.clone().filter(|id| *id != selected);
    let (a, b) = match chosen {
        // the chosen one is A
        Some(chosen) => (chosen, selected),
        None => match partner(cx.list.runs.as_deref().unwrap_or_default(), &selected) {
            Some(other) => (selected, other),
            None => {
                cx.complain("there is no other run with a map to compare with");
                return Vec::new();
            }
        },
    };
    *cx.awaited = Awaited::Pair(a.clone(), b.clone());
    vec![Effect::LoadPair(a, b)]
}

impl Room for Compare {
    fn scope(&self) -> Scope {
        Scope::Compare
    }

    fn act(&mut self, cx: &mut Context<'_>, action: Action, count: Option<usize>) -> Reply {
        let forward = action == Action::NextLayer;
        if self.shows_differing() && (forward || action == Action::PreviousLayer) {
            if let Some((at, same)) = self.step_differing(forward) {
                let error = same.error.map_or_else(String::new, |se| format!(" ± {se:.3}"));
                let which = match at {
                    0 => "least alike".to_string(),
                    at => format!("{}. of the least alike", at + 1),
                };
                cx.tell(format!("{which}: CKA {:.3}{error}", same.cka));
            }
            return self.wants().into();
        }
        if let Some(movement) = Movement::of(action, count) {
            self.take(movement);
            return self.wants().into();
        }
        let pruned = self.pruned().is_some();
        match action {
            Action::Back | Action::Open if pruned => return Go::Back.into(),
            Action::Back => return cx.leave(),
            Action::NextTab | Action::PreviousTab => self.step_focus(action == Action::NextTab),
            Action::ZoomIn => self.zoom(Some(1)),
            Action::ZoomOut => self.zoom(Some(-1)),
            Action::ZoomFit => self.zoom(None),
            Action::View => self.both(|side| side.next_view()),
            Action::Mode => self.both(|side| side.next_mode()),
            Action::Pooling => self.both(|side| side.next_pooling()),
            Action::Range => self.both(|side| side.toggle_range()),
            Action::Swap => self.swap(),
            Action::Strip if pruned => {
                cx.complain("CKA is computed between two runs; this is one and itself pruned");
            }
            Action::Strip if !self.toggle_differing() => {
                let keys = cx.keymap.way_to(Action::CrossMap);
                cx.complain(format!("no CKA between these runs yet: {keys} computes it"));
            }
            Action::Link => {
                self.toggle_link();
                cx.tell(if self.linked() { "one cursor for both" } else { "a cursor for each" });
            }
            Action::Align => match self.next_alignment() {
                true => {
                    cx.tell(format!("layers are matched {}", self.correspondence().words()));
                }
                false => cx.tell("both networks have the same layers"),
            },
            Action::Third if pruned => {
                cx.complain("beside a pruned network there is the difference only; Esc goes back");
            }
            Action::CrossMap if pruned => {
                cx.complain("CKA is computed between two runs; this is one and itself pruned");
            }
            Action::Third if !self.next_third() => {
                cx.complain("maps of different layers cannot be subtracted");
            }
            Action::CrossMap => {
                let [a, b] = [0, 1].map(|side| self.sides[side].run().id.clone());
                return cx.start(a, JobKind::Cross(b)).into();
            }
            Action::Predictions => return Go::Predictions.into(),
            Action::Open => return cx.open(self.side(self.focus).run().id.clone()),
            Action::Export => return self.export(cx),
            _ => {}
        }
        self.wants().into()
    }

    /// A click chooses the pane and the cell.
    fn click(&mut self, cx: &mut Context<'_>, at: (u16, u16)) -> Reply {
        let Some((pane, cell)) = self.pane_at(cx.size, at) else { return Reply::default() };
        self.set_focus(pane);
        if let Some((row, col)) = self.window_of(pane).layer_at(cell) {
            self.move_to(row, col);
        }
        self.wants().into()
    }

    /// The wheel zooms the map under the pointer.
    fn wheel(&mut self, cx: &mut Context<'_>, at: (u16, u16), up: bool) -> Reply {
        if let Some((pane, _)) = self.pane_at(cx.size, at) {
            self.set_focus(pane);
            self.zoom(Some(if up { 1 } else { -1 }));
        }
        self.wants().into()
    }

    fn resize(&mut self, size: (u16, u16)) {
        self.fit_screen(size);
    }

    /// Asks for the pictures of both layers under the cursor.
    fn wants(&mut self) -> Vec<Effect> {
        let layers = self.inspected().map(|layer| layer.map(|l| l.index));
        let sides = self.sides.iter_mut().zip(layers);
        sides.filter_map(|(side, layer)| side.pictures_of(layer?)).collect()
    }

    fn copy(&self, _: &RunList, action: Action) -> Option<Clip> {
        match (self.focus, action) {
            (Pane::Third, Action::CopyMap) => self.copied_third(),
            (Pane::Third, Action::Copy) => self.copied_cell(),
            (pane, action) => self.side(pane).copy_of(action),
        }
    }
}

impl Compare {
    /// The window onto the map of a pane.
    fn window_of(&self, pane: Pane) -> &Viewport {
        match pane {
            Pane::Third => &self.window,
            pane => self.side(pane).viewport(),
        }
    }

    /// Moves the cursor of the pane in focus; the others follow.
    fn take(&mut self, movement: Movement) {
        let ground = Ground {
            shape: self.shape(self.focus),
            half_page: self.window_of(self.focus).half_page(),
            stages: self.side(self.focus).stages(),
        };
        match movement.from(self.position(self.focus), &ground) {
            Target::Cell(row, col) => self.move_to(row, col),
            Target::Diagonal(row) => self.along(row),
        }
    }

    /// Writes the map in focus.
    fn export(&self, cx: &mut Context<'_>) -> Reply {
        let request = match self.focus {
            Pane::Third => self.export_request(cx.look.colormap()),
            pane => self.side(pane).export_request(cx.look.colormap()),
        };
        match request {
            Some(request) => {
                cx.tell("exporting");
                vec![Effect::Export(Box::new(request))].into()
            }
            None => {
                cx.complain("there is no map in this pane yet");
                Reply::default()
            }
        }
    }

    /// The pane at a place of the screen, and the cell of its map.
    fn pane_at(&self, size: (u16, u16), at: (u16, u16)) -> Option<(Pane, (u16, u16))> {
        let places = CompareLayout::new(size);
        let inside = |pane: Pane| {
            let map = places.panes[pane as usize].map;
            map.contains(at).then(|| (pane, (at.0 - map.x, at.1 - map.y)))
        };
        match places.single {
            true => inside(self.focus),
            false => Pane::ALL.into_iter().find_map(inside),
        }
    }

    /// The visible part of the third map.
    fn copied_third(&self) -> Option<Clip> {
        let [a, b] = &self.sides;
        let row = |p| a.layer(p).map_or("", |l| l.name.as_str());
        let col = |p| b.layer(p).map_or("", |l| l.name.as_str());
        let window = (&self.window, a.pooling());
        Some(table(self.third_name(), self.pooled()?, window, [&row, &col]))
    }

    /// `layer3.2.relu2 × layer3.4.add  CKA, A x B 0.281234`.
    fn copied_cell(&self) -> Option<Clip> {
        let (row, col) = self.position(Pane::Third);
        let (a, b) = (self.sides[0].layer(row)?, self.sides[1].layer(col)?);
        let number = match self.matrix()?.get(row, col) {
            Some(value) => format!("{value:.6}"),
            None => "undefined".to_string(),
        };
        let text = format!("{} × {}  {} {number}", a.name, b.name, self.third_name());
        Some((text, "the pair under the cursor".into()))
    }
}
