//! What is drawn in lines of hints stands where clicks are looked up.

use super::{buffer, full};
use crate::app::ColourDepth;
use crate::app::bottom;

#[test]
fn the_hints_stand_where_clicks_look_for_them() {
    for size in [(60, 20), (80, 24), (200, 60)] {
        for text in ["", "?", "?/zoom", ":", "\x1b", "D", "A", "x"] {
            let app = full(20, size, ColourDepth::Truecolor, text);
            let drawn = buffer(&app);
            let mut lines = vec![(bottom::parts(&app), size.1 - 1)];
            if let Some(help) = app.overlay.help() {
                let view = help.view(app.scope(), &app.keymap, size);
                lines.push((bottom::of_help(&app, help, &view), view.area.y));
            }
            for (parts, y) in lines {
                assert!(!parts.is_empty(), "{text:?}");
                for part in parts {
                    let cells = part.text.chars().zip(part.x..size.0 - 1);
                    for (c, x) in cells {
                        assert_eq!(drawn[(x, y)].symbol(), c.to_string(), "{part:?} {text:?}");
                    }
                }
            }
        }
    }
}
