//! Where things are on a screen of a given size. Shared by the interface, which
//! draws there, and by `update`, which needs the map's size for zooming and the
//! places under the mouse. Pure arithmetic over cells.

/// Below this the screens make no sense.
pub const MIN_SIZE: (u16, u16) = (40, 12);

/// Narrowest and widest pane beside the map.
const PANE: (u16, u16) = (30, 58);

/// A rectangle of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub w: u16,
    pub h: u16,
}

impl Area {
    /// A rectangle from its corner and size.
    pub const fn new(x: u16, y: u16, w: u16, h: u16) -> Area {
        Area { x, y, w, h }
    }

    /// True if the cell lies inside.
    pub fn contains(self, (x, y): (u16, u16)) -> bool {
        (self.x..self.x.saturating_add(self.w)).contains(&x)
            && (self.y..self.y.saturating_add(self.h)).contains(&y)
    }
}

/// True if nothing but a message fits.
pub fn too_small((w, h): (u16, u16)) -> bool {
    w < MIN_SIZE.0 || h < MIN_SIZE.1
}

/// The explorer's places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExplorerLayout {
    /// Program, run, device.
    pub top: Area,
    /// The ruler above the map, one row.
    pub columns: Area,
    /// The ruler on the left; its last column is the map's edge.
    pub rows: Area,
    /// The map.
    pub map: Area,
    /// The cursor's mark below the map, one row.
    pub marks: Area,
    /// Scale and view, where no pane shows them.
    pub legend: Option<Area>,
    /// The pair under the cursor; also messages and the search field.
    pub readout: Area,
    /// Keys.
    pub hints: Area,
    /// The inspector.
    pub pane: Option<Area>,
}

impl ExplorerLayout {
    /// Lays out `w x h` cells (at least [`MIN_SIZE`]; less gives empty areas).
    pub fn new((w, h): (u16, u16)) -> ExplorerLayout {
        let air = u16::from(h >= 30);
        let ruler = if w >= 100 { 11 } else { 6 };
        let above = 2 + air;
        // marks, read-out, hints
        let square = h.saturating_sub(above + 3);
        let left = ruler + 2 * square + 3;
        let pane = (w > left + PANE.0).then(|| {
            let width = (w - left - 1).min(PANE.1);
            Area::new(left, above - 1, width, square + 2)
        });
        let map_h = if pane.is_some() { square } else { square.saturating_sub(1) };
        let map_w = if pane.is_some() { 2 * square } else { w.saturating_sub(ruler + 1) };
        let y = above + map_h;
        ExplorerLayout {
            top: Area::new(0, 0, w, 1),
            columns: Area::new(ruler, above - 1, map_w, 1),
            rows: Area::new(0, above, ruler, map_h),
            map: Area::new(ruler, above, map_w, map_h),
            marks: Area::new(ruler, y, map_w, 1),
            legend: pane.is_none().then(|| Area::new(1, y + 1, w.saturating_sub(2), 1)),
            readout: Area::new(1, h.saturating_sub(2), w.saturating_sub(2), 1),
            hints: Area::new(1, h.saturating_sub(1), w.saturating_sub(2), 1),
            pane,
        }
    }
}

/// The home screen's places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HomeLayout {
    /// Program and device.
    pub top: Area,
    /// Column titles.
    pub header: Area,
    /// One run per row.
    pub list: Area,
    /// The selected run, beside or (on narrow screens) nowhere.
    pub preview: Option<Area>,
    /// Messages.
    pub message: Area,
    /// Keys.
    pub hints: Area,
}

impl HomeLayout {
    /// Lays out `w x h` cells.
    pub fn new((w, h): (u16, u16)) -> HomeLayout {
        let air = u16::from(h >= 16);
        let above = 2 + 2 * air;
        let list_h = h.saturating_sub(above + 2 + air);
        let side = match w {
            124.. => 50,
            76.. => 26,
            _ => 0,
        };
        let list_w = w.saturating_sub(2 + if side > 0 { side + 3 } else { 0 });
        HomeLayout {
            top: Area::new(0, 0, w, 1),
            header: Area::new(1, above - 1, list_w, 1),
            list: Area::new(1, above, list_w, list_h),
            preview: (side > 0).then(|| Area::new(list_w + 4, above - 1, side, list_h + 1)),
            message: Area::new(1, h.saturating_sub(2), w.saturating_sub(2), 1),
            hints: Area::new(1, h.saturating_sub(1), w.saturating_sub(2), 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_stay_inside_the_screen_at_every_size() {
        for w in 0..220u16 {
            for h in 0..80u16 {
                if too_small((w, h)) {
                    // must not panic
                    let _ = (ExplorerLayout::new((w, h)), HomeLayout::new((w, h)));
                    continue;
                }
                let inside = |a: Area| a.x + a.w <= w && a.y + a.h <= h;
                let e = ExplorerLayout::new((w, h));
                for a in [e.top, e.columns, e.rows, e.map, e.marks, e.readout, e.hints] {
                    assert!(inside(a), "{w}x{h} {a:?}");
                }
                assert!(e.legend.is_none_or(inside) && e.pane.is_none_or(inside), "{w}x{h}");
                assert!(e.map.h >= 5 && e.map.w >= 10, "{w}x{h} {:?}", e.map);
                assert!(e.marks.y < e.readout.y);
                assert!(e.legend.is_none_or(|l| l.y < e.readout.y && l.y > e.marks.y));
                let home = HomeLayout::new((w, h));
                for a in [home.top, home.header, home.list, home.message, home.hints] {
                    assert!(inside(a), "{w}x{h} {a:?}");
                }
                assert!(home.preview.is_none_or(inside) && home.list.h >= 3);
            }
        }
    }

    #[test]
    fn the_usual_sizes_give_the_map_its_share() {
        assert_eq!(ExplorerLayout::new((120, 40)).map, Area::new(11, 3, 68, 34));
        assert!(ExplorerLayout::new((120, 40)).pane.is_some());
        assert!(ExplorerLayout::new((80, 24)).pane.is_some());
        assert!(ExplorerLayout::new((60, 24)).pane.is_none());
    }
}
