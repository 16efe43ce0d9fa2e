//! What keys do to an open run.

use crate::app::action::{Action, Scope};
use crate::app::cursor::{Ground, Movement, Target};
use crate::app::find::Find;
use crate::app::key::Key;
use crate::app::list::RunList;
use crate::app::message::Effect;
use crate::app::overlay::Overlay;
use crate::app::prompt::PromptEvent;
use crate::app::room::{Clip, Context, Go, Reply, Room};
use crate::domain::Layer;

use super::{Explorer, SHOWN_IMAGES, Tab};

impl Room for Explorer {
    fn scope(&self) -> Scope {
        match (self.shows_cuts(), self.form(), self.gallery()) {
            (true, ..) => Scope::Cuts,
            (false, Some(_), _) => Scope::Form,
            (false, None, Some(_)) => Scope::Gallery,
            (false, None, None) => Scope::Explorer,
        }
    }

    fn act(&mut self, cx: &mut Context<'_>, action: Action, count: Option<usize>) -> Reply {
        if self.shows_cuts() {
            return self.in_cuts(cx, action, count);
        }
        if self.form().is_some() && action != Action::Cuts {
            return self.in_form(cx, action);
        }
        if self.gallery().is_some() {
            return self.in_gallery(cx, action, count);
        }
        match action {
            Action::Back => return cx.leave(),
            Action::Analyse => {
                self.open_form();
                return Reply::default();
            }
            Action::Cuts => {
                self.open_cuts(cx);
                return Reply::default();
            }
            Action::Pictures => {
                self.open_gallery(cx);
                return self.wants().into();
            }
            Action::Write => {
                self.ask_for_name(cx);
                return Reply::default();
            }
            _ => {}
        }
        if self.is_empty() {
            return Reply::default();
        }
        let forward = action == Action::NextLayer;
        if self.outlined() && (forward || action == Action::PreviousLayer) {
            if !self.move_structure(forward) {
                let which = if forward { "next" } else { "previous" };
                cx.complain(format!("no {which} block structure at this threshold"));
            }
            return self.wants().into();
        }
        if let Some(movement) = Movement::of(action, count) {
            self.take(movement);
            return self.wants().into();
        }
        match action {
            Action::Mark => self.set_mark(),
            Action::SwapMark if !self.swap_mark() => {
                let keys = cx.keymap.way_to(Action::Mark);
                cx.complain(format!("no cell is marked yet: {keys} marks this one"));
            }
            Action::Structures => self.toggle_structures(),
            Action::TauDown | Action::TauUp => self.step_tau(action == Action::TauUp),
            Action::NextTab if count.is_some_and(|n| Tab::nth(n).is_some()) => {
                self.settings.tab = count.and_then(Tab::nth).unwrap_or_default();
            }
            Action::NextTab | Action::PreviousTab => {
                self.settings.tab = self.settings.tab.step(action == Action::NextTab);
            }
            Action::Compare => return Go::Compare(self.run.id.clone()).into(),
            Action::Beside => return Go::Beside.into(),
            Action::Delete
            | Action::Undo
            | Action::Redo
            | Action::Restore
            | Action::Sweep
            | Action::Lesions
            | Action::PrunedMap => return self.delete(cx, action).into(),
            Action::ZoomIn => self.zoom(Some(1)),
            Action::ZoomOut => self.zoom(Some(-1)),
            Action::ZoomFit => self.fit_or_fill(),
            Action::View => self.next_view(),
            Action::Mode => self.next_mode(),
            Action::Pooling => self.next_pooling(),
            Action::Range => self.toggle_range(),
            Action::Strip => self.next_strip(cx),
            Action::Find => *cx.overlay = Overlay::Find(Find::new(self.shown())),
            Action::FindNext | Action::FindPrevious
                if !self.next_hit(action == Action::FindNext) =>
            {
                let keys = cx.keymap.way_to(Action::Find);
                cx.complain(format!("nothing found yet: {keys} finds a layer by name"));
            }
            Action::Export => {
                if let Some(request) = self.export_request(cx.look.colormap()) {
                    cx.tell("exporting");
                    return vec![Effect::Export(Box::new(request))].into();
                }
            }
            _ => {}
        }
        self.wants().into()
    }

    fn click(&mut self, cx: &mut Context<'_>, at: (u16, u16)) -> Reply {
        if self.shows_cuts() {
            return self.click_cut(cx, at);
        }
        if self.form().is_some() {
            return Reply::default();
        }
        if self.gallery().is_some() {
            return self.click_picture(cx, at);
        }
        let tab = self.places(cx.size).pane.filter(|pane| pane.contains(at) && at.1 == pane.y);
        if let Some(tab) = tab.and_then(|pane| self.settings.tab.at_column(at.0 - pane.x)) {
            self.settings.tab = tab;
            return self.wants().into();
        }
        self.press(cx.size, at);
        self.wants().into()
    }

    fn wheel(&mut self, cx: &mut Context<'_>, at: (u16, u16), up: bool) -> Reply {
        if self.scope() != Scope::Explorer {
            return self.act(cx, if up { Action::Up } else { Action::Down }, None);
        }
        let places = self.places(cx.size);
        let map = places.map;
        if !self.is_empty() && map.contains(at) {
            self.zoom_at(if up { 1 } else { -1 }, (at.0 - map.x, at.1 - map.y));
        } else if !self.is_empty() && places.pane.is_some_and(|pane| pane.contains(at)) {
            // what the inspector describes
            let (row, _) = self.position();
            let to = if up { row.saturating_sub(1) } else { (row + 1).min(self.len() - 1) };
            self.move_to(to, to);
        }
        self.wants().into()
    }

    fn answer(&mut self, cx: &mut Context<'_>, text: &str) -> Reply {
        match self.scope() {
            Scope::Form => {
                self.take_data(text);
                Reply::default()
            }
            _ => self.write_cut(cx, text),
        }
    }

    fn drag(&mut self, cx: &Context<'_>, at: (u16, u16)) {
        if self.scope() == Scope::Explorer {
            self.pull(cx.size, at);
        }
    }

    fn hover(&mut self, cx: &Context<'_>, at: (u16, u16)) {
        if self.scope() == Scope::Explorer {
            self.point(cx.size, at);
        }
    }

    fn forget_pointer(&mut self) {
        (self.drag, self.hover) = (None, None);
    }

    fn resize(&mut self, size: (u16, u16)) {
        self.drag = None;
        self.fit_screen(size);
        self.resize_gallery(size);
    }

    /// Asks for the pictures that the inspector needs and does not have.
    fn wants(&mut self) -> Vec<Effect> {
        if self.scope() == Scope::Gallery {
            return self.pictures_on_screen().into_iter().collect();
        }
        match self.layer(self.position().0).map(|layer| layer.index) {
            Some(layer) if self.settings.tab == Tab::Layer && self.scope() == Scope::Explorer => {
                self.pictures_of(layer).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn copy(&self, _: &RunList, action: Action) -> Option<Clip> {
        match self.scope() {
            Scope::Form => self.copied_command(),
            Scope::Gallery => self.copied_drivers(),
            _ => self.copy_of(action),
        }
    }
}

impl Explorer {
    /// The layers that the view shows.
    pub fn shown(&self) -> impl Iterator<Item = &Layer> {
        (0..self.len()).filter_map(|p| self.layer(p))
    }

    /// Moves the cursor.
    pub(super) fn take(&mut self, movement: Movement) {
        let shape = (self.len(), self.len());
        let half_page = self.viewport.half_page();
        match movement.from(self.position(), &Ground { shape, half_page, stages: &self.stages }) {
            Target::Cell(row, col) => self.move_to(row, col),
            Target::Diagonal(at) => self.move_to(at, at),
        }
    }

    /// Asks for the pictures of the images that drive a layer, if there are some
    /// that were never asked for.
    pub(in crate::app) fn pictures_of(&mut self, layer: usize) -> Option<Effect> {
        let components = self.components()?;
        let dominant = components.dominant(layer, SHOWN_IMAGES);
        let images: Vec<u32> = dominant.iter().map(|i| components.images[*i]).collect();
        let new = self.album.ask(&images);
        (!new.is_empty()).then(|| Effect::LoadPictures(self.run.id.clone(), new))
    }

    /// Takes a key for the search; false if that closes it.
    pub(in crate::app) fn search(
        &mut self,
        find: &mut Find,
        key: Key,
        cx: &mut Context<'_>,
    ) -> bool {
        match find.key(key) {
            PromptEvent::Changed => {
                find.search(self.shown());
                return true;
            }
            PromptEvent::Cancel => {}
            PromptEvent::Accept => {
                self.hits = find.hits();
                match find.choice() {
                    Some(found) => self.jump(found.layer),
                    None => cx.complain(format!("no layer of this view matches `{}`", find.text())),
                }
            }
        }
        false
    }
}
