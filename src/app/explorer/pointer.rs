//! What the mouse does beyond clicking, and the marked cell: dragging pans the
//! map, hovering tells what is under the pointer, and a mark is a second cell to
//! jump to and to compare with.

use super::Explorer;

/// Where the left button went down on the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drag {
    /// The cell of the screen.
    at: (u16, u16),
    /// The map's top left unit then: (row, column).
    origin: (usize, usize),
}

impl Explorer {
    /// Marks the cursor's cell.
    pub fn set_mark(&mut self) {
        self.mark = Some(self.cursor);
    }

    /// Exchanges cursor and mark; false if there is no mark.
    pub fn swap_mark(&mut self) -> bool {
        let Some((row, col)) = self.mark.replace(self.cursor) else {
            self.mark = None;
            return false;
        };
        self.move_to(self.nearest(row), self.nearest(col));
        // the view may lack these layers; the next exchange still knows them
        self.cursor = (row, col);
        true
    }

    /// The marked cell as positions in the view: the layers nearest to it.
    pub fn mark(&self) -> Option<(usize, usize)> {
        self.mark.map(|(row, col)| (self.nearest(row), self.nearest(col)))
    }

    /// What the read-out is about, as positions in the view: the cell under the
    /// pointer if it hovers over the map, else the cursor's.
    pub fn pointed(&self) -> (usize, usize) {
        self.hovered().unwrap_or_else(|| self.position())
    }

    /// The cell under the pointer, as positions in the view.
    pub fn hovered(&self) -> Option<(usize, usize)> {
        self.hover.map(|(row, col)| (self.nearest(row), self.nearest(col)))
    }

    /// Zooms by whole factors about a cell of the map: the layers under it stay
    /// there, as far as the map's edges allow.
    pub fn zoom_at(&mut self, by: isize, cell: (u16, u16)) {
        let under = self.viewport.layer_at(cell);
        self.zoom(Some(by));
        let Some((row, col)) = under else { return };
        let (row, col) = self.viewport.unit((row, col));
        let pixels = self.viewport.scale().pixels();
        let origin = |unit: usize, pixel: usize| unit as isize - (pixel / pixels) as isize;
        self.pan_to((origin(row, 2 * usize::from(cell.1)), origin(col, usize::from(cell.0))));
    }

    /// Scrolls to an origin (clamped) and keeps the cursor in sight.
    fn pan_to(&mut self, origin: (isize, isize)) {
        self.viewport.pan_to(origin);
        let (row, col) = self.viewport.nearest_in_sight(self.position());
        if (row, col) != self.position() {
            self.move_to(row, col);
        }
    }

    /// The left button went down: the cursor goes there, and the map can be dragged.
    pub(super) fn press(&mut self, size: (u16, u16), at: (u16, u16)) {
        self.drag = None;
        if let Some((row, col)) = self.cell_at(size, at) {
            self.move_to(row, col);
            self.drag = Some(Drag { at, origin: self.viewport.origin() });
        }
    }

    /// The pointer moved with the button down: the map moves with it; one that is
    /// wholly in sight cannot, so there the cursor does.
    pub(super) fn pull(&mut self, size: (u16, u16), at: (u16, u16)) {
        let Some(drag) = self.drag else { return };
        if self.viewport.is_whole() {
            if let Some((row, col)) = self.cell_at(size, at) {
                self.move_to(row, col);
            }
            return;
        }
        let pixels = self.viewport.scale().pixels() as isize;
        let moved = |from: u16, to: u16, each: isize| {
            let cells = i32::from(from) - i32::from(to);
            cells as isize * each / pixels
        };
        let down = moved(drag.at.1, at.1, 2);
        let right = moved(drag.at.0, at.0, 1);
        self.pan_to((drag.origin.0 as isize + down, drag.origin.1 as isize + right));
    }

    /// The pointer moved with no button down.
    pub(super) fn point(&mut self, size: (u16, u16), at: (u16, u16)) {
        let cell = self.cell_at(size, at);
        let layers = |(row, col)| Some((*self.indices.get(row)?, *self.indices.get(col)?));
        self.hover = cell.and_then(layers);
    }

    /// The layers that a cell of the screen shows, as positions in the view.
    fn cell_at(&self, size: (u16, u16), at: (u16, u16)) -> Option<(usize, usize)> {
        let map = self.places(size).map;
        let inside = map.contains(at);
        inside.then(|| self.viewport.layer_at((at.0 - map.x, at.1 - map.y))).flatten()
    }
}

#[cfg(test)]
mod tests {
    use crate::app::explorer::ExplorerLayout;
    use crate::app::{App, ColourDepth, Input, Key, Look, demo, update};
    use crate::theme::ThemeSet;

    fn open() -> App {
        let look = Look::new(&ThemeSet::builtin().unwrap(), None, ColourDepth::Truecolor);
        demo::app(look, 38, (120, 40))
    }

    fn keys(app: &mut App, text: &str) {
        for c in text.chars() {
            update(app, Input::Key(Key::char(c)));
        }
    }

    fn at(app: &App) -> (usize, usize) {
        app.explorer().unwrap().position()
    }

    #[test]
    fn marks_are_jumped_to_and_back_and_survive_views() {
        let mut app = open();
        keys(&mut app, "'");
        assert!(app.toast.as_ref().is_some_and(|t| t.error && t.text.contains('"')));
        keys(&mut app, "gg0\"");
        keys(&mut app, "7j4l");
        assert_eq!(app.explorer().unwrap().mark(), Some((0, 0)));
        keys(&mut app, "'");
        assert_eq!(at(&app), (0, 0));
        assert_eq!(app.explorer().unwrap().mark(), Some((7, 4)));
        // block outputs only: other positions, the same layers afterwards
        keys(&mut app, "v''vv'");
        assert_eq!(at(&app), (7, 4));
        keys(&mut app, "'");
        assert_eq!(at(&app), (0, 0));
    }

    #[test]
    fn dragging_pans_a_zoomed_map_and_keeps_the_cursor_under_the_pointer() {
        let mut app = open();
        keys(&mut app, "+++");
        let map = ExplorerLayout::new(app.size).map;
        update(&mut app, Input::Click(map.x + 30, map.y + 10));
        let (before, cursor) = (app.explorer().unwrap().viewport().origin(), at(&app));
        let scale = app.explorer().unwrap().viewport().scale();
        assert_eq!(scale.pixels(), 3);
        update(&mut app, Input::Drag(map.x + 24, map.y + 13));
        let after = app.explorer().unwrap().viewport().origin();
        assert_eq!((after.0 + 2, after.1), (before.0, before.1 + 2));
        assert_eq!(at(&app), cursor, "it is still in sight");
        update(&mut app, Input::Drag(0, 0));
        update(&mut app, Input::Drag(u16::MAX, u16::MAX));
        assert_eq!(app.explorer().unwrap().viewport().origin(), (0, 0));
        assert_ne!(at(&app), cursor, "it went with the window");
        // without a button down nothing moves
        keys(&mut app, "z");
        let here = at(&app);
        update(&mut app, Input::Drag(map.x, map.y));
        assert_eq!(at(&app), here);
    }

    #[test]
    fn the_wheel_keeps_what_is_under_the_pointer() {
        let mut app = open();
        let map = ExplorerLayout::new(app.size).map;
        let under = |app: &App, cell| app.explorer().unwrap().viewport().layer_at(cell);
        let cell = (20, 8);
        let before = under(&app, cell).unwrap();
        for _ in 0..5 {
            update(&mut app, Input::Wheel(map.x + cell.0, map.y + cell.1, true));
            let now = under(&app, cell).unwrap();
            let near = |a: usize, b: usize| a.abs_diff(b) <= 1;
            assert!(near(now.0, before.0) && near(now.1, before.1), "{before:?} {now:?}");
        }
        assert_eq!(app.explorer().unwrap().viewport().scale().pixels(), 5);
        for _ in 0..9 {
            update(&mut app, Input::Wheel(map.x + cell.0, map.y + cell.1, false));
        }
        assert!(app.explorer().unwrap().viewport().is_fitted());
    }

    #[test]
    fn hovering_is_read_out_and_moves_nothing() {
        let mut app = open();
        let (cursor, map) = (at(&app), ExplorerLayout::new(app.size).map);
        update(&mut app, Input::Hover(map.x + 3, map.y + 1));
        let e = app.explorer().unwrap();
        assert_eq!((e.position(), e.hovered()), (cursor, e.viewport().layer_at((3, 1))));
        update(&mut app, Input::Hover(0, 0));
        assert_eq!(app.explorer().unwrap().pointed(), cursor);
        update(&mut app, Input::Hover(map.x, map.y));
        keys(&mut app, "j");
        assert_eq!(app.explorer().unwrap().hovered(), None);
    }
}
