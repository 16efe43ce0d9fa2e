//! Cells to bytes. A frame is collected and written once, between the marks of
//! a synchronized update; a frame in which nothing changed writes nothing.
//!
//! The encoder sends only what differs from the cell before: foreground and
//! background apart, the cursor moved by the shortest sequence, and a half
//! block whose halves are equal as a blank.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};
use ratatui::text::Span;

use crate::text::is_hidden;
use crate::ui::pixels::PLACEHOLDER;

/// Begin and end of a synchronized update (DEC mode 2026).
const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

/// Asks for the terminal's status; see [`FrameBackend::ask`].
const STATUS: &[u8] = b"\x1b[5n";

/// What has been written so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Frames that wrote something.
    pub frames: u64,
    /// Their bytes, marks included, and those of sequences beside them.
    pub bytes: u64,
}

/// A backend that writes a frame at [`FrameBackend::end_frame`] and never asks
/// the terminal anything. The tty cursor stays hidden.
#[derive(Debug)]
pub struct FrameBackend<W: Write> {
    writer: W,
    frame: Vec<u8>,
    size: Size,
    cells: usize,
    ask: bool,
    written: Written,
}

impl<W: Write> FrameBackend<W> {
    /// A backend for a screen of `(columns, rows)`.
    pub fn new(writer: W, (width, height): (u16, u16)) -> FrameBackend<W> {
        FrameBackend {
            writer,
            frame: Vec::with_capacity(1 << 16),
            size: Size { width, height },
            cells: 0,
            ask: false,
            written: Written::default(),
        }
    }

    /// Follows the terminal's size; the next draw repaints.
    pub fn set_size(&mut self, (width, height): (u16, u16)) {
        self.size = Size { width, height };
    }

    /// Whether a frame ends with a request for the terminal's status, which it
    /// answers when it has come to it.
    pub fn ask(&mut self, ask: bool) {
        self.ask = ask;
    }

    /// Writes what was drawn since the last frame, in one write; returns the
    /// number of bytes, 0 if nothing changed.
    ///
    /// # Errors
    /// Those of the writer; the frame is dropped then.
    pub fn end_frame(&mut self) -> io::Result<usize> {
        if self.frame.is_empty() {
            return Ok(0);
        }
        self.frame.extend_from_slice(END);
        if self.ask {
            self.frame.extend_from_slice(STATUS);
        }
        let result = self.writer.write_all(&self.frame).and_then(|()| self.writer.flush());
        let bytes = self.frame.len();
        self.frame.clear();
        result?;
        self.written.frames += 1;
        self.written.bytes += bytes as u64;
        Ok(bytes)
    }

    /// Adds a sequence to the frame that is being drawn.
    pub fn attach(&mut self, sequence: &[u8]) {
        if !sequence.is_empty() {
            self.open().extend_from_slice(sequence);
        }
    }

    /// Writes a sequence at once, beside any frame.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn send(&mut self, sequence: &[u8]) -> io::Result<()> {
        self.writer.write_all(sequence).and_then(|()| self.writer.flush())?;
        self.written.bytes += sequence.len() as u64;
        Ok(())
    }

    /// Cells drawn since this was asked last.
    pub fn take_cells(&mut self) -> usize {
        std::mem::take(&mut self.cells)
    }

    /// Counters since the start.
    pub fn written(&self) -> Written {
        self.written
    }

    /// The writer.
    pub fn writer(&self) -> &W {
        &self.writer
    }

    fn open(&mut self) -> &mut Vec<u8> {
        if self.frame.is_empty() {
            self.frame.extend_from_slice(BEGIN);
        }
        &mut self.frame
    }
}

impl<W: Write> Backend for FrameBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_some() {
            let mut cells = 0;
            encode(self.open(), content.inspect(|_| cells += 1));
            self.cells += cells;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, _: P) -> io::Result<()> {
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.open().extend_from_slice(b"\x1b[0m\x1b[2J");
        Ok(())
    }

    fn clear_region(&mut self, _: ClearType) -> io::Result<()> {
        // the screen is ours as a whole
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        // see end_frame
        Ok(())
    }
}

/// Graphic state of the terminal while a frame is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

const PLAIN: Pen = Pen { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

/// Appends the bytes that show `cells` (in reading order). Begins and ends with
/// the terminal's default attributes.
pub fn encode<'a>(out: &mut Vec<u8>, cells: impl Iterator<Item = (u16, u16, &'a Cell)>) {
    let mut pen = PLAIN;
    // where the terminal's cursor is, if that is certain
    let mut at: Option<(u16, u16)> = None;
    // the columns behind a wide symbol, which belong to it
    let mut covered = (0, 0..0);
    for (x, y, cell) in cells {
        if covered.0 == y && covered.1.contains(&x) {
            continue;
        }
        go_to(out, at, (x, y));
        let mut symbol = cell.symbol();
        let mut want = Pen { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
        // equal halves are a blank, and of a blank only the background shows
        let halves = symbol == "▀" && want.fg == want.bg && want.fg != Color::Reset;
        let visible = Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT;
        if (halves || symbol == " ") && !want.modifier.intersects(visible) {
            symbol = " ";
            want.fg = pen.fg;
            if !pen.modifier.intersects(visible) {
                want.modifier = pen.modifier;
            }
        }
        set(out, &mut pen, want);
        let plain = plain(symbol);
        let part = symbol.starts_with(PLACEHOLDER);
        if plain.len() < symbol.len() || !part && plain.chars().nth(1).is_some() {
            // terminals differ in how many columns it takes: leave none unwritten
            let columns = Span::raw(symbol).width().max(1);
            out.extend(std::iter::repeat_n(b' ', columns));
            go_to(out, None, (x, y));
            covered = (y, x..x.saturating_add(columns as u16));
        }
        out.extend_from_slice(plain.as_bytes());
        at = advance(symbol).and_then(|columns| Some((x.checked_add(columns)?, y)));
    }
    if pen != PLAIN {
        out.extend_from_slice(b"\x1b[0m");
    }
}

/// The part of a symbol that terminals agree about: the first of several joined
/// characters, with its marks. `👩‍🔬` is two columns here and four in many terminals. What
/// would steer the terminal ends here, wherever it comes from.
pub(super) fn plain(symbol: &str) -> &str {
    let tone = |c: char| matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
    match symbol.char_indices().find(|(at, c)| is_hidden(*c) || *at > 0 && tone(*c)) {
        Some((0, _)) => "\u{fffd}",
        Some((at, _)) => &symbol[..at],
        None => symbol,
    }
}

/// Columns by which the terminal's cursor moves, if that is beyond doubt.
fn advance(symbol: &str) -> Option<u16> {
    let mut chars = symbol.chars();
    match (chars.next(), chars.next()) {
        // a part of a picture, with or without its marks
        (Some(PLACEHOLDER), _) => Some(1),
        // box drawing, blocks and geometric shapes, as ratatui counts them
        (Some(' '..='~' | '\u{2500}'..='\u{25ff}'), None) => Some(1),
        (Some(c), None) if c.is_alphanumeric() && Span::raw(symbol).width() == 1 => Some(1),
        _ => None,
    }
}

fn go_to(out: &mut Vec<u8>, from: Option<(u16, u16)>, (x, y): (u16, u16)) {
    match from {
        Some(at) if at == (x, y) => {}
        Some((from, row)) if row == y && from < x => csi(out, &[x - from], b'C'),
        _ if x == 0 => csi(out, &[y + 1], b'H'),
        _ => csi(out, &[y + 1, x + 1], b'H'),
    }
}

fn csi(out: &mut Vec<u8>, parameters: &[u16], last: u8) {
    out.extend_from_slice(b"\x1b[");
    // 1 is what a single missing parameter means
    if parameters != [1] {
        for (i, p) in parameters.iter().enumerate() {
            if i > 0 {
                out.push(b';');
            }
            number(out, *p);
        }
    }
    out.push(last);
}

fn number(out: &mut Vec<u8>, n: u16) {
    let mut digits = [0u8; 5];
    let mut at = digits.len();
    let mut n = n;
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Changes attributes with one sequence.
fn set(out: &mut Vec<u8>, pen: &mut Pen, want: Pen) {
    if *pen == want {
        return;
    }
    out.extend_from_slice(b"\x1b[");
    let start = out.len();
    if pen.modifier != want.modifier {
        if !pen.modifier.is_empty() || want == PLAIN {
            push(out, start, &[0]);
            *pen = PLAIN;
        }
        for (modifier, code) in ATTRIBUTES {
            if want.modifier.contains(modifier) {
                push(out, start, &[code]);
            }
        }
    }
    if pen.fg != want.fg {
        colour(out, start, want.fg, 30);
    }
    if pen.bg != want.bg {
        colour(out, start, want.bg, 40);
    }
    out.push(b'm');
    *pen = want;
}

const ATTRIBUTES: [(Modifier, u16); 8] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

fn push(out: &mut Vec<u8>, start: usize, codes: &[u16]) {
    for code in codes {
        if out.len() > start {
            out.push(b';');
        }
        number(out, *code);
    }
}

/// The parameters of a colour; `base` is 30 for the foreground, 40 for the
/// background.
fn colour(out: &mut Vec<u8>, start: usize, colour: Color, base: u16) {
    let named = |n: u16| if n < 8 { base + n } else { base + 60 + n - 8 };
    match colour {
        Color::Reset => push(out, start, &[base + 9]),
        Color::Rgb(r, g, b) => push(out, start, &[base + 8, 2, r.into(), g.into(), b.into()]),
        Color::Indexed(n) => push(out, start, &[base + 8, 5, n.into()]),
        Color::Black => push(out, start, &[named(0)]),
        Color::Red => push(out, start, &[named(1)]),
        Color::Green => push(out, start, &[named(2)]),
        Color::Yellow => push(out, start, &[named(3)]),
        Color::Blue => push(out, start, &[named(4)]),
        Color::Magenta => push(out, start, &[named(5)]),
        Color::Cyan => push(out, start, &[named(6)]),
        Color::Gray => push(out, start, &[named(7)]),
        Color::DarkGray => push(out, start, &[named(8)]),
        Color::LightRed => push(out, start, &[named(9)]),
        Color::LightGreen => push(out, start, &[named(10)]),
        Color::LightYellow => push(out, start, &[named(11)]),
        Color::LightBlue => push(out, start, &[named(12)]),
        Color::LightMagenta => push(out, start, &[named(13)]),
        Color::LightCyan => push(out, start, &[named(14)]),
        Color::White => push(out, start, &[named(15)]),
    }
}
