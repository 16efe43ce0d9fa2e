//! Where things are on the grid's screen. Pure arithmetic over cells.

use crate::app::layout::Area;

/// Columns between two maps: the frame of the one, and that of the other.
pub(super) const GAP: u16 = 2;

/// The places of the grid's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GridLayout {
    /// Program and device.
    pub top: Area,
    /// What is shown.
    pub status: Area,
    /// Values of the columns.
    pub columns: Area,
    /// Values of the rows.
    pub rows: Area,
    /// The maps, with a frame's width of air around them.
    pub maps: Area,
    /// The colour scale.
    pub legend: Area,
    /// The selected run; also messages.
    pub readout: Area,
    /// Keys.
    pub hints: Area,
}

impl GridLayout {
    /// Lays out `w x h` cells.
    pub fn new((w, h): (u16, u16)) -> GridLayout {
        let air = u16::from(h >= 30);
        let gutter = if w >= 60 { 13 } else { 9 };
        let above = 3 + 2 * air;
        let maps_h = h.saturating_sub(above + 3 + air);
        let maps_w = w.saturating_sub(gutter + 1);
        let line = |y: u16| Area::new(1, y, w.saturating_sub(2), 1);
        GridLayout {
            top: Area::new(0, 0, w, 1),
            status: line(1 + air),
            columns: Area::new(gutter, above - 1, maps_w, 1),
            rows: Area::new(0, above, gutter, maps_h),
            maps: Area::new(gutter, above, maps_w, maps_h),
            legend: line(h.saturating_sub(3)),
            readout: line(h.saturating_sub(2)),
            hints: line(h.saturating_sub(1)),
        }
    }

    /// The largest even side of which one multiple fits.
    pub(super) fn largest(&self) -> u16 {
        let side = self.maps.w.saturating_sub(GAP).min(2 * self.maps.h.saturating_sub(2));
        (side & !1).max(2)
    }

    /// Whole multiples that fit: rows and columns, at least one.
    pub(super) fn fits(&self, side: u16) -> (usize, usize) {
        let rows = self.maps.h.saturating_sub(1) / (side / 2 + 1);
        let cols = self.maps.w / (side + GAP);
        (usize::from(rows.max(1)), usize::from(cols.max(1)))
    }
}
