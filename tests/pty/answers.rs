//! What a terminal answers unasked, late and in pieces, is never taken for keys.

use std::time::Duration;

use crate::explorer::{DIRECT, Explorer, PROGRAM, SHAPES, SIZE, start};
use crate::terminal::Seen;

/// Answers whose letters would delete a block (`x`), quit (`q`), open the palette (`:`) or
/// move, and where to cut them.
const ANSWERS: [(&[u8], &[usize]); 9] = [
    (b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\", &[1, 2, 5, 9, 24, 25]),
    (b"\x1b]10;rgb:cdcd/d6d6/f4f4\x07", &[1, 3, 12]),
    (b"\x1bP>|XTerm(390)xq:jjx\x1b\\", &[1, 2, 3, 6, 14, 20]),
    (b"\x1bP1+r524742=78713a\x1b\\", &[2, 4, 11]),
    (b"\x1b_Gi=31;xq:j\x1b\\", &[1, 2, 7, 12]),
    (b"\x1b[?62;22c", &[1, 2, 3, 5, 8]),
    (b"\x1b[12;40R", &[2, 4, 7]),
    (b"\x1b[8;40;120t", &[2, 3, 6]),
    (b"\x9b?62;22c", &[1, 3]),
];

/// What is shown; blanks at the end of a line may be written or not.
fn text(seen: &Seen) -> Vec<String> {
    seen.text().lines().map(|line| line.trim_end().to_string()).collect()
}

#[test]
fn answers_in_pieces_change_nothing() {
    let Some(explorer) = Explorer::open_run(SHAPES, SIZE, &[DIRECT], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.send(b"/layer2.1.conv1\r");
    terminal.wait_for("layer2.1.conv1");
    terminal.wait_for_silence(Duration::from_millis(800));
    let before = terminal.look(|seen| (text(seen), seen.frames()));
    for (answer, cuts) in ANSWERS {
        for cut in cuts {
            // a busy machine may make them longer: Esc would have a meaning
            for pause in [0, 5, 60, 100, 150] {
                terminal.send(&answer[..*cut]);
                std::thread::sleep(Duration::from_millis(pause));
                terminal.send(&answer[*cut..]);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    terminal.wait_for_silence(Duration::from_millis(1500));
    let after = terminal.look(|seen| (text(seen), seen.frames()));
    assert_eq!(after.0, before.0);
    assert_eq!(after.1, before.1, "no frame was drawn");
    // keys are keys again at once
    terminal.send(b":");
    terminal.wait("the palette", |seen| text(seen) != before.0);
    terminal.send(b"\x1b");
    terminal.wait("the map again", |seen| text(seen) == before.0);
    explorer.quit();
}

#[test]
fn answers_to_a_command_do_not_reach_the_shell() {
    let home = tempfile::tempdir().unwrap();
    let program = [PROGRAM, "doctor", "--device", "cpu"];
    let Some(mut terminal) = start(SIZE, home.path(), &[], &program) else { return };
    terminal.wait("the question", |seen| seen.count(b"\x1b[c") == 1);
    std::thread::sleep(Duration::from_millis(500));
    terminal.send(b"\x1bP1$r0;48:2:1:2:3m\x1b\\\x1b[?62;22c");
    assert_eq!(terminal.exit_code(), 0);
    // what nobody reads is echoed
    terminal.look(|seen| {
        assert_eq!(seen.count(b"62;22c"), 0);
        assert!(seen.has("shows 24-bit colours"), "{}", seen.text());
    });
}
