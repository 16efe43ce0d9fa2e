//! Asks the terminal whether it shows colours of 24 bits, and pictures. It is given a
//! colour and asked (DECRQSS) which it has, for its name (XTVERSION), and whether it takes
//! a picture of one pixel (kitty's graphics); a request that every terminal answers (primary
//! device attributes) comes last, so that one which does not know the first is
//! not waited for. Needs raw mode, and nobody else who reads.

use std::time::Duration;

use super::pictures;

/// Sets a background, asks for it, takes it back, asks for the name, offers a picture,
/// asks for the attributes.
#[cfg(unix)]
const QUERY: &[u8] =
    b"\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[0m\x1b[>q\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c";

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The terminal has the colour that it was given.
    pub truecolour: bool,
    /// It takes pictures, and its name is of one that shows them in cells of text.
    pub pictures: bool,
    /// It answered at all.
    pub answered: bool,
    /// Bytes that are no whole answers, in their order: keys that were typed meanwhile,
    /// and the starts of answers, whose rest the parser of keys waits for.
    pub typed: Vec<u8>,
}

/// Takes the answers out of what was read.
pub fn read(bytes: &[u8]) -> Answer {
    let mut answer = Answer::default();
    let (mut named, mut takes) = (false, false);
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(n) = status(rest) {
            answer.answered = true;
            let body = String::from_utf8_lossy(&rest[..n]);
            // `48:2:1:2:3`, with an empty colour space in between, or with `;`
            let numbers: Vec<&str> = body
                .trim_start_matches("\x1bP1$r")
                .split(|c: char| !c.is_ascii_digit())
                .filter(|part| !part.is_empty())
                .collect();
            answer.truecolour |= numbers.windows(5).any(|w| w == ["48", "2", "1", "2", "3"])
                || numbers.windows(6).any(|w| w == ["48", "2", "1", "1", "2", "3"]);
            at += n;
        } else if let Some(name) = string(rest, b"\x1bP>|") {
            named |= pictures::shows(&String::from_utf8_lossy(name));
            at += name.len() + 6;
        } else if let Some(said) = string(rest, b"\x1b_G") {
            takes |= said == b"i=31;OK";
            at += said.len() + 5;
        } else if let Some(n) = attributes(rest) {
            answer.answered = true;
            at += n;
        } else {
            answer.typed.push(rest[0]);
            at += 1;
        }
    }
    answer.pictures = named && takes;
    answer
}

/// What stands between a start and the string terminator, if both are there.
fn string<'a>(bytes: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    let rest = bytes.strip_prefix(start)?;
    let end = rest.windows(2).position(|w| w == b"\x1b\\")?;
    // another sequence in between: this one was broken off
    (!rest[..end].contains(&0x1b)).then_some(&rest[..end])
}

/// The length of an answer about attributes at the start: `ESC [ ? ... c`.
fn attributes(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(b"\x1b[?")?;
    let end = rest.iter().position(|b| !matches!(b, b'0'..=b'9' | b';'))?;
    (rest[end] == b'c').then_some(end + 4)
}

/// The length of an answer about settings at the start: `ESC P n $ r ... ESC \`.
fn status(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(b"\x1bP")?;
    if !matches!(rest, [b'0' | b'1', b'$', b'r', ..]) {
        return None;
    }
    let end = rest.windows(2).position(|w| w == b"\x1b\\")?;
    Some(end + 4)
}

/// How long the explorer waits: what comes later is read with the keys.
pub const SHORT: Duration = Duration::from_millis(200);
/// How long a command waits: what comes later would be typed into the shell.
pub const LONG: Duration = Duration::from_millis(1500);

/// Asks, and waits for at most `patience`. Raw mode must be on.
#[cfg(unix)]
pub fn ask(patience: Duration) -> std::io::Result<Answer> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use std::time::Instant;

    super::session::write(QUERY)?;
    let stdin = rustix::stdio::stdin();
    let until = Instant::now() + patience;
    let mut bytes = Vec::new();
    let mut part = [0u8; 1024];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero()
            || bytes.windows(3).enumerate().any(|(i, _)| attributes(&bytes[i..]).is_some())
        {
            return Ok(read(&bytes));
        }
        let wait = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, Some(&wait)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        if fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Ok(read(&bytes));
        }
        match rustix::io::read(stdin, &mut part) {
            Ok(0) => return Ok(read(&bytes)),
            Ok(n) => bytes.extend_from_slice(&part[..n]),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Not asked here.
#[cfg(not(unix))]
pub fn ask(_: Duration) -> std::io::Result<Answer> {
    Ok(Answer::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_keys() {
        let yes: [&[u8]; 3] = [
            b"\x1bP1$r0;48:2:1:2:3m\x1b\\\x1b[?62;22c",
            b"\x1bP1$r0;48:2::1:2:3m\x1b\\\x1b[?1;2c",
            b"\x1bP1$r48;2;1;2;3m\x1b\\\x1b[?6c",
        ];
        for bytes in yes {
            let answer = read(bytes);
            assert!(answer.truecolour && answer.answered && answer.typed.is_empty());
        }
        let no: [&[u8]; 4] = [
            b"\x1b[?1;2c",
            b"\x1bP0$r\x1b\\\x1b[?1;2c",
            b"\x1bP1$r0;48:5:16m\x1b\\\x1b[?1;2c",
            b"\x1bP1$r0m\x1b\\\x1b[?1;2c",
        ];
        for bytes in no {
            let answer = read(bytes);
            assert!(!answer.truecolour && answer.answered && answer.typed.is_empty());
        }
        assert_eq!(read(b""), Answer::default());
        let mixed = read(b"jj\x1b[A\x1b[?1;2cq\xc3");
        assert_eq!((mixed.answered, mixed.typed.as_slice()), (true, &b"jj\x1b[Aq\xc3"[..]));
        // an answer that is cut off is nothing yet, and no keys when its rest comes
        assert!(!read(b"\x1bP1$r0;48:2:1:2:3m").truecolour);
    }
    #[test]
    fn only_a_terminal_that_takes_pictures_and_shows_them_in_text_is_sent_some() {
        let yes = b"\x1bP>|kitty(0.42.1)\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62c";
        let answer = read(yes);
        assert!(answer.pictures && answer.answered && answer.typed.is_empty());
        let no: [&[u8]; 4] = [
            b"\x1bP>|kitty(0.42.1)\x1b\\\x1b_Gi=31;ENOTSUPPORTED:x\x1b\\\x1b[?62c",
            b"\x1bP>|WezTerm 2024\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62c",
            b"\x1bP>|kitty(0.42.1)\x1b\\\x1b[?62c",
            b"\x1b_Gi=31;OK\x1b\\\x1b[?62c",
        ];
        for bytes in no {
            let answer = read(bytes);
            assert!(!answer.pictures && answer.answered && answer.typed.is_empty());
        }
    }

    #[test]
    fn answers_of_any_kind_in_any_pieces_leave_the_keys() {
        use crate::app::{Input, Key};
        use crate::terminal::parser::{Parser, tests::REPLIES};
        use std::time::Instant;

        let now = Instant::now();
        let key = |c| format!("{:?}", Input::Key(Key::char(c)));
        for reply in REPLIES {
            for cut in 0..=reply.len() {
                let asked = read(&[b"j", &reply[..cut]].concat());
                let (mut parser, mut inputs) = (Parser::default(), Vec::new());
                parser.feed(&asked.typed, now, &mut inputs);
                parser.feed(&[&reply[cut..], b"q"].concat(), now, &mut inputs);
                parser.expire(now + Duration::from_secs(9), &mut inputs);
                let inputs: Vec<String> = inputs.iter().map(|i| format!("{i:?}")).collect();
                assert_eq!(inputs, [key('j'), key('q')], "{} {cut}", reply.escape_ascii());
            }
        }
    }
}
