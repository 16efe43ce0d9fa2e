//! Texts between marks: pasted text, and the strings in which terminals answer
//! (OSC, DCS, APC, PM, SOS). Read byte by byte, so that no length costs more than
//! once; knows nothing of keys.

use std::time::{Duration, Instant};

use super::sequence::ESC;
use crate::app::Input;

const BEL: u8 = 0x07;
/// The string terminator in 8 bits.
const ST: u8 = 0x9c;
/// The string terminator in 7 bits is an escape and this.
const BACKSLASH: u8 = b'\\';
const PASTE_END: &[u8] = b"\x1b[201~";
/// Longer pastes are cut.
const MAX_PASTE: usize = 1 << 16;
/// Longer strings are taken for over: their end was lost.
const MAX_STRING: usize = 1 << 16;

/// What is enclosed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An answer, which means nothing here.
    String,
    /// Pasted text.
    Paste,
    /// The parameters of an endless control sequence.
    Sequence,
}

/// A text whose end has not come yet.
#[derive(Debug)]
pub struct Enclosed {
    kind: Kind,
    since: Instant,
    /// Of a paste.
    text: Vec<u8>,
    length: usize,
    /// So many bytes of the end have come.
    matched: usize,
    /// So many bytes of a character are to come.
    owed: u8,
}

/// How far a text is after some bytes.
pub enum Progress {
    /// All of them belong to it.
    Open,
    /// It ended with the first of them.
    Over {
        /// So many were used.
        used: usize,
        /// What it means.
        input: Option<Input>,
    },
    /// An escape that begins something else broke it off.
    BrokenOff {
        /// So many were used, the escape included, which may have come before.
        used: usize,
    },
}

impl Enclosed {
    /// A text that began at an instant.
    pub fn new(kind: Kind, since: Instant) -> Enclosed {
        Enclosed { kind, since, text: Vec::new(), length: 0, matched: 0, owed: 0 }
    }

    /// When it is given up, if nothing comes after `last`. A slow link may take long
    /// for a paste; somebody who types into a string whose end was lost gets keys soon.
    pub fn deadline(&self, last: Instant) -> Instant {
        let (quiet, whole) = match self.kind {
            Kind::String | Kind::Sequence => (1, 3),
            Kind::Paste => (5, 60),
        };
        (last + Duration::from_secs(quiet)).min(self.since + Duration::from_secs(whole))
    }

    /// What it means without its end.
    pub fn given_up(self) -> Option<Input> {
        (self.kind == Kind::Paste && !self.text.is_empty()).then(|| self.pasted())
    }

    fn pasted(&self) -> Input {
        Input::Paste(String::from_utf8_lossy(&self.text).into_owned())
    }

    /// Takes bytes up to the end.
    pub fn take(&mut self, bytes: &[u8]) -> Progress {
        for (i, byte) in bytes.iter().enumerate() {
            let progress = match self.kind {
                Kind::String => self.string(i, *byte),
                Kind::Paste => self.paste(i, *byte),
                Kind::Sequence => sequence(i, *byte),
            };
            if !matches!(progress, Progress::Open) {
                return progress;
            }
        }
        Progress::Open
    }

    fn string(&mut self, i: usize, byte: u8) -> Progress {
        let over = |used| Progress::Over { used, input: None };
        self.length += 1;
        match byte {
            BACKSLASH if self.matched == 1 => over(i + 1),
            _ if self.matched == 1 => Progress::BrokenOff { used: i },
            ESC => {
                self.matched = 1;
                Progress::Open
            }
            BEL => over(i + 1),
            ST if self.owed == 0 => over(i + 1),
            // no string has it: a key such as Ctrl-C, after an end that was lost
            0..=0x07 | 0x0e..=0x1f => over(i),
            _ if self.length > MAX_STRING => over(i + 1),
            _ => {
                self.owed = match byte {
                    0xc2..=0xdf => 1,
                    0xe0..=0xef => 2,
                    0xf0..=0xf4 => 3,
                    0x80..=0xbf => self.owed.saturating_sub(1),
                    _ => 0,
                };
                Progress::Open
            }
        }
    }

    fn paste(&mut self, i: usize, byte: u8) -> Progress {
        if PASTE_END.get(self.matched) == Some(&byte) {
            self.matched += 1;
            if self.matched == PASTE_END.len() {
                return Progress::Over { used: i + 1, input: Some(self.pasted()) };
            }
            return Progress::Open;
        }
        // what looked like the end was text
        let again = usize::from(byte == ESC);
        let text = PASTE_END[..self.matched].iter().chain((again == 0).then_some(&byte));
        let room = MAX_PASTE.saturating_sub(self.text.len());
        self.text.extend(text.take(room));
        self.matched = again;
        Progress::Open
    }
}

fn sequence(i: usize, byte: u8) -> Progress {
    match byte {
        0x20..=0x3f => Progress::Open,
        0x40..=0x7e => Progress::Over { used: i + 1, input: None },
        _ => Progress::Over { used: i, input: None },
    }
}
