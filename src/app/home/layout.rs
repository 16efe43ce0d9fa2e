//! Where things are on the screen of the list of runs. Pure arithmetic over cells.

use crate::app::layout::Area;

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
    use crate::app::layout::too_small;

    #[test]
    fn areas_stay_inside_the_screen_at_every_size() {
        for w in 0..220u16 {
            for h in 0..80u16 {
                let home = HomeLayout::new((w, h));
                if too_small((w, h)) {
                    // must not panic
                    continue;
                }
                let inside = |a: Area| a.x + a.w <= w && a.y + a.h <= h;
                for a in [home.top, home.header, home.list, home.message, home.hints] {
                    assert!(inside(a), "{w}x{h} {a:?}");
                }
                assert!(home.preview.is_none_or(inside) && home.list.h >= 3);
            }
        }
    }
}
