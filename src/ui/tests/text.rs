//! A screen as plain text: what it says, glyph by glyph, and nothing about colours.

use ratatui::buffer::Buffer;

use super::super::pen::width;

/// Equal glyphs beyond ASCII that are written one by one at most.
const RUN: usize = 8;

/// The rows of a screen without blanks at their ends. A long run of one glyph beyond
/// ASCII, as maps and lines are made of, is its number and the glyph: `⟨34▀⟩`.
pub fn text(screen: &Buffer) -> String {
    let area = screen.area;
    let mut out = String::new();
    for y in 0..area.height {
        let mut row: Vec<(&str, usize)> = Vec::new();
        let mut x = 0;
        while x < area.width {
            let symbol = screen[(x, y)].symbol();
            match row.last_mut() {
                Some((last, count)) if *last == symbol => *count += 1,
                _ => row.push((symbol, 1)),
            }
            x += width(symbol).max(1) as u16;
        }
        let written = row.into_iter().map(|(symbol, count)| match symbol.is_ascii() {
            false if count > RUN => format!("⟨{count}{symbol}⟩"),
            _ => symbol.repeat(count),
        });
        out.push_str(written.collect::<String>().trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn runs_are_counted_and_everything_else_is_as_it_is() {
    let long = "─".repeat(12);
    let lines = ["a  ▀▀▀ b      ", "日本=========  ", &format!("x{long}y")];
    let shown = text(&Buffer::with_lines(lines));
    assert_eq!(shown, "a  ▀▀▀ b\n日本=========\nx⟨12─⟩y\n");
}
