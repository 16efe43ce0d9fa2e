//! Where the cursor is: a pair of layers of the full list, which the view rounds to
//! the nearest layers that it shows.

use super::Explorer;

impl Explorer {
    /// The cursor as positions in the view: the layers nearest to it.
    pub fn position(&self) -> (usize, usize) {
        (self.nearest(self.cursor.0), self.nearest(self.cursor.1))
    }

    /// Position in the view of the layer nearest to a full-list index (the
    /// earlier one of two that are equally near).
    pub(super) fn nearest(&self, index: usize) -> usize {
        let after = self.indices.partition_point(|i| *i < index);
        let before = after.saturating_sub(1);
        match (self.indices.get(before), self.indices.get(after)) {
            (Some(b), Some(a)) if a - index < index.saturating_sub(*b) || *b > index => after,
            (Some(_), _) => before,
            _ => 0,
        }
    }

    /// Puts the cursor on positions of the view, clamped.
    pub fn move_to(&mut self, row: usize, col: usize) {
        let last = self.len().saturating_sub(1);
        let at = |p: usize| self.indices.get(p.min(last)).copied().unwrap_or(0);
        self.cursor = (at(row), at(col));
        self.viewport.show(self.position());
    }

    /// Puts the cursor on the diagonal at a layer of the full list.
    pub fn jump(&mut self, index: usize) {
        let at = self.nearest(index);
        self.move_to(at, at);
    }

    /// The next (or previous) search result after the row's layer, wrapping.
    pub fn next_hit(&mut self, forward: bool) -> bool {
        let row = self.indices.get(self.position().0).copied().unwrap_or(0);
        let shown: Vec<usize> =
            self.hits.iter().copied().filter(|h| self.indices.contains(h)).collect();
        let found = if forward {
            shown.iter().find(|h| **h > row).or(shown.first())
        } else {
            shown.iter().rev().find(|h| **h < row).or(shown.last())
        };
        match found.copied() {
            Some(index) => {
                self.jump(index);
                true
            }
            None => false,
        }
    }

    /// The cursor as layers of the full list: (row, column).
    pub fn cursor(&self) -> (usize, usize) {
        let (row, col) = self.position();
        let index = |p: usize| self.indices.get(p).copied().unwrap_or(0);
        (index(row), index(col))
    }

    /// Puts the cursor on layers of the full list (the nearest that the view shows).
    pub fn put(&mut self, row: usize, col: usize) {
        self.cursor = (row, col);
        self.viewport.show(self.position());
    }
}
