//! Bytes from the terminal to inputs: keys, mouse, pasted text.
//!
//! Our own, because crossterm 0.29 watches the terminal and `SIGWINCH` in one
//! edge-triggered poll: a key that arrives with a resize stays unread until the
//! next key, and a closed terminal makes it spin (crossterm-rs/crossterm#793).
//! Pure and total: any bytes give some inputs, unknown sequences give none.

use crate::app::{Input, Key, KeyCode};

const ESC: u8 = 0x1b;
/// Longer sequences are dropped.
const MAX_SEQUENCE: usize = 64;
/// Longer pastes are cut.
const MAX_PASTE: usize = 1 << 16;
const PASTE_END: &[u8] = b"\x1b[201~";

/// Collects bytes until they are whole sequences.
#[derive(Debug, Default)]
pub struct Parser {
    pending: Vec<u8>,
    shown: usize,
}

/// What a terminal answers to a request for its status.
const STATUS: [&[u8]; 2] = [b"\x1b[0n", b"\x1b[3n"];

/// What the start of the pending bytes is.
enum Step {
    /// Not whole yet.
    Need,
    /// So many bytes, and what they mean.
    Took(usize, Option<Input>),
}

impl Parser {
    /// True if an unfinished sequence waits for more. A lone escape is one.
    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Answers to a request for the status since this was asked last.
    pub fn take_answers(&mut self) -> usize {
        std::mem::take(&mut self.shown)
    }

    /// Takes bytes and appends the inputs that are complete.
    pub fn feed(&mut self, bytes: &[u8], inputs: &mut Vec<Input>) {
        self.pending.extend_from_slice(bytes);
        self.drain(inputs);
    }

    /// Nothing more is coming: an unfinished sequence is what it looks like, an
    /// escape key and characters.
    pub fn flush(&mut self, inputs: &mut Vec<Input>) {
        while let Some(first) = self.pending.first().copied() {
            match (first, self.pending.get(1).copied()) {
                (ESC, Some(b'P')) if is_report(&self.pending[2..]) && self.pending.len() > 2 => {
                    self.pending.clear();
                }
                (ESC, Some(c @ (b'[' | b'O' | b'P'))) if self.pending.len() == 2 => {
                    inputs.push(key(KeyCode::Char(char::from(c)), false, true));
                    self.pending.clear();
                }
                (ESC, _) => {
                    inputs.push(key(KeyCode::Esc, false, false));
                    self.pending.remove(0);
                }
                // the start of a character that never came
                _ => {
                    self.pending.remove(0);
                }
            }
            self.drain(inputs);
        }
    }

    fn drain(&mut self, inputs: &mut Vec<Input>) {
        let mut at = 0;
        while let Some(rest) = self.pending.get(at..).filter(|rest| !rest.is_empty()) {
            match step(rest) {
                Step::Need => break,
                Step::Took(n, input) => {
                    self.shown += usize::from(STATUS.iter().any(|s| rest.get(..n) == Some(*s)));
                    at += n.max(1);
                    inputs.extend(input);
                }
            }
        }
        self.pending.drain(..at.min(self.pending.len()));
    }
}

fn key(code: KeyCode, ctrl: bool, alt: bool) -> Input {
    Input::Key(Key { code, ctrl, alt })
}

fn plain(n: usize, code: KeyCode) -> Step {
    Step::Took(n, Some(key(code, false, false)))
}

fn step(bytes: &[u8]) -> Step {
    match bytes {
        [ESC] => Step::Need,
        [ESC, ESC, ..] => plain(1, KeyCode::Esc),
        [ESC, b'[', rest @ ..] => control_sequence(bytes, rest),
        [ESC, b'P'] => Step::Need,
        [ESC, b'P', rest @ ..] if is_report(rest) => report(bytes),
        [ESC, b'O'] => Step::Need,
        [ESC, b'O', last, ..] => match letter(*last) {
            Some(code) => plain(3, code),
            None => Step::Took(3, None),
        },
        // a modifier in front of an ordinary key
        [ESC, rest @ ..] => match step(rest) {
            Step::Took(n, Some(Input::Key(k))) => {
                Step::Took(n + 1, Some(Input::Key(Key { alt: true, ..k })))
            }
            Step::Took(n, other) => Step::Took(n + 1, other),
            Step::Need => Step::Need,
        },
        [b'\r', ..] => plain(1, KeyCode::Enter),
        [b'\t', ..] => plain(1, KeyCode::Tab),
        [0x7f | 0x08, ..] => plain(1, KeyCode::Backspace),
        [0, ..] => Step::Took(1, Some(key(KeyCode::Char(' '), true, false))),
        [c @ 1..=26, ..] => {
            Step::Took(1, Some(key(KeyCode::Char(char::from(b'a' + c - 1)), true, false)))
        }
        [c @ 28..=31, ..] => {
            Step::Took(1, Some(key(KeyCode::Char(char::from(c + 64)), true, false)))
        }
        _ => character(bytes),
    }
}

/// One character in UTF-8; bytes that are none are dropped.
fn character(bytes: &[u8]) -> Step {
    let len = match bytes.first() {
        Some(0..=0x7f) => 1,
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return Step::Took(1, None),
    };
    let broken = bytes.iter().skip(1).take(len - 1).any(|b| !(0x80..0xc0).contains(b));
    match bytes.get(..len).map(std::str::from_utf8) {
        _ if broken => Step::Took(1, None),
        None => Step::Need,
        Some(Ok(text)) => match text.chars().next() {
            Some(c) if !c.is_control() => plain(len, KeyCode::Char(c)),
            _ => Step::Took(len, None),
        },
        Some(Err(_)) => Step::Took(1, None),
    }
}

/// `ESC [ parameters final`; `rest` is what follows the bracket.
fn control_sequence(bytes: &[u8], rest: &[u8]) -> Step {
    // the Linux console's F1 to F5
    if let [b'[', tail @ ..] = rest {
        return match tail.first() {
            None => Step::Need,
            Some(c @ b'A'..=b'E') => plain(4, KeyCode::F(c - b'A' + 1)),
            Some(_) => Step::Took(4, None),
        };
    }
    let Some(end) = rest.iter().position(|b| !(0x20..=0x3f).contains(b)) else {
        return if rest.len() > MAX_SEQUENCE { Step::Took(bytes.len(), None) } else { Step::Need };
    };
    let (parameters, last, n) = (&rest[..end], rest[end], end + 3);
    if !(0x40..=0x7e).contains(&last) {
        // broken off by something else, which is read on its own
        return Step::Took(n - 1, None);
    }
    let numbers: Vec<u16> = parameters
        .split(|b| *b == b';')
        .map(|p| p.iter().filter(|b| b.is_ascii_digit()).fold(0u16, add_digit))
        .collect();
    let number = |i: usize| numbers.get(i).copied().unwrap_or(0);
    if parameters.first() == Some(&b'<') {
        return Step::Took(n, mouse(number(0), number(1), number(2), last));
    }
    if (last, number(0)) == (b'~', 200) {
        return paste(bytes, n);
    }
    let modifiers = number(1).saturating_sub(1);
    let code = match last {
        b'~' => tilde(number(0)),
        b'Z' => Some(KeyCode::BackTab),
        b'u' => char::from_u32(number(0).into()).and_then(unicode),
        other => letter(other),
    };
    let (ctrl, alt) = (modifiers & 4 != 0, modifiers & 2 != 0);
    Step::Took(n, code.map(|code| key(code, ctrl, alt)))
}

/// True if what follows `ESC P` is (the start of) a report of settings, which
/// comes late when the terminal was asked over a slow link.
fn is_report(rest: &[u8]) -> bool {
    let form: [&[u8]; 3] = [b"01", b"$", b"r"];
    rest.iter().zip(form).all(|(byte, known)| known.contains(byte))
}

/// A report, up to the string terminator; it is no key.
fn report(bytes: &[u8]) -> Step {
    match bytes.windows(2).position(|w| w == b"\x1b\\") {
        Some(end) => Step::Took(end + 2, None),
        None if bytes.len() > MAX_SEQUENCE => Step::Took(bytes.len(), None),
        None => Step::Need,
    }
}

fn add_digit(sum: u16, digit: &u8) -> u16 {
    sum.saturating_mul(10).saturating_add(u16::from(digit - b'0'))
}

fn letter(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'M' => KeyCode::Enter,
        b'P'..=b'S' => KeyCode::F(last - b'P' + 1),
        _ => return None,
    })
}

fn tilde(number: u16) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23 | 24 => KeyCode::F(number as u8 - 12),
        _ => return None,
    })
}

/// Keys that a terminal with extended keys sends by code point.
fn unicode(c: char) -> Option<KeyCode> {
    Some(match c {
        '\u{1b}' => KeyCode::Esc,
        '\r' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\u{7f}' => KeyCode::Backspace,
        c if c.is_control() => return None,
        c => KeyCode::Char(c),
    })
}

/// An SGR mouse report; cells count from 1.
fn mouse(button: u16, x: u16, y: u16, last: u8) -> Option<Input> {
    let (x, y) = (x.checked_sub(1)?, y.checked_sub(1)?);
    // without shift, alt and control
    match (button & !28, last) {
        (0, b'M') => Some(Input::Click(x, y)),
        (32, b'M') => Some(Input::Drag(x, y)),
        (35, b'M') => Some(Input::Hover(x, y)),
        (64, b'M') => Some(Input::Wheel(x, y, true)),
        (65, b'M') => Some(Input::Wheel(x, y, false)),
        _ => None,
    }
}

/// Pasted text between its marks; `from` is where it starts.
fn paste(bytes: &[u8], from: usize) -> Step {
    let text = &bytes[from..];
    match text.windows(PASTE_END.len()).position(|w| w == PASTE_END) {
        Some(end) => {
            let text = String::from_utf8_lossy(&text[..end]).into_owned();
            Step::Took(from + end + PASTE_END.len(), Some(Input::Paste(text)))
        }
        None if text.len() > MAX_PASTE => Step::Took(bytes.len(), None),
        None => Step::Need,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Inputs as text: keys as in key maps.
    fn parse(chunks: &[&[u8]]) -> Vec<String> {
        let mut parser = Parser::default();
        let mut inputs = Vec::new();
        for chunk in chunks {
            parser.feed(chunk, &mut inputs);
        }
        parser.flush(&mut inputs);
        assert!(!parser.is_pending());
        let text = |input: Input| match input {
            Input::Key(key) => key.to_string(),
            other => format!("{other:?}"),
        };
        inputs.into_iter().map(text).collect()
    }

    #[test]
    fn keys() {
        assert_eq!(
            parse(&[b"jG5 \r\t\x7f"]),
            ["j", "G", "5", "Space", "Enter", "Tab", "Backspace"]
        );
        assert_eq!(parse(&["é日".as_bytes()]), ["é", "日"]);
        assert_eq!(parse(&[b"\x04\x15\x03\x1a\x0c"]), ["C-d", "C-u", "C-c", "C-z", "C-l"]);
        assert_eq!(
            parse(&[b"\x1b[A\x1bOB\x1b[1;5C\x1b[H\x1bOF"]),
            ["Up", "Down", "C-Right", "Home", "End"]
        );
        assert_eq!(
            parse(&[b"\x1b[5~\x1b[6;3~\x1b[3~\x1b[Z"]),
            ["PageUp", "A-PageDown", "Delete", "S-Tab"]
        );
        assert_eq!(parse(&[b"\x1bOP\x1b[15~\x1b[24~\x1b[[B"]), ["F1", "F5", "F12", "F2"]);
        assert_eq!(parse(&[b"\x1bx\x1b\x04"]), ["A-x", "C-A-d"]);
        assert_eq!(parse(&[b"\x1b[27u\x1b[100;5u"]), ["Esc", "C-d"]);
    }

    #[test]
    fn escape_alone_is_a_key_only_when_nothing_follows() {
        assert_eq!(parse(&[b"\x1b"]), ["Esc"]);
        assert_eq!(parse(&[b"\x1b\x1b"]), ["Esc", "Esc"]);
        assert_eq!(parse(&[b"\x1b", b"[A"]), ["Up"], "a sequence may arrive in pieces");
        assert_eq!(parse(&[b"\xc3", b"\xa9"]), ["é"]);
        assert_eq!(parse(&[b"\x1b["]), ["A-["]);
        assert_eq!(parse(&[b"\x1bO"]), ["A-O"]);
        assert_eq!(parse(&[b"\x1bP"]), ["A-P"]);
        assert_eq!(parse(&[b"\x1bPj"]), ["A-P", "j"]);
    }

    #[test]
    fn mouse_paste_and_noise() {
        assert_eq!(parse(&[b"\x1b[<0;11;4M\x1b[<0;11;4m"]), ["Click(10, 3)"]);
        assert_eq!(
            parse(&[b"\x1b[<64;1;1M\x1b[<65;2;1M"]),
            ["Wheel(0, 0, true)", "Wheel(1, 0, false)"]
        );
        assert_eq!(
            parse(&[b"\x1b[<32;3;4M\x1b[<35;5;6M\x1b[<33;1;1M"]),
            ["Drag(2, 3)", "Hover(4, 5)"]
        );
        assert_eq!(parse(&[b"\x1b[200~a\rb\x1b[2", b"01~q"]), ["Paste(\"a\\rb\")", "q"]);
        assert_eq!(parse(&[b"\x1b[I\x1b[?1;2cj"]), ["j"], "reports are not keys");
        let late: &[u8] = b"\x1bP1$r0;48:2:1:2:3m\x1b\\\x1b[?62;22cj";
        assert_eq!(parse(&[late]), ["j"]);
        for cut in 1..late.len() {
            assert_eq!(parse(&[&late[..cut], &late[cut..]]), ["j"], "{cut}");
        }
        assert!(parse(&[b"\x1bP1$r0;48:2"]).is_empty(), "cut off for good");
        assert_eq!(parse(&[b"\x1b[<0;0;0M\x80\xffj\x1b[99999999999~k"]), ["j", "k"]);
    }

    #[test]
    fn answers_are_counted_and_are_no_keys() {
        let mut parser = Parser::default();
        let mut inputs = Vec::new();
        for part in [&b"j\x1b[0"[..], b"n\x1b[0n\x1b[1nk"] {
            parser.feed(part, &mut inputs);
        }
        assert_eq!((parser.take_answers(), inputs.len()), (2, 2));
        assert_eq!(parser.take_answers(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_mean_the_same(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(ESC), Just(b'['), 0x30u8..0x3c], 0..80),
            cut in 0usize..80,
        ) {
            let cut = cut.min(bytes.len());
            prop_assert_eq!(parse(&[&bytes]), parse(&[&bytes[..cut], &bytes[cut..]]));
        }
    }
}
