//! Where things are on the explorer's screen. Pure arithmetic over cells.

use crate::app::layout::{Area, MapPlaces};

/// Narrowest and widest pane beside the map.
const PANE: (u16, u16) = (30, 58);

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::layout::too_small;

    #[test]
    fn areas_stay_inside_the_screen_at_every_size() {
        for w in 0..220u16 {
            for h in 0..80u16 {
                let e = ExplorerLayout::new((w, h));
                if too_small((w, h)) {
                    // must not panic
                    continue;
                }
                let inside = |a: Area| a.x + a.w <= w && a.y + a.h <= h;
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
