//! One cursor for all three maps: that of the pane in focus, which the others follow
//! while the sides are linked.

use super::{Compare, Pane};

impl Compare {
    /// The cursor of a pane as positions in the view: (row, column).
    pub fn position(&self, pane: Pane) -> (usize, usize) {
        match pane {
            Pane::Third => (self.sides[0].position().0, self.sides[1].position().1),
            pane => self.side(pane).position(),
        }
    }

    /// Puts the cursor of the pane in focus on positions of the view, clamped;
    /// the others follow.
    pub fn move_to(&mut self, row: usize, col: usize) {
        let [a, b] = &mut self.sides;
        match self.focus {
            Pane::A => a.move_to(row, col),
            Pane::B => b.move_to(row, col),
            Pane::Third => {
                let (keep_col, keep_row) = (a.position().1, b.position().0);
                a.move_to(row, keep_col);
                b.move_to(keep_row, col);
            }
        }
        self.follow();
    }

    /// Puts the cursor on a row of the pane in focus and on what goes with it.
    pub(super) fn along(&mut self, row: usize) {
        if self.focus != Pane::Third {
            return self.move_to(row, row);
        }
        let [a, b] = &mut self.sides;
        a.move_to(row, row);
        let other = self.match_.there(a.cursor().0);
        b.put(other, other);
        self.follow();
    }

    /// Brings the sides together again: same cursor, same window.
    pub(super) fn follow(&mut self) {
        if self.linked {
            let (m, [a, b]) = (&self.match_, &mut self.sides);
            match self.focus {
                Pane::A => {
                    let (row, col) = a.cursor();
                    b.put(m.there(row), m.there(col));
                    b.look_like(a.viewport());
                }
                Pane::B => {
                    let (row, col) = b.cursor();
                    a.put(m.back(row), m.back(col));
                    a.look_like(b.viewport());
                }
                Pane::Third => {
                    let (row, col) = (a.cursor().0, b.cursor().1);
                    a.put(row, m.back(col));
                    b.put(m.there(row), col);
                }
            }
        }
        let at = self.position(Pane::Third);
        match self.focus {
            Pane::Third => {
                self.window.show(at);
                if self.linked {
                    let window = self.window.clone();
                    self.sides.iter_mut().for_each(|side| side.look_like(&window));
                }
            }
            pane => {
                let like = self.side(pane).viewport().clone();
                if self.linked && like.shape() == self.window.shape() {
                    self.window = like;
                }
                self.window.show(at);
            }
        }
        self.derive();
    }
}
