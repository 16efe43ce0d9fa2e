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
    /// The strip of a curve above the map, if it is shown and there is room.
    pub strip: Option<StripPlaces>,
}

/// The places of the strip above the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StripPlaces {
    /// What it shows and the value under the cursor, one row.
    pub title: Area,
    /// Its scale, where the ruler is beside the map.
    pub scale: Area,
    /// The curve; its columns are the map's.
    pub bars: Area,
    /// Rows that the map has less for it.
    pub cost: u16,
}

/// Rows of a map below which no strip is shown.
const STRIP_LEAVES: u16 = 10;

impl ExplorerLayout {
    /// Lays out `w x h` cells with a strip above the map, where there is room for
    /// it. The pane stays where it is; the map gives rows and stands right below.
    pub fn with_strip((w, h): (u16, u16)) -> ExplorerLayout {
        let mut places = ExplorerLayout::new((w, h));
        let bars = match h {
            50.. => 6,
            30.. => 4,
            _ => 3,
        };
        // a free row below the top line is the title's
        let first = places.top.h;
        let free = places.columns.y.saturating_sub(first);
        let cost = (1 + bars) - free.min(1 + bars);
        if places.map.h < STRIP_LEAVES + cost {
            return places;
        }
        let (left, x) = (places.pane.map_or(w, |pane| pane.x), places.map.x);
        places.strip = Some(StripPlaces {
            title: Area::new(1, first, left.saturating_sub(2), 1),
            scale: Area::new(0, first + 1, places.rows.w, bars),
            bars: Area::new(x, first + 1, places.map.w, bars),
            cost,
        });
        places.columns.y += cost;
        for area in [&mut places.rows, &mut places.map] {
            area.y += cost;
            area.h -= cost;
        }
        places
    }

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
            strip: None,
        }
    }
}

/// A map with its rulers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MapPlaces {
    /// What it is, one row (empty where the screen says it elsewhere).
    pub title: Area,
    /// The ruler above the map, one row.
    pub columns: Area,
    /// The ruler on the left; its last column is the map's edge.
    pub rows: Area,
    /// The map.
    pub map: Area,
    /// The cursor's mark below the map, one row.
    pub marks: Area,
}

impl MapPlaces {
    /// A map of `map` cells whose title starts at `(x, y)`, behind a ruler.
    fn new((x, y): (u16, u16), ruler: u16, (w, h): (u16, u16)) -> MapPlaces {
        MapPlaces {
            title: Area::new(x, y, ruler + w, 1),
            columns: Area::new(x + ruler, y + 1, w, 1),
            rows: Area::new(x, y + 2, ruler, h),
            map: Area::new(x + ruler, y + 2, w, h),
            marks: Area::new(x + ruler, y + 2 + h, w, 1),
        }
    }
}

impl ExplorerLayout {
    /// The map and its rulers.
    pub fn frame(&self) -> MapPlaces {
        MapPlaces {
            title: Area::default(),
            columns: self.columns,
            rows: self.rows,
            map: self.map,
            marks: self.marks,
        }
    }
}

/// The places of two runs side by side: three maps, or one at a time where the
/// screen is small.
///
/// ```text
/// top                                   top
/// A        B        A x B               pane in focus    A
/// map      map      map                 map              layer of A
/// layer of A     layer of B                              B
/// scale, read-out, keys                 scale ...        layer of B
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompareLayout {
    /// Program, runs, device.
    pub top: Area,
    /// A, B and the third map; all the same place on small screens.
    pub panes: [MapPlaces; 3],
    /// True if only the pane in focus is shown.
    pub single: bool,
    /// The layers under the cursor, of A and of B.
    pub layers: [Area; 2],
    /// Scale, view, link.
    pub legend: Area,
    /// The cell under the cursor; also messages.
    pub readout: Area,
    /// Keys.
    pub hints: Area,
}

/// Columns of the rulers beside the maps.
const COMPARE_RULER: u16 = 4;
/// Rows kept for the layers below three maps.
const LAYER_ROWS: u16 = 8;

impl CompareLayout {
    /// Lays out `w x h` cells (at least [`MIN_SIZE`]; less gives empty areas).
    pub fn new((w, h): (u16, u16)) -> CompareLayout {
        let line =
            |from_below: u16| Area::new(1, h.saturating_sub(from_below), w.saturating_sub(2), 1);
        let single = w < 100 || h < 28;
        let air = u16::from(h >= 30);
        let above = 1 + air;
        // title, ruler, marks; scale, read-out, keys
        let room = h.saturating_sub(above + 6);
        let (panes, layers) = if single {
            let most = w.saturating_sub(COMPARE_RULER + 1);
            // a map as wide as it is high, if the layers fit beside it
            let beside = most >= 2 * room + 24;
            let map_w = if beside { 2 * room } else { most };
            let pane = MapPlaces::new((0, above), COMPARE_RULER, (map_w, room));
            let x = COMPARE_RULER + map_w + 2;
            let area = if beside {
                Area::new(x, above, w.saturating_sub(x + 1), room + 2)
            } else {
                Area::default()
            };
            let half = area.h / 2;
            let layers =
                [Area { h: half, ..area }, Area { y: area.y + half, h: area.h - half, ..area }];
            ([pane; 3], layers)
        } else {
            let each = (w - 2) / 3;
            let map_w = (each - COMPARE_RULER - 1).min(2 * room.saturating_sub(LAYER_ROWS));
            let map_h = map_w.div_ceil(2);
            let places = |i: u16| MapPlaces::new((i * each, above), COMPARE_RULER, (map_w, map_h));
            let y = above + 3 + map_h;
            let half = (w - 2) / 2;
            let rows = h.saturating_sub(y + 3);
            let layer = |i: u16| Area::new(1 + i * (half + 1), y, half - 1, rows);
            ([places(0), places(1), places(2)], [layer(0), layer(1)])
        };
        CompareLayout {
            top: Area::new(0, 0, w, 1),
            panes,
            single,
            layers,
            legend: line(3),
            readout: line(2),
            hints: line(1),
        }
    }

    /// Cells of each map.
    pub fn map_cells(&self) -> (u16, u16) {
        (self.panes[0].map.w, self.panes[0].map.h)
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
                    let _ = CompareLayout::new((w, h));
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
                let s = ExplorerLayout::with_strip((w, h));
                assert!(s.pane == e.pane && s.marks == e.marks && s.readout == e.readout);
                if let Some(strip) = s.strip {
                    for a in [strip.title, strip.scale, strip.bars, s.columns, s.rows, s.map] {
                        assert!(inside(a), "{w}x{h} {a:?}");
                    }
                    assert_eq!((strip.bars.x, strip.bars.w), (s.map.x, s.map.w));
                    assert_eq!(strip.bars.y + strip.bars.h, s.columns.y, "it stands on the ruler");
                    assert!(s.map.h >= STRIP_LEAVES && s.map.h + strip.cost == e.map.h);
                    let pane = s.pane.map_or(w, |pane| pane.x);
                    assert!(strip.title.y >= 1 && strip.title.x + strip.title.w < pane);
                } else {
                    assert_eq!(s, e);
                }
                let c = CompareLayout::new((w, h));
                for p in c.panes {
                    for a in [p.title, p.columns, p.rows, p.map, p.marks] {
                        assert!(inside(a), "{w}x{h} {a:?}");
                    }
                    assert!(p.map.h >= 4 && p.map.w >= 8 && p.marks.y < c.legend.y, "{w}x{h}");
                }
                for a in [c.top, c.layers[0], c.layers[1], c.legend, c.readout, c.hints] {
                    assert!(inside(a), "{w}x{h} {a:?}");
                }
                assert!(c.layers.iter().all(|a| a.y + a.h <= c.legend.y), "{w}x{h}");
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
        // a strip costs a fifth of the rows at most
        assert_eq!(ExplorerLayout::with_strip((120, 40)).map.h, 30);
        assert_eq!(ExplorerLayout::with_strip((80, 24)).map.h, 15);
        assert!(ExplorerLayout::with_strip((80, 16)).strip.is_none());
    }
}
