//! Where things are on the screen of two runs. Pure arithmetic over cells.

use crate::app::layout::{Area, MapPlaces};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::layout::too_small;

    #[test]
    fn areas_stay_inside_the_screen_at_every_size() {
        for w in 0..220u16 {
            for h in 0..80u16 {
                let c = CompareLayout::new((w, h));
                if too_small((w, h)) {
                    // must not panic
                    continue;
                }
                let inside = |a: Area| a.x + a.w <= w && a.y + a.h <= h;
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
            }
        }
    }
}
