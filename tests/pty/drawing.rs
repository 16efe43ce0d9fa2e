//! What is drawn, when, and how much of it.

use std::time::{Duration, Instant};

use crate::explorer::{DIRECT, Explorer, RUN, SIZE};
use crate::terminal::{NONBLOCKING, Seen, patience};

/// Processor time in ticks, and times that some thread was woken up.
fn activity(pid: i32) -> (u64, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = [11, 12].map(|i: usize| fields[i].parse::<u64>().unwrap()).iter().sum();
    let mut switches = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let path = task.unwrap().path().join("status");
        // a thread may end meanwhile
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"));
        let count = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok());
        switches += count.unwrap_or(0);
    }
    (ticks, switches)
}

#[test]
fn an_idle_explorer_does_nothing_at_all() {
    let Some(explorer) = Explorer::open(SIZE, &[DIRECT], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.send(b"j");
    // the device's name comes last
    terminal.wait_for("cpu");
    terminal.wait_for_silence(patience(1.0));
    let pid = terminal.pid().as_raw_nonzero().get();
    let before = (terminal.look(|seen| seen.raw.len()), activity(pid));
    std::thread::sleep(Duration::from_secs(2));
    let after = (terminal.look(|seen| seen.raw.len()), activity(pid));
    assert_eq!(after.0, before.0, "bytes");
    assert!(after.1.0 <= before.1.0 + 1, "ticks: {:?} to {:?}", before.1, after.1);
    assert_eq!(after.1.1, before.1.1, "wake-ups");
    explorer.quit();
}

/// Parameters of all attribute sequences so far.
fn attributes(seen: &Seen) -> Vec<Vec<u16>> {
    let text = String::from_utf8_lossy(&seen.raw).into_owned();
    let parts = text.split("\x1b[").skip(1);
    let sgr = parts.filter_map(|part| {
        let end = part.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
        part[end..].starts_with('m').then(|| &part[..end])
    });
    sgr.map(|p| p.split(';').map(|n| n.parse().unwrap_or(0)).collect()).collect()
}

#[test]
fn no_color_means_no_colour_but_bold_and_reverse() {
    let Some(explorer) = Explorer::open(SIZE, &[DIRECT, ("NO_COLOR", "1")], &[]) else { return };
    explorer.terminal.send(b"bjj?");
    explorer.terminal.wait_for("Keys");
    let all = explorer.terminal.look(attributes);
    let colours: Vec<_> = all
        .iter()
        .filter(|codes| {
            codes.iter().any(|c| (30..=48).contains(c) && *c != 39 || (90..108).contains(c))
        })
        .collect();
    assert!(colours.is_empty(), "{colours:?}");
    assert!(all.iter().any(|codes| codes.contains(&1)), "bold");
    assert!(all.iter().any(|codes| codes.contains(&7)), "reverse");
    explorer.quit();
}

#[test]
fn the_terminal_is_asked_for_its_colours_and_keys_typed_meanwhile_count() {
    // it is not asked again inside tmux or where it has told
    let Some(explorer) = Explorer::start(RUN, SIZE, &[], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.wait("the question", |seen| seen.count(b"\x1bP$qm\x1b\\") == 1);
    terminal.send(b"?\x1bP1$r0;48:2:1:2:3m\x1b\\\x1b[?62;22c");
    terminal.wait_for("Keys");
    let direct = terminal.look(|seen| seen.count(b"8;2;"));
    assert!(direct > 20, "24-bit colours: {direct}");
    explorer.quit();
    // one that knows no such question, and one that never answers anything
    for answer in [&b"\x1b[?1;2c"[..], b""] {
        let Some(explorer) = Explorer::start(RUN, SIZE, &[], &[]) else { return };
        explorer.terminal.wait("the question", |seen| seen.count(b"\x1b[c") == 1);
        explorer.terminal.send(answer);
        explorer.terminal.wait("the map", |seen| seen.has("CKA"));
        // the question itself holds the first
        let direct = explorer.terminal.look(|seen| seen.count(b"8;2;"));
        assert_eq!(direct, 1, "an unknown terminal is never truecolor");
        assert!(explorer.terminal.look(|seen| seen.count(b"8;5;")) > 100);
        explorer.quit();
    }
}

#[test]
fn copies_go_to_the_terminal_over_ssh() {
    let ssh = ("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22");
    let Some(explorer) = Explorer::open(SIZE, &[DIRECT, ssh], &[]) else { return };
    explorer.terminal.send(b"y");
    explorer.terminal.wait_for("sent the pair under the cursor to the terminal");
    // `layer` in base64
    explorer.terminal.look(|seen| assert_eq!(seen.count(b"\x1b]52;c;bGF5ZXI"), 1));
    explorer.terminal.send(b"Y");
    explorer.terminal.wait_for("sent the visible map");
    explorer.quit();
}

#[test]
fn over_ssh_the_terminal_is_asked_and_its_answer_lets_the_next_frame_go() {
    const STATUS: &[u8] = b"\x1b[5n";
    const OK: &[u8] = b"\x1b[0n";
    let ssh = ("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22");
    let Some(explorer) = Explorer::open((80, 24), &[DIRECT, ssh], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.wait_for("cpu");
    // one answer to each question, until there are no more
    let mut asked = 0;
    loop {
        terminal.wait_for_silence(Duration::from_millis(150));
        let questions = terminal.look(|seen| seen.count(STATUS));
        if questions == asked {
            break;
        }
        for _ in asked..questions {
            terminal.send(OK);
        }
        asked = questions;
    }
    assert!(asked > 0);
    let began = Instant::now();
    terminal.send(b"c");
    terminal.wait("a frame and its question", |seen| seen.count(STATUS) == asked + 1);
    // the next frame waits, and is there as soon as the terminal has answered
    terminal.send(b"?");
    terminal.wait_for_silence(Duration::from_millis(300));
    // after two seconds it would not wait any longer
    if began.elapsed() < Duration::from_millis(1500) {
        terminal.look(|seen| assert!(!seen.has("Keys") && seen.count(STATUS) == asked + 1));
    }
    terminal.send(OK);
    terminal.wait_for("Keys");
    terminal.send(OK);
    explorer.quit();
}

#[test]
fn over_a_slow_link_keys_are_answered_and_frames_are_dropped() {
    let Some(explorer) = Explorer::open((80, 24), &[], &["--color", "256"]) else { return };
    let terminal = &explorer.terminal;
    terminal.wait_for("cpu");
    terminal.wait_for_silence(Duration::from_millis(300));
    let frames = terminal.look(Seen::frames);
    terminal.rate.store(16_000, std::sync::atomic::Ordering::SeqCst);
    // each draws the whole map anew
    let presses = 60;
    let began = Instant::now();
    for _ in 0..presses {
        terminal.send(b"c");
        std::thread::sleep(Duration::from_millis(25));
    }
    terminal.send(b"?");
    let answered = terminal.wait_for("Keys");
    let drawn = terminal.look(Seen::frames) - frames;
    println!("{presses} repaints asked for, {drawn} drawn; answered after {answered:?}");
    println!("in all {:?}", began.elapsed());
    assert!(answered < patience(1.0), "answered after {answered:?}");
    assert!(drawn < presses / 2, "{drawn} frames for {presses} keys");
    terminal.rate.store(0, std::sync::atomic::Ordering::SeqCst);
    explorer.quit();
}

#[test]
fn a_terminal_that_does_not_block_is_waited_for() {
    let Some(explorer) = Explorer::open((200, 60), &[DIRECT, NONBLOCKING], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.rate.store(200_000, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..10 {
        terminal.send(b"c");
        std::thread::sleep(Duration::from_millis(30));
    }
    terminal.send(b"?");
    terminal.wait_for("Keys");
    explorer.quit();
}

#[test]
fn a_storm_of_resizes_ends_in_one_good_screen() {
    let Some(explorer) = Explorer::open((80, 24), &[DIRECT], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.wait_for("cpu");
    terminal.wait_for_silence(Duration::from_millis(300));
    for i in 0..50u16 {
        terminal.resize((60 + i, 20 + i % 17));
        std::thread::sleep(Duration::from_millis(8));
    }
    terminal.resize((100, 30));
    terminal.wait_for_silence(patience(0.5));
    let text = terminal.look(Seen::text);
    // as if it had been drawn at this size in the first place
    let before = terminal.look(|seen| seen.raw.len());
    terminal.send(b"\x0c");
    terminal.wait("a repaint", |seen| seen.raw.len() > before + 1000);
    terminal.wait_for_silence(Duration::from_millis(300));
    terminal.look(|seen| assert_eq!(seen.text(), text));
    explorer.quit();
}

#[test]
fn a_terminal_of_one_cell_is_survived() {
    let Some(explorer) = Explorer::start(RUN, (1, 1), &[DIRECT], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.wait("a first frame", |seen| seen.frames() > 0);
    terminal.send(b"jl+?\x1bx/a\r\tY");
    terminal.resize((30, 8));
    terminal.wait_for("30x8 is too small");
    terminal.resize((80, 24));
    terminal.wait_for(RUN);
    explorer.quit();
}

#[test]
fn what_hides_colours_is_said_once() {
    let tmux = [("TERM", "tmux-256color"), ("TMUX", "/nowhere/tmux,1,0")];
    let Some(explorer) = Explorer::open(SIZE, &tmux, &[]) else { return };
    explorer.terminal.wait_for("tmux hides colours: in tmux.conf, set -as terminal-features");
    explorer.terminal.send(b"j");
    explorer.terminal.wait("it is read", |seen| !seen.has("tmux hides"));
    // neither with another run nor back from a help page
    explorer.terminal.send(b"?\x1b");
    explorer.terminal.wait_for_silence(Duration::from_millis(500));
    explorer.terminal.look(|seen| assert!(!seen.has("tmux hides")));
    explorer.quit();
}
