//! Bytes from the terminal to inputs: keys, mouse, pasted text.
//!
//! Our own, because crossterm 0.29 watches the terminal and `SIGWINCH` in one
//! edge-triggered poll: a key that arrives with a resize stays unread until the
//! next key, and a closed terminal makes it spin (crossterm-rs/crossterm#793).
//! Pure and total: any bytes give some inputs, unknown sequences give none.
//!
//! What a terminal answers is never a key, however late and in whatever pieces it
//! comes. Bytes come with the instant of their arrival. A lone escape is a key after
//! a short patience; what surely is a sequence has a long one, and is dropped if its
//! end never comes. The guess that an escape was a key is kept for a while: if what
//! follows can only be the rest of a sequence, it is taken as that.

mod enclosed;
mod sequence;

#[cfg(test)]
pub(super) mod tests;

use std::time::{Duration, Instant};

use crate::app::{Input, Key, KeyCode};
use enclosed::{Enclosed, Progress};
use sequence::{ESC, Step, c1, opens, step};

/// How long a lone escape waits for the rest of a sequence before it is a key: a slow link
/// may cut an answer right behind its escape.
const LONE: Duration = Duration::from_millis(250);
/// Whoever types after an escape takes longer than this; a terminal sends both at once.
const AT_ONCE: Duration = Duration::from_millis(30);
/// The same for an escape and what may open a sequence: a key with Alt, else.
const OPENED: Duration = Duration::from_millis(250);
/// How long the rest of what surely is a sequence may take; then it is dropped.
const CERTAIN: Duration = Duration::from_millis(1000);
/// How long a guess may be proved wrong by the bytes that follow.
const REGRET: Duration = Duration::from_millis(500);

/// What a terminal answers to a request for its status.
const STATUS: [&[u8]; 2] = [b"\x1b[0n", b"\x1b[3n"];

/// Collects bytes until they are whole sequences.
#[derive(Debug, Default)]
pub struct Parser {
    /// The start of something, at most one.
    pending: Vec<u8>,
    /// So many bytes of it were guessed to be keys and told, or mean nothing alone.
    said: usize,
    /// A text with an end of its own that is being read.
    enclosed: Option<Enclosed>,
    /// When the last bytes came, or a guess was made.
    last: Option<Instant>,
    shown: usize,
}

impl Parser {
    /// When [`Parser::expire`] has to be called if no bytes come until then.
    pub fn deadline(&self) -> Option<Instant> {
        let last = self.last?;
        match &self.enclosed {
            Some(enclosed) => Some(enclosed.deadline(last)),
            None if self.pending.is_empty() => None,
            None => Some(last + self.patience()),
        }
    }

    fn patience(&self) -> Duration {
        match self.pending.as_slice() {
            all if all.len() == self.said => REGRET,
            [ESC] => LONE,
            [ESC, _] => OPENED,
            // perhaps the rest of a string, perhaps keys
            [ESC, b'^' | b'X', ..] if self.said > 0 => OPENED,
            [ESC, ..] => CERTAIN,
            // a part of a character
            _ => OPENED,
        }
    }

    /// Answers to a request for the status since this was asked last.
    pub fn take_answers(&mut self) -> usize {
        std::mem::take(&mut self.shown)
    }

    /// Takes bytes that came at an instant and appends the inputs that are complete.
    pub fn feed(&mut self, bytes: &[u8], now: Instant, inputs: &mut Vec<Input>) {
        let late = self.last.is_some_and(|last| now.saturating_duration_since(last) > AT_ONCE);
        let alone = self.said == 0 && self.pending == [ESC];
        // what opens no sequence was typed after the escape, and not with Alt
        if late && alone && bytes.first().is_some_and(|first| !opens(*first)) {
            self.say(KeyCode::Esc, false, inputs);
        }
        self.last = Some(now);
        let mut rest = bytes.to_vec();
        while !rest.is_empty() {
            rest = match self.enclosed.take() {
                Some(enclosed) => self.inside(enclosed, rest, inputs),
                None => self.outside(&rest, now, inputs),
            };
        }
    }

    /// Nothing has come until now: what has waited for long enough is what it looks
    /// like.
    pub fn expire(&mut self, now: Instant, inputs: &mut Vec<Input>) {
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            self.guess(now, inputs);
            self.last = Some(now);
        }
    }

    fn guess(&mut self, now: Instant, inputs: &mut Vec<Input>) {
        if let Some(enclosed) = self.enclosed.take() {
            inputs.extend(enclosed.given_up());
            return;
        }
        let character = |c: u8| KeyCode::Char(char::from(c));
        match (self.said, self.pending.as_slice()) {
            // nothing proved the guess wrong
            (said, all) if all.len() == said => self.drop_pending(),
            (0, [ESC]) => self.say(KeyCode::Esc, false, inputs),
            (0, [ESC, c @ 0x21..=0x7e]) => self.say(character(*c), true, inputs),
            (1, [ESC, c @ 0x21..=0x7e]) => self.say(character(*c), false, inputs),
            // no string: keys that were typed after the opener
            (1.., [ESC, b'^' | b'X', _, ..]) => {
                let keys = self.pending.split_off(self.said);
                self.drop_pending();
                self.feed(&keys, now, inputs);
            }
            // a sequence that was broken off
            (_, [ESC, ..]) => self.drop_pending(),
            // a part of a character, whose rest must not be taken for something else
            (_, part) => self.said = part.len(),
        }
    }

    fn say(&mut self, code: KeyCode, alt: bool, inputs: &mut Vec<Input>) {
        inputs.push(Input::Key(Key { code, ctrl: false, alt }));
        self.said = self.pending.len();
    }

    fn drop_pending(&mut self) {
        self.pending.clear();
        self.said = 0;
    }

    /// Reads in a text with an end of its own; returns what comes after it.
    fn inside(&mut self, mut text: Enclosed, rest: Vec<u8>, inputs: &mut Vec<Input>) -> Vec<u8> {
        match text.take(&rest) {
            Progress::Open => {
                self.enclosed = Some(text);
                Vec::new()
            }
            Progress::Over { used, input } => {
                inputs.extend(input);
                rest[used..].to_vec()
            }
            Progress::BrokenOff { used } => [&[ESC], &rest[used..]].concat(),
        }
    }

    /// Reads keys and sequences; returns what comes after the start of such a text.
    fn outside(&mut self, rest: &[u8], now: Instant, inputs: &mut Vec<Input>) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.pending);
        bytes.extend_from_slice(rest);
        let mut said = std::mem::take(&mut self.said);
        let mut at = 0;
        while at < bytes.len() {
            if let Some((length, opener)) = c1(&bytes[at..]).filter(|_| said == 0) {
                // alone it means nothing
                bytes.splice(at..at + length, [ESC, opener]);
                said = 2;
            }
            match step(&bytes[at..], said > 0) {
                Step::Need => break,
                Step::Not => at += said,
                Step::Took(n, input) => {
                    let whole = bytes.get(at..at + n);
                    self.shown += usize::from(STATUS.iter().any(|s| whole == Some(*s)));
                    inputs.extend(input);
                    at += n.max(1);
                }
                Step::Opens(n, kind) => {
                    self.enclosed = Some(Enclosed::new(kind, now));
                    return bytes.split_off((at + n).min(bytes.len()));
                }
            }
            said = 0;
        }
        self.pending = bytes.split_off(at.min(bytes.len()));
        self.said = said;
        Vec::new()
    }
}
