//! Cells that stand for a part of a picture in real pixels, for terminals with kitty's
//! graphics protocol (its Unicode placeholders, which any multiplexer passes on as text).
//! What is drawn says which picture it is and which part of it; the terminal's own code
//! gives pictures numbers and sends them. Knows no bytes.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// The character that kitty reserves for a cell of a picture.
pub const PLACEHOLDER: char = '\u{10EEEE}';

/// The marks that number rows and columns, the first of those in the protocol's list.
const MARKS: [char; 136] = [
    '\u{305}', '\u{30d}', '\u{30e}', '\u{310}', '\u{312}', '\u{33d}', '\u{33e}', '\u{33f}',
    '\u{346}', '\u{34a}', '\u{34b}', '\u{34c}', '\u{350}', '\u{351}', '\u{352}', '\u{357}',
    '\u{35b}', '\u{363}', '\u{364}', '\u{365}', '\u{366}', '\u{367}', '\u{368}', '\u{369}',
    '\u{36a}', '\u{36b}', '\u{36c}', '\u{36d}', '\u{36e}', '\u{36f}', '\u{483}', '\u{484}',
    '\u{485}', '\u{486}', '\u{487}', '\u{592}', '\u{593}', '\u{594}', '\u{595}', '\u{597}',
    '\u{598}', '\u{599}', '\u{59c}', '\u{59d}', '\u{59e}', '\u{59f}', '\u{5a0}', '\u{5a1}',
    '\u{5a8}', '\u{5a9}', '\u{5ab}', '\u{5ac}', '\u{5af}', '\u{5c4}', '\u{610}', '\u{611}',
    '\u{612}', '\u{613}', '\u{614}', '\u{615}', '\u{616}', '\u{617}', '\u{657}', '\u{658}',
    '\u{659}', '\u{65a}', '\u{65b}', '\u{65d}', '\u{65e}', '\u{6d6}', '\u{6d7}', '\u{6d8}',
    '\u{6d9}', '\u{6da}', '\u{6db}', '\u{6dc}', '\u{6df}', '\u{6e0}', '\u{6e1}', '\u{6e2}',
    '\u{6e4}', '\u{6e7}', '\u{6e8}', '\u{6eb}', '\u{6ec}', '\u{730}', '\u{732}', '\u{733}',
    '\u{735}', '\u{736}', '\u{73a}', '\u{73d}', '\u{73f}', '\u{740}', '\u{741}', '\u{743}',
    '\u{745}', '\u{747}', '\u{749}', '\u{74a}', '\u{7eb}', '\u{7ec}', '\u{7ed}', '\u{7ee}',
    '\u{7ef}', '\u{7f0}', '\u{7f1}', '\u{7f3}', '\u{816}', '\u{817}', '\u{818}', '\u{819}',
    '\u{81b}', '\u{81c}', '\u{81d}', '\u{81e}', '\u{81f}', '\u{820}', '\u{821}', '\u{822}',
    '\u{823}', '\u{825}', '\u{826}', '\u{827}', '\u{829}', '\u{82a}', '\u{82b}', '\u{82c}',
    '\u{82d}', '\u{951}', '\u{953}', '\u{954}', '\u{f82}', '\u{f83}', '\u{f86}', '\u{f87}',
];

/// Most columns or rows of a picture.
pub const MOST: u16 = MARKS.len() as u16;

/// A cell of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The picture's serial number, of 24 bits.
    pub serial: u32,
    /// Columns and rows of the whole picture, at most [`MOST`] each.
    pub size: (u8, u8),
    /// Column and row of the cell in it.
    pub at: (u8, u8),
}

impl Part {
    /// Makes a cell stand for the part. Colours carry the numbers until the terminal's code
    /// has given the picture its own.
    pub fn put(self, cell: &mut Cell) {
        let [_, a, b, c] = self.serial.to_be_bytes();
        cell.set_symbol(&symbol(self.at));
        cell.fg = Color::Rgb(a, b, c);
        cell.bg = Color::Rgb(self.size.0, self.size.1, 0);
        cell.modifier = Modifier::empty();
    }

    /// The part that a cell stands for, if it was put there.
    pub fn of(cell: &Cell) -> Option<Part> {
        let mut chars = cell.symbol().chars();
        if chars.next() != Some(PLACEHOLDER) {
            return None;
        }
        let mut mark = || {
            let mark = chars.next()?;
            MARKS.iter().position(|m| *m == mark).map(|at| at as u8)
        };
        let (y, x) = (mark()?, mark()?);
        let (Color::Rgb(a, b, c), Color::Rgb(w, h, 0)) = (cell.fg, cell.bg) else { return None };
        Some(Part { serial: u32::from_be_bytes([0, a, b, c]), size: (w, h), at: (x, y) })
    }
}

/// The text of the cell in column and row `(x, y)` of a picture.
pub fn symbol((x, y): (u8, u8)) -> String {
    let mark = |at: u8| MARKS[usize::from(at).min(MARKS.len() - 1)];
    [PLACEHOLDER, mark(y), mark(x)].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_as_it_was_put_and_takes_one_column() {
        for part in [
            Part { serial: 0, size: (1, 1), at: (0, 0) },
            Part { serial: 0x00ab_cdef, size: (64, 64), at: (63, 5) },
            Part { serial: 7, size: (16, 8), at: (3, 7) },
        ] {
            let mut cell = Cell::default();
            part.put(&mut cell);
            assert_eq!(Part::of(&cell), Some(part));
            assert_eq!(ratatui::text::Span::raw(cell.symbol()).width(), 1);
        }
        assert_eq!(Part::of(&Cell::new("x")), None);
        assert!(MARKS.windows(2).all(|w| w[0] < w[1]), "the protocol's order is that of the codes");
    }
}
