//! Any bytes at any time: keys are keys, answers are nothing.

use proptest::prelude::*;

use super::*;

/// What terminals answer, with all the letters that would be keys.
pub const REPLIES: [&[u8]; 21] = [
    // colours of text and background, in both ends
    b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
    b"\x1b]10;rgb:cdcd/d6d6/f4f4\x07",
    b"\x1b]4;1;rgb:ff/00/00\x1b\\",
    // name and version
    b"\x1bP>|XTerm(390) xqxq:q\x1b\\",
    "\x1bP>|\u{65e5}\u{672c} q\u{15b}x\x1b\\".as_bytes(),
    // terminfo, settings, identity
    b"\x1bP1+r524742=382f382f38\x1b\\",
    b"\x1bP0+r\x1b\\",
    b"\x1bP1$r0;48:2:1:2:3m\x1b\\",
    b"\x1bP0$r\x1b\\",
    b"\x1bP!|7E565445\x1b\\",
    // images, and strings that nobody sends
    b"\x1b_Gi=31;ENOTSUPPORTED:xq\x1b\\",
    b"\x1b^a private message: x q\x1b\\",
    b"\x1bXa string: x q\x1b\\",
    // attributes, the cursor, the window, modes, keys
    b"\x1b[?62;22c",
    b"\x1b[>41;390;0c",
    b"\x1b[12;40R",
    b"\x1b[8;40;120t",
    b"\x1b[?2026;2$y",
    b"\x1b[?1u",
    b"\x1b[?1;0;1024S",
    // in 8 bits
    b"\x9b?62;22c",
];

/// Time that passes, and what was said.
struct Typist {
    parser: Parser,
    now: Instant,
    inputs: Vec<Input>,
}

impl Typist {
    fn new() -> Typist {
        Typist { parser: Parser::default(), now: Instant::now(), inputs: Vec::new() }
    }

    /// Lets milliseconds pass, with every deadline in them.
    fn wait(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while let Some(deadline) = self.parser.deadline().filter(|deadline| *deadline <= until) {
            self.parser.expire(deadline, &mut self.inputs);
        }
        self.now = until;
    }

    fn send(&mut self, bytes: &[u8]) {
        self.parser.feed(bytes, self.now, &mut self.inputs);
    }

    /// All inputs as text, after a long silence: keys as in key maps.
    fn said(mut self) -> Vec<String> {
        self.wait(100_000);
        assert_eq!(self.parser.deadline(), None);
        let text = |input: Input| match input {
            Input::Key(key) => key.to_string(),
            other => format!("{other:?}"),
        };
        self.inputs.into_iter().map(text).collect()
    }
}

fn parse(chunks: &[&[u8]]) -> Vec<String> {
    let mut typist = Typist::new();
    chunks.iter().for_each(|chunk| typist.send(chunk));
    typist.said()
}

/// Pieces with a pause, in milliseconds, after each.
fn parse_slowly(pieces: &[(&[u8], u64)]) -> Vec<String> {
    let mut typist = Typist::new();
    for (piece, pause) in pieces {
        typist.send(piece);
        typist.wait(*pause);
    }
    typist.said()
}

#[test]
fn keys() {
    assert_eq!(parse(&[b"jG5 \r\t\x7f"]), ["j", "G", "5", "Space", "Enter", "Tab", "Backspace"]);
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
    // F3 has the letter of a position of the cursor
    assert_eq!(parse(&[b"\x1b[R\x1b[1;5R\x1b[1;40R\x1b[5;1R\x1bOR"]), ["F3", "C-F3", "F3"]);
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
    assert_eq!(parse(&[b"\x1b]j"]), ["A-]", "j"]);
}

#[test]
fn keys_after_escape_are_keys() {
    // what opens a sequence is a key when the escape was one by then
    let plain = ["j", "q", ":", "x", "5"].map(|key| (key, [31, 60, 150, 300, 600]));
    let opening = ["[", "P", "O", "]", "_", "X", "^"].map(|key| (key, [251, 260, 300, 400, 600]));
    for (key, pauses) in plain.into_iter().chain(opening) {
        for pause in pauses {
            for after in [0, 20, 200, 300] {
                let typed = [(&b"\x1b"[..], pause), (key.as_bytes(), after), (b"j", 0)];
                assert_eq!(parse_slowly(&typed), ["Esc", key, "j"], "{pause} {after}");
            }
        }
        // a lone key is not held back for long
        let mut typist = Typist::new();
        typist.send(b"\x1b");
        typist.wait(pauses[0]);
        typist.send(key.as_bytes());
        typist.wait(250);
        assert_eq!(typist.inputs.len(), 2, "{key}");
    }
    // with Alt both come at once
    assert_eq!(parse_slowly(&[(b"\x1b", 20), (b"j", 0)]), ["A-j"]);
    let mut typist = Typist::new();
    typist.send(b"\x1b");
    typist.wait(249);
    assert!(typist.inputs.is_empty());
    typist.wait(1);
    assert_eq!(typist.inputs.len(), 1, "and alone it is a key");
}

#[test]
fn mouse_paste_and_noise() {
    assert_eq!(parse(&[b"\x1b[<0;11;4M\x1b[<0;11;4m"]), ["Click(10, 3)"]);
    assert_eq!(
        parse(&[b"\x1b[<64;1;1M\x1b[<65;2;1M"]),
        ["Wheel(0, 0, true)", "Wheel(1, 0, false)"]
    );
    assert_eq!(parse(&[b"\x1b[<32;3;4M\x1b[<35;5;6M\x1b[<33;1;1M"]), ["Drag(2, 3)", "Hover(4, 5)"]);
    assert_eq!(parse(&[b"\x1b[M qxj\x1b[32;10;20Mk"]), ["j", "k"], "older mouse reports");
    assert_eq!(parse(&[b"\x1b[200~a\rb\x1b[2", b"01~q"]), ["Paste(\"a\\rb\")", "q"]);
    assert_eq!(parse(&[b"\x1b[I\x1b[?1;2cj"]), ["j"], "reports are not keys");
    assert!(parse(&[b"\x1bP1$r0;48:2"]).is_empty(), "cut off for good");
    assert!(parse(&[b"\x1b[?62;2"]).is_empty());
    assert_eq!(parse(&[b"\x1b[<0;0;0M\x80\xffj\x1b[99999999999~k"]), ["j", "k"]);
    // one that is broken off is over
    assert_eq!(parse(&[b"\x1b]11;rgb:\x03\x1b]11;rg\x1b[A"]), ["C-c", "Up"]);
    // a part of a character, of which a byte would open a sequence
    assert_eq!(parse_slowly(&[(b"\xc5", 300), (b"\x9b", 100), (b"j", 0)]), ["ś", "j"]);
    assert_eq!(parse_slowly(&[(b"\xc5", 900), (b"j", 0)]), ["j"]);
}

#[test]
fn pastes_come_whole_over_slow_links_and_have_an_end() {
    let slow = [(&b"\x1b[200~x"[..], 800), (b"q\x1b[20", 900), (b"1~j", 0)];
    assert_eq!(parse_slowly(&slow), ["Paste(\"xq\")", "j"]);
    assert_eq!(parse_slowly(&[(b"\x1b[200~xq", 6000), (b"j", 0)]), ["Paste(\"xq\")", "j"]);
    let long = [&b"\x1b[200~"[..], &[b'q'; 70_000], b"\x1b[201~j"].concat();
    let said = parse(&[&long]);
    assert!(said[0].starts_with("Paste") && said[0].len() < 66_000, "longer ones are cut");
    assert_eq!(said[1..], ["j"]);
}

#[test]
fn a_lost_end_does_not_take_the_keyboard_for_long() {
    assert_eq!(parse_slowly(&[(b"\x1b]11;rgb:", 1100), (b"j", 0)]), ["j"]);
    let mut typist = Typist::new();
    typist.send(b"\x1bP>|");
    for _ in 0..40 {
        typist.wait(100);
        typist.send(b"j");
    }
    assert!((8..12).contains(&typist.said().len()), "after three seconds");
    let endless = [&b"\x1b]11;"[..], &[b'q'; 70_000]].concat();
    assert!(parse(&[&endless]).len() < 5000);
    let endless = [&b"\x1b["[..], &[b'1'; 300], b"jk"].concat();
    assert_eq!(parse(&[&endless]), ["k"]);
    assert_eq!(parse_slowly(&[(&endless[..290], 1100), (b"k", 0)]), ["k"]);
}

#[test]
fn answers_are_counted_and_are_no_keys() {
    let mut typist = Typist::new();
    for part in [&b"j\x1b[0"[..], b"n\x1b[0n\x1b[1nk"] {
        typist.send(part);
    }
    assert_eq!((typist.parser.take_answers(), typist.inputs.len()), (2, 2));
    assert_eq!(typist.parser.take_answers(), 0);
}

fn check(reply: &[u8], cuts: &[usize], pauses: &[u64], before: &[&str], after: &[&str]) {
    let mut typist = Typist::new();
    before.iter().for_each(|key| typist.send(key.as_bytes()));
    let mut from = 0;
    for (cut, pause) in cuts.iter().zip(pauses) {
        typist.send(&reply[from..*cut]);
        typist.wait(*pause);
        from = *cut;
    }
    typist.send(&reply[from..]);
    after.iter().for_each(|key| typist.send(key.as_bytes()));
    let expected: Vec<&str> = before.iter().chain(after).copied().collect();
    let text = reply.escape_ascii();
    assert_eq!(typist.said(), expected, "{text} cut at {cuts:?} for {pauses:?} ms");
}

#[test]
fn replies_in_two_or_three_pieces_are_no_keys() {
    for reply in REPLIES {
        for pause in [0, 5, 49, 50, 51, 100, 200] {
            check(reply, &[], &[], &["j"], &["q"]);
            for cut in 1..reply.len() {
                check(reply, &[cut], &[pause], &["j"], &["q"]);
            }
        }
        if reply.len() > 16 {
            continue;
        }
        for (first, second) in [(200, 200), (60, 200), (200, 5), (5, 100), (0, 60)] {
            for cut in 1..reply.len() {
                for other in cut + 1..reply.len() {
                    check(reply, &[cut, other], &[first, second], &["x", ":"], &["x"]);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn replies_among_keys_leave_the_keys(
        reply in prop::sample::select(REPLIES.to_vec()),
        before in prop::collection::vec(prop::sample::select(vec!["j", "q", "x", "[", "P", "]", "é"]), 0..4),
        after in prop::collection::vec(prop::sample::select(vec!["j", "q", "x", "[", "P", "]", "é"]), 0..4),
        cut in 1usize..40,
        pause in 0u64..=200,
    ) {
        check(reply, &[cut.min(reply.len() - 1)], &[pause], &before, &after);
    }

    #[test]
    fn any_bytes_in_any_pieces_mean_the_same(
        bytes in prop::collection::vec(
            prop_oneof![any::<u8>(), Just(ESC), Just(b'['), Just(b']'), Just(0x9b), 0x30u8..0x3c],
            0..80,
        ),
        cut in 0usize..80,
    ) {
        let cut = cut.min(bytes.len());
        prop_assert_eq!(parse(&[&bytes]), parse(&[&bytes[..cut], &bytes[cut..]]));
    }

    #[test]
    fn any_bytes_at_any_time_come_to_an_end(
        pieces in prop::collection::vec(
            (prop::collection::vec(prop_oneof![any::<u8>(), Just(ESC), Just(b'[')], 0..6), 0u64..400),
            0..12,
        ),
    ) {
        let pieces: Vec<(&[u8], u64)> = pieces.iter().map(|(b, t)| (b.as_slice(), *t)).collect();
        let _ = parse_slowly(&pieces);
    }
}
