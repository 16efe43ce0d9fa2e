//! What the start of some bytes means: a key, a mouse report, an answer, the start of
//! a text with an end of its own. Knows neither time nor what came before.

use super::enclosed::Kind;
use crate::app::{Input, Key, KeyCode};

pub const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
/// Of longer control sequences nothing is kept.
const MAX_SEQUENCE: usize = 256;
/// What opens a string after an escape: DCS, OSC, APC, PM, SOS.
const STRINGS: [u8; 5] = [b'P', b']', b'_', b'^', b'X'];

/// True if a sequence may begin with an escape and this.
pub fn opens(byte: u8) -> bool {
    matches!(byte, b'[' | b'O') || STRINGS.contains(&byte)
}

/// What the start of the bytes is.
pub enum Step {
    /// Not whole yet.
    Need,
    /// So many bytes, and what they mean.
    Took(usize, Option<Input>),
    /// So many bytes begin a text that has an end of its own.
    Opens(usize, Kind),
    /// No rest of a sequence: the guess that the escape before was a key holds.
    Not,
}

/// A C1 control of 8 bits (or as the character of that number) that opens a sequence:
/// its length, and what stands for it after an escape. No character in UTF-8 begins
/// with such a byte.
pub fn c1(bytes: &[u8]) -> Option<(usize, u8)> {
    let (length, control) = match bytes {
        [0xc2, control, ..] => (2, *control),
        [control, ..] => (1, *control),
        [] => return None,
    };
    matches!(control, 0x90 | 0x98 | 0x9b | 0x9d..=0x9f).then(|| (length, control - 0x40))
}

fn key(code: KeyCode, ctrl: bool, alt: bool) -> Input {
    Input::Key(Key { code, ctrl, alt })
}

fn plain(n: usize, code: KeyCode) -> Step {
    Step::Took(n, Some(key(code, false, false)))
}

/// What the start of `bytes` is. With `regret` the escape at its start was taken for
/// a key already (or was of 8 bits): only what cannot have been typed is a sequence.
pub fn step(bytes: &[u8], regret: bool) -> Step {
    match bytes {
        [ESC] => Step::Need,
        [ESC, b'[', rest @ ..] => control_sequence(rest, regret),
        [ESC, b'O'] => Step::Need,
        [ESC, b'O', last, ..] => match letter(*last) {
            Some(code) => plain(3, code),
            None if regret => Step::Not,
            None => Step::Took(3, None),
        },
        [ESC, opener, rest @ ..] if STRINGS.contains(opener) => {
            match is_string(*opener, rest, regret) {
                Some(true) => Step::Opens(2, Kind::String),
                None => Step::Need,
                Some(false) if regret => Step::Not,
                Some(false) => with_alt(step(&bytes[1..], false)),
            }
        }
        [ESC, ..] if regret => Step::Not,
        [ESC, ESC, ..] => plain(1, KeyCode::Esc),
        [ESC, rest @ ..] if c1(rest).is_some() => plain(1, KeyCode::Esc),
        // a modifier in front of an ordinary key
        [ESC, rest @ ..] => with_alt(step(rest, false)),
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

/// What follows an escape as a key with Alt.
fn with_alt(step: Step) -> Step {
    match step {
        Step::Took(n, Some(Input::Key(k))) => {
            Step::Took(n + 1, Some(Input::Key(Key { alt: true, ..k })))
        }
        Step::Took(n, other) => Step::Took(n + 1, other),
        other => other,
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
    // a part of a character goes whole, so that its rest is taken for nothing else
    let part = bytes.iter().skip(1).take_while(|b| (0x80..0xc0).contains(*b)).count() + 1;
    match bytes.get(..len).map(std::str::from_utf8) {
        _ if part < len.min(bytes.len()) => Step::Took(part, None),
        None => Step::Need,
        Some(Ok(text)) => match text.chars().next() {
            Some(c) if !c.is_control() => plain(len, KeyCode::Char(c)),
            _ => Step::Took(len, None),
        },
        Some(Err(_)) => Step::Took(len, None),
    }
}

/// Whether what follows an opener is the inside of a string that a terminal sends, and not
/// keys that somebody types after it; `None` if more has to come to tell.
fn is_string(opener: u8, rest: &[u8], regret: bool) -> Option<bool> {
    let next = rest.first()?;
    match opener {
        // a number, or (in a report of the title) a letter
        b']' => Some(next.is_ascii_digit() || !regret && b"lLI".contains(next)),
        b'P' => Some(next.is_ascii_digit() || b"$+>=?!".contains(next)),
        // the protocol of images
        b'_' if regret => Some(*next == b'G'),
        // nothing that is known to be sent: its end has to be in sight
        _ if regret => match rest.iter().take(MAX_SEQUENCE).position(|b| *b < 0x20) {
            Some(at) => match &rest[at..] {
                [ESC] => None,
                [BEL, ..] | [ESC, b'\\', ..] => Some(true),
                _ => Some(false),
            },
            None if rest.len() < MAX_SEQUENCE => None,
            None => Some(false),
        },
        _ => Some(*next >= 0x20 && *next != 0x7f),
    }
}

/// `ESC [ parameters final`; `rest` is what follows the bracket.
fn control_sequence(rest: &[u8], regret: bool) -> Step {
    let end = match rest {
        [] => return Step::Need,
        // parameters: nobody types them
        [0x30..=0x3f, ..] => end_of_parameters(rest),
        [b'Z', ..] => return plain(3, KeyCode::BackTab),
        [last, ..] if *last != b'M' && letter(*last).is_some() => Some(0),
        _ if regret => return Step::Not,
        // the Linux console's F1 to F5
        [b'[', tail @ ..] => {
            return match tail.first() {
                None => Step::Need,
                Some(c @ b'A'..=b'E') => plain(4, KeyCode::F(c - b'A' + 1)),
                Some(_) => Step::Took(4, None),
            };
        }
        // a mouse report of the old form: three bytes follow
        [b'M', tail @ ..] => {
            return if tail.len() < 3 { Step::Need } else { Step::Took(6, None) };
        }
        _ => end_of_parameters(rest),
    };
    let Some(end) = end else {
        return match rest.len() {
            MAX_SEQUENCE.. => Step::Opens(2 + MAX_SEQUENCE, Kind::Sequence),
            _ => Step::Need,
        };
    };
    let (parameters, last, n) = (&rest[..end], rest[end], end + 3);
    if !(0x40..=0x7e).contains(&last) {
        // broken off by something else, which is read on its own
        return Step::Took(n - 1, None);
    }
    if (parameters, last) == (b"200", b'~') {
        return Step::Opens(n, Kind::Paste);
    }
    Step::Took(n, meaning(parameters, last))
}

/// Where a control sequence's final byte is, or what breaks it off.
fn end_of_parameters(rest: &[u8]) -> Option<usize> {
    rest.iter().take(MAX_SEQUENCE).position(|b| !(0x20..=0x3f).contains(b))
}

/// What a whole control sequence means; an answer means nothing.
fn meaning(parameters: &[u8], last: u8) -> Option<Input> {
    let (marks, numbers) = match parameters {
        [mark @ 0x3c..=0x3f, numbers @ ..] => (Some(*mark), numbers),
        numbers => (None, numbers),
    };
    let numbers: Vec<u16> = numbers
        .split(|b| *b == b';')
        .map(|p| p.iter().take_while(|b| b.is_ascii_digit()).fold(0u16, add_digit))
        .collect();
    let number = |i: usize| numbers.get(i).copied().unwrap_or(0);
    if marks == Some(b'<') {
        return mouse(number(0), number(1), number(2), last);
    }
    let private = marks.is_some() || parameters.iter().any(|b| (0x20..=0x2f).contains(b));
    let modifiers = number(1).saturating_sub(1);
    let code = match last {
        _ if private => None,
        b'~' => tilde(number(0)),
        b'Z' => Some(KeyCode::BackTab),
        b'u' => char::from_u32(number(0).into()).and_then(unicode),
        // with a number, Enter's letter is that of mouse reports; with another than 1,
        // or a column for a modifier, F3's is that of a position of the cursor
        b'M' => None,
        other => letter(other).filter(|_| number(0) <= 1 && modifiers < 16 && numbers.len() <= 2),
    }?;
    Some(key(code, modifiers & 4 != 0, modifiers & 2 != 0))
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
