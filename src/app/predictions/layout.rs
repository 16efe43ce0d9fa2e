//! Where things are on the screen of predictions. Pure arithmetic over cells.

use crate::app::layout::Area;

/// The places of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PredictionsLayout {
    /// Program, data and device.
    pub top: Area,
    /// The runs with their groups.
    pub runs: Area,
    /// The names of the pages, one row.
    pub tabs: Area,
    /// The open page.
    pub page: Area,
    /// Messages, and what was left out.
    pub message: Area,
    /// Keys.
    pub hints: Area,
}

impl PredictionsLayout {
    /// Lays out `w x h` cells.
    pub fn new((w, h): (u16, u16)) -> PredictionsLayout {
        let air = u16::from(h >= 30);
        let above = 1 + air;
        let runs_w = if w >= 110 { 44 } else { 28 }.min(w / 2);
        let body = h.saturating_sub(above + 2);
        let x = runs_w + 3;
        let page_w = w.saturating_sub(x + 1);
        let line = |y: u16| Area::new(1, y, w.saturating_sub(2), 1);
        PredictionsLayout {
            top: Area::new(0, 0, w, 1),
            runs: Area::new(1, above, runs_w, body),
            tabs: Area::new(x, above, page_w, 1),
            page: Area::new(x, above + 1 + air, page_w, body.saturating_sub(1 + air)),
            message: line(h.saturating_sub(2)),
            hints: line(h.saturating_sub(1)),
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
                let p = PredictionsLayout::new((w, h));
                if too_small((w, h)) {
                    // must not panic
                    continue;
                }
                for a in [p.top, p.runs, p.tabs, p.page, p.message, p.hints] {
                    assert!(a.x + a.w <= w && a.y + a.h <= h, "{w}x{h} {a:?}");
                }
                assert!(p.page.y > p.tabs.y && p.page.y + p.page.h <= p.message.y, "{w}x{h}");
            }
        }
    }
}
