//! Which layers differ: each layer of A against the one that goes with it in B, as a
//! curve along A's layers, and the extremes to jump to. Pure state.

use super::{Compare, Pane};

/// Layers that count as extremes at either end.
pub const EXTREMES: usize = 8;

/// A layer of A beside its counterpart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Same {
    /// Its position in A's view.
    pub position: usize,
    /// CKA with the layer of B that goes with it.
    pub cka: f64,
    /// Its standard error, if it was estimated.
    pub error: Option<f64>,
}

impl Compare {
    /// Whether the curve is shown.
    pub fn shows_differing(&self) -> bool {
        self.differing
    }

    /// CKA of every layer of A's view with its counterpart, `None` where it is undefined.
    /// Without the CKA between the runs there is no such curve.
    pub fn same_layers(&self) -> Option<Vec<Option<Same>>> {
        let map = &self.cross()?.cka;
        let same = |(position, row): (usize, &usize)| {
            let col = self.match_.there(*row);
            let cka = map.values.get(*row, col)?;
            Some(Same { position, cka, error: map.error_at(*row, col) })
        };
        Some(self.sides[0].indices().iter().enumerate().map(same).collect())
    }

    /// The layers that are least alike, the least first.
    pub fn least_alike(&self) -> Vec<Same> {
        let mut found: Vec<Same> = self.same_layers().into_iter().flatten().flatten().collect();
        found.sort_by(|a, b| a.cka.total_cmp(&b.cka));
        found.truncate(EXTREMES);
        found
    }

    /// The layer that is most alike.
    pub fn most_alike(&self) -> Option<Same> {
        let all = self.same_layers()?.into_iter().flatten();
        all.max_by(|a, b| a.cka.total_cmp(&b.cka))
    }

    /// Shows the curve, or no longer; false if there is none.
    pub(super) fn toggle_differing(&mut self) -> bool {
        let known = self.cross().is_some();
        self.differing = known && !self.differing;
        known
    }

    /// Puts the cursor on the next layer of those that are least alike, or on the one
    /// before, round about; which of how many that is.
    pub(super) fn step_differing(&mut self, forward: bool) -> Option<(usize, Same)> {
        let found = self.least_alike();
        let count = found.len();
        if count == 0 {
            return None;
        }
        let here = self.sides[0].position().0;
        let at = match found.iter().position(|same| same.position == here) {
            Some(at) => (at + if forward { 1 } else { count - 1 }) % count,
            None if forward => 0,
            None => count - 1,
        };
        if self.focus == Pane::B {
            self.focus = Pane::A;
        }
        self.along(found[at].position);
        Some((at, found[at]))
    }
}
