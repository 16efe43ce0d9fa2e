//! Two runs side by side: two maps and a third one between them, with one
//! cursor. The sides are [`Explorer`]s; what is here keeps them together. Pure
//! state: no drawing, no files.
//!
//! The cursor belongs to the pane in focus. While the sides are linked the other
//! side follows it to the layers that correspond (`domain::alignment`).

mod differs;
mod keys;
mod layout;
mod link;
mod partner;
mod pruned;
mod third;

use crate::domain::alignment::{Alignment, Correspondence};
use crate::domain::{Layer, Pooling, SimilarityMatrix, View};
use crate::runs::{LoadedRun, PairMaps, RunId};

use super::album::Album;
use super::explorer::Explorer;
use super::mode::MapMode;
use super::viewport::Viewport;

pub use differs::Same;
pub(super) use keys::pair;
pub use layout::CompareLayout;
pub use partner::{partner, refusal};

/// One of the three maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The first run's map.
    A,
    /// The second run's.
    B,
    /// The one between them.
    Third,
}

impl Pane {
    /// All panes from left to right.
    pub const ALL: [Pane; 3] = [Pane::A, Pane::B, Pane::Third];

    /// The pane to the right (or left), round about.
    pub fn step(self, forward: bool) -> Pane {
        let at = self as usize;
        Pane::ALL[(at + if forward { 1 } else { 2 }) % 3]
    }
}

/// What the third map shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThirdMap {
    /// CKA between the layers of A (rows) and of B (columns).
    Cross,
    /// The map of A minus that of B.
    Difference,
}

/// CKA between the two runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Cross {
    /// It was never computed.
    Missing,
    /// There it is.
    Ready(Box<PairMaps>),
}

/// What is computed from the state whenever it changes.
#[derive(Debug, Clone)]
struct Derived {
    key: (ThirdMap, View, MapMode, Pooling, (usize, usize, bool)),
    matrix: SimilarityMatrix,
    pooled: SimilarityMatrix,
    spread: (f64, f64),
    undefined: bool,
}

/// Two runs that are compared.
#[derive(Debug, Clone)]
pub struct Compare {
    sides: [Explorer; 2],
    focus: Pane,
    linked: bool,
    how: Alignment,
    match_: Correspondence,
    cross: Cross,
    third: ThirdMap,
    window: Viewport,
    area: (u16, u16),
    derived: Option<Derived>,
    /// Whether the curve of corresponding layers is shown.
    differing: bool,
}

impl Compare {
    /// Puts `b` beside `a` on a screen of `size` cells.
    pub fn new(a: LoadedRun, b: LoadedRun, pair: Option<PairMaps>, size: (u16, u16)) -> Compare {
        let sides = [a, b].map(|run| Explorer::new(run, size, None));
        let how = Alignment::default();
        let match_ = Correspondence::new(sides[0].layers(), sides[1].layers(), how);
        let third = match (&pair, match_.is_identity()) {
            (None, true) => ThirdMap::Difference,
            _ => ThirdMap::Cross,
        };
        let mut compare = Compare {
            sides,
            focus: Pane::A,
            linked: true,
            how,
            match_,
            cross: pair.map_or(Cross::Missing, |p| Cross::Ready(Box::new(p))),
            third,
            window: Viewport::new(0, 0, (0, 0)),
            area: (0, 0),
            derived: None,
            differing: false,
        };
        compare.fit_screen(size);
        compare.follow();
        compare
    }

    /// A side: `Pane::B` the second, else the first.
    pub fn side(&self, pane: Pane) -> &Explorer {
        &self.sides[usize::from(pane == Pane::B)]
    }

    /// Both sides.
    pub fn sides(&self) -> &[Explorer; 2] {
        &self.sides
    }

    /// The albums of the sides that are of a run.
    pub(super) fn albums_of(&mut self, run: &RunId) -> Vec<&mut Album> {
        let sides = self.sides.iter_mut().filter(|side| side.run().id == *run);
        sides.map(|side| &mut side.album).collect()
    }

    /// The pane that keys move in.
    pub fn focus(&self) -> Pane {
        self.focus
    }

    /// Whether the sides share a cursor.
    pub fn linked(&self) -> bool {
        self.linked
    }

    /// Which layer goes with which.
    pub fn correspondence(&self) -> &Correspondence {
        &self.match_
    }

    /// CKA between the runs, if it is known.
    pub fn cross(&self) -> Option<&PairMaps> {
        match &self.cross {
            Cross::Ready(pair) => Some(pair),
            Cross::Missing => None,
        }
    }

    /// What the third pane shows.
    pub fn third(&self) -> ThirdMap {
        self.third
    }

    /// True if both have the same layers, so that their maps can be subtracted.
    pub fn comparable(&self) -> bool {
        self.match_.is_identity()
    }

    /// The third map of the view, pooled: what is drawn. `None` if there is none.
    pub fn pooled(&self) -> Option<&SimilarityMatrix> {
        self.derived.as_ref().map(|d| &d.pooled)
    }

    /// The third map of the view.
    pub fn matrix(&self) -> Option<&SimilarityMatrix> {
        self.derived.as_ref().map(|d| &d.matrix)
    }

    /// The window onto the third map.
    pub fn window(&self) -> &Viewport {
        &self.window
    }

    /// True if some cell of the third map is undefined.
    pub fn has_undefined(&self) -> bool {
        self.derived.as_ref().is_some_and(|d| d.undefined)
    }

    /// Ends of the third map's scale.
    pub fn range(&self) -> (f64, f64) {
        let auto = self.sides[0].auto_range();
        let spread = self.derived.as_ref().map(|d| d.spread).filter(|_| auto);
        match self.third {
            ThirdMap::Cross => spread.unwrap_or((0.0, 1.0)),
            ThirdMap::Difference => {
                let most = spread.map_or(0.5, |(low, high)| low.abs().max(high.abs()).max(1e-3));
                (-most, most)
            }
        }
    }

    /// Rows and columns of a pane.
    pub fn shape(&self, pane: Pane) -> (usize, usize) {
        match pane {
            Pane::Third => (self.sides[0].len(), self.sides[1].len()),
            pane => (self.side(pane).len(), self.side(pane).len()),
        }
    }

    /// The layers that the inspector describes: of A and of B. In the third pane
    /// those of the cell, else the rows'.
    pub fn inspected(&self) -> [Option<&Layer>; 2] {
        let [a, b] = &self.sides;
        let second = match self.focus {
            Pane::Third => b.position().1,
            _ => b.position().0,
        };
        [a.layer(a.position().0), b.layer(second)]
    }

    /// CKA of the cell between the runs under the cursor, with its error:
    /// (A's row, B's column).
    pub fn cross_value(&self) -> Option<(Option<f64>, Option<f64>)> {
        let pair = self.cross()?;
        let (row, col) = (self.sides[0].cursor().0, self.sides[1].cursor().1);
        Some((pair.cka.values.get(row, col), pair.cka.error_at(row, col)))
    }

    /// The next or previous pane.
    pub fn step_focus(&mut self, forward: bool) {
        self.focus = self.focus.step(forward);
        self.follow();
    }

    /// Chooses a pane.
    pub fn set_focus(&mut self, pane: Pane) {
        self.focus = pane;
        self.follow();
    }

    /// Exchanges the sides. The cursor stays on its layers.
    pub fn swap(&mut self) {
        self.sides.swap(0, 1);
        let match_ = std::mem::replace(&mut self.match_, Correspondence::new(&[], &[], self.how));
        self.match_ = match_.reversed();
        if let Cross::Ready(pair) = &mut self.cross {
            **pair = pair.as_ref().clone().transposed();
        }
        self.focus = match self.focus {
            Pane::A => Pane::B,
            Pane::B => Pane::A,
            Pane::Third => Pane::Third,
        };
        self.derived = None;
        self.refit();
        self.follow();
    }

    /// Links the sides or lets each have its own cursor.
    pub fn toggle_link(&mut self) {
        self.linked = !self.linked;
        self.follow();
    }

    /// The other way to match layers; false if both have the same ones.
    pub fn next_alignment(&mut self) -> bool {
        if self.match_.is_identity() {
            return false;
        }
        self.how = self.how.next();
        let [a, b] = &self.sides;
        self.match_ = Correspondence::new(a.layers(), b.layers(), self.how);
        self.follow();
        true
    }

    /// Cross-model map or difference; false if the layers differ, or if one side is
    /// the other one pruned and there is only the difference.
    pub fn next_third(&mut self) -> bool {
        if self.pruned().is_some() {
            return false;
        }
        self.third = match self.third {
            ThirdMap::Difference => ThirdMap::Cross,
            ThirdMap::Cross if self.match_.is_identity() => ThirdMap::Difference,
            ThirdMap::Cross => return false,
        };
        self.derive();
        true
    }

    /// Takes the CKA between the runs, in whichever order it was computed.
    pub fn set_cross(&mut self, pair: PairMaps) {
        let [a, b] = &self.sides;
        let fits =
            |m: &SimilarityMatrix| (m.rows(), m.cols()) == (a.layers().len(), b.layers().len());
        if fits(&pair.cka.values) {
            self.cross = Cross::Ready(Box::new(pair));
            self.third = ThirdMap::Cross;
            self.derived = None;
            self.derive();
        }
    }

    /// Applies a change of view, map, pooling or scale to both sides.
    pub fn both(&mut self, change: impl Fn(&mut Explorer)) {
        self.sides.iter_mut().for_each(change);
        let [a, b] = &mut self.sides;
        // a map that only one of them has is none for both
        if a.mode() != b.mode() {
            let both = [a.mode(), b.mode()]
                .into_iter()
                .find(|m| a.full_map_in(*m).is_some() && b.full_map_in(*m).is_some());
            let mode = both.unwrap_or_default();
            a.set_mode(mode);
            b.set_mode(mode);
        }
        self.refit();
        self.follow();
    }

    /// Zooms by whole factors; `None` fits. Linked sides zoom together.
    pub fn zoom(&mut self, by: Option<isize>) {
        let (focus, linked) = (self.focus, self.linked);
        for pane in Pane::ALL.into_iter().filter(|pane| linked || *pane == focus) {
            let at = self.position(pane);
            match (pane, by) {
                (Pane::Third, Some(by)) => self.window.zoom(by, at),
                (Pane::Third, None) => self.window.fit(),
                (pane, by) => self.sides[usize::from(pane == Pane::B)].zoom(by),
            }
        }
        self.follow();
    }

    /// Gives the maps their places on a screen of `size` cells.
    fn fit_screen(&mut self, size: (u16, u16)) {
        let map = CompareLayout::new(size).map_cells();
        self.area = map;
        self.sides.iter_mut().for_each(|side| side.fit_to(map));
        self.refit();
        self.derive();
    }

    /// Fits the third window to the sides' lengths.
    fn refit(&mut self) {
        let (rows, cols) = self.shape(Pane::Third);
        let at = self.position(Pane::Third);
        self.window.resize(rows, cols, self.area, at);
    }
}
