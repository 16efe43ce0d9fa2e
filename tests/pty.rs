//! The explorer on a real terminal: it starts, is silent when idle, answers over
//! a slow link, and leaves no trace however it ends.
//!
//! Skipped, with the reason printed, where no pseudo terminal can be had.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "common/pty.rs"]
mod pty;

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use pty::{Seen, Terminal, patience};
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_blockscope");
/// A shipped run that has a map. Its images are not there, so that nothing arrives
/// late.
const RUN: &str = "resnet38-w2-cifar10-64th-s0";
/// A shipped run whose images the program draws itself, so that it can compute.
const SHAPES: &str = "resnet14-shapes-s0";

/// The explorer in a folder of its own.
struct Explorer {
    terminal: Terminal,
    home: tempfile::TempDir,
}

impl Explorer {
    /// On a run's map, after its first frame; `None` after saying why not.
    fn open(size: (u16, u16), variables: &[(&str, &str)], args: &[&str]) -> Option<Explorer> {
        Explorer::open_run(RUN, size, variables, args)
    }

    fn open_run(
        run: &str,
        size: (u16, u16),
        variables: &[(&str, &str)],
        args: &[&str],
    ) -> Option<Explorer> {
        let explorer = Explorer::start(run, size, variables, args)?;
        explorer.terminal.wait("the map", |seen| seen.has(run) && seen.has("CKA"));
        Some(explorer)
    }

    fn start(
        run: &str,
        size: (u16, u16),
        variables: &[(&str, &str)],
        args: &[&str],
    ) -> Option<Explorer> {
        let home = tempfile::tempdir().unwrap();
        let fixed = ["--device", "cpu", "--threads", "1", run];
        let program: Vec<&str> = [PROGRAM].into_iter().chain(fixed).chain(args.to_vec()).collect();
        let terminal = start(size, home.path(), variables, &program)?;
        Some(Explorer { terminal, home })
    }

    fn quit(mut self) {
        self.terminal.send(b"\x03");
        assert_eq!(self.terminal.exit_code(), 0);
        self.terminal.assert_no_trace();
    }
}

fn start(
    size: (u16, u16),
    home: &Path,
    variables: &[(&str, &str)],
    program: &[&str],
) -> Option<Terminal> {
    match Terminal::start(size, home, variables, program) {
        Ok(terminal) => Some(terminal),
        Err(why) => {
            // past the harness's capture
            let _ = writeln!(std::io::stderr(), "test of the terminal skipped: {why}");
            None
        }
    }
}

const DIRECT: (&str, &str) = ("COLORTERM", "truecolor");
const SIZE: (u16, u16) = (120, 40);

#[test]
fn it_starts_helps_and_quits() {
    let Some(mut explorer) = Explorer::open(SIZE, &[DIRECT], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.look(|seen| {
        assert!(seen.screen().alternate_screen() && seen.screen().hide_cursor());
        assert!(seen.screen().bracketed_paste());
        assert_ne!(seen.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    });
    terminal.send(b"?");
    terminal.wait_for("Keys");
    terminal.send(b"q");
    terminal.wait("the help's end", |seen| !seen.has("Keys"));
    terminal.send(b"q");
    assert_eq!(explorer.terminal.exit_code(), 0);
    explorer.terminal.assert_no_trace();
    explorer.terminal.look(|seen| assert_eq!(seen.text().trim(), "", "nothing is left behind"));
}

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

#[test]
fn fatal_signals_leave_no_trace() {
    for (signal, number) in
        [(Signal::TERM, 15), (Signal::INT, 2), (Signal::HUP, 1), (Signal::QUIT, 3)]
    {
        let Some(mut explorer) = Explorer::open((80, 24), &[DIRECT], &[]) else { return };
        explorer.terminal.signal(signal);
        assert_eq!(explorer.terminal.exit_code(), 128 + number);
        explorer.terminal.assert_no_trace();
    }
}

#[test]
fn a_lost_connection_ends_it_soon() {
    let Some(mut explorer) = Explorer::open((80, 24), &[DIRECT], &[]) else { return };
    explorer.terminal.hang_up();
    let status = explorer.terminal.ended_within(patience(2.0)).expect("gone within 2 s");
    assert_eq!(status.code(), Some(129));
    // and while something is computed and keys come
    let shapes = Explorer::open_run(SHAPES, (80, 24), &[DIRECT], &[]);
    let Some(mut explorer) = shapes else { return };
    explorer.terminal.send(b"Lccccjjjj");
    explorer.terminal.hang_up();
    let status = explorer.terminal.ended_within(patience(2.0)).expect("gone within 2 s");
    assert_eq!(status.code(), Some(129));
}

#[test]
fn a_link_that_is_stuck_does_not_hold_it() {
    let Some(mut explorer) = Explorer::open((200, 60), &[DIRECT], &[]) else { return };
    explorer.terminal.rate.store(u32::MAX, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..8 {
        explorer.terminal.send(b"c");
        std::thread::sleep(Duration::from_millis(20));
    }
    explorer.terminal.signal(Signal::TERM);
    let status = explorer.terminal.ended_within(patience(3.0)).expect("gone within 3 s");
    assert_eq!(status.code(), Some(128 + 15));
    let (now, before) = (explorer.terminal.settings(), &explorer.terminal.before);
    assert_eq!(now.local_modes, before.local_modes, "no more raw, even so");
}

#[test]
fn suspend_and_continue_restore_everything() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut terminal) = start((100, 30), home.path(), &[DIRECT], &["sh", "-i"]) else {
        return;
    };
    terminal.wait_for("$ ");
    terminal.send(b"echo ready\n");
    terminal.wait("the prompt", |seen| seen.has("\nready"));
    terminal.send(format!("{PROGRAM} --device cpu {RUN}\n").as_bytes());
    let map = |seen: &Seen| seen.screen().alternate_screen() && seen.has("CKA");
    for _ in 0..2 {
        terminal.wait("the map", map);
        terminal.wait_for_silence(Duration::from_millis(200));
        let (drawn, frames) = terminal.look(|seen| (seen.text(), seen.frames()));
        terminal.send(b"\x1a");
        terminal.wait("the shell", |seen| !seen.screen().alternate_screen() && seen.has("topped"));
        terminal.look(|seen| {
            assert!(!seen.screen().hide_cursor() && !seen.screen().bracketed_paste());
            assert_eq!(seen.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        });
        // the shell itself may have changed some since
        assert!(terminal.settings().local_modes.contains(rustix::termios::LocalModes::ISIG));
        terminal.send(b"echo stopped\n");
        terminal.wait("an answer", |seen| seen.has("\nstopped"));
        terminal.send(b"fg\n");
        terminal.wait("the same map", |seen| map(seen) && seen.text() == drawn);
        terminal.look(|seen| {
            assert!(seen.screen().hide_cursor());
            assert_ne!(seen.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        });
        terminal.wait_for_silence(Duration::from_millis(400));
        let painted = terminal.look(Seen::frames) - frames;
        assert_eq!(painted, 1, "painted once, not once for each sign of going on");
    }
    terminal.send(b"q");
    terminal.wait("the prompt", |seen| {
        !seen.screen().alternate_screen() && seen.text().trim_end().ends_with('$')
    });
    terminal.send(b"exit 7\n");
    assert_eq!(terminal.exit_code(), 7);
    terminal.assert_no_trace();
}

/// The state letter of a process: `T` is stopped.
fn state(pid: i32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().next().unwrap().to_string()
}

#[test]
fn a_stop_from_outside_is_followed_by_a_full_repaint() {
    let Some(explorer) = Explorer::open((80, 24), &[DIRECT], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.wait_for("cpu");
    terminal.wait_for_silence(Duration::from_millis(300));
    let (drawn, bytes) = terminal.look(|seen| (seen.text(), seen.raw.len()));
    terminal.signal(Signal::STOP);
    let pid = terminal.pid().as_raw_nonzero().get();
    terminal.wait("the stop", |_| state(pid) == "T");
    terminal.signal(Signal::CONT);
    terminal.wait("a repaint", |seen| seen.raw.len() > bytes + 1000 && seen.text() == drawn);
    terminal.send(b"?");
    terminal.wait_for("Keys");
    explorer.quit();
}

const FAILURE: &str = "BLOCKSCOPE_TEST_FAILURE";

#[test]
fn a_panic_of_the_interface_restores_the_terminal_and_says_so() {
    if !cfg!(debug_assertions) {
        return;
    }
    let Some(mut explorer) = Explorer::open(SIZE, &[DIRECT, (FAILURE, "interface")], &[]) else {
        return;
    };
    explorer.terminal.send(b"\x0c");
    assert_eq!(explorer.terminal.exit_code(), 101);
    explorer.terminal.assert_no_trace();
    explorer.terminal.look(|seen| assert!(seen.has("provoked in interface"), "{}", seen.text()));
}

#[test]
fn a_panic_of_a_worker_becomes_a_message() {
    if !cfg!(debug_assertions) {
        return;
    }
    for (place, key, message) in [
        ("worker", b"e", "exporting failed unexpectedly: provoked in worker"),
        ("job", b"L", "the computation failed unexpectedly"),
    ] {
        let Some(explorer) = Explorer::open(SIZE, &[DIRECT, (FAILURE, place)], &[]) else {
            return;
        };
        explorer.terminal.send(key);
        explorer.terminal.wait_for(message);
        explorer.terminal.look(|seen| {
            assert!(seen.screen().alternate_screen());
            assert!(!seen.has("panicked at"), "{}", seen.text());
        });
        explorer.terminal.send(b"?");
        explorer.terminal.wait_for("Keys");
        explorer.quit();
    }
}

#[test]
fn standard_error_goes_to_the_log() {
    if !cfg!(debug_assertions) {
        return;
    }
    let variables = [DIRECT, (FAILURE, "stderr")];
    let Some(explorer) = Explorer::open(SIZE, &variables, &["--log-file", "log"]) else { return };
    let log = explorer.home.path().join("log");
    // while devices are looked for, what their drivers say goes nowhere
    explorer.terminal.wait_for("cpu");
    explorer.terminal.send(b"\x0c?");
    explorer.terminal.wait_for("Keys");
    explorer.terminal.wait("the log", |_| {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("provoked noise"))
    });
    explorer.terminal.look(|seen| assert!(!seen.has("noise"), "{}", seen.text()));
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
fn over_ssh_a_frame_waits_until_the_terminal_has_shown_the_last() {
    const STATUS: &[u8] = b"\x1b[5n";
    let ssh = ("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22");
    let Some(explorer) = Explorer::open((80, 24), &[DIRECT, ssh], &[]) else { return };
    let terminal = &explorer.terminal;
    // a link that takes 300 ms there and back, and any number of bytes: the
    // program's writes never wait
    let delay = Duration::from_millis(300);
    let began = Instant::now();
    let (mut answered, mut due, mut presses) = (0, Vec::new(), 0u32);
    let mut frames = 0;
    let mut step = |presses: &mut u32, typing: bool| {
        std::thread::sleep(Duration::from_millis(10));
        let asked = terminal.look(|seen| seen.count(STATUS));
        due.extend((answered..asked).map(|_| Instant::now() + delay));
        answered = asked;
        while due.first().is_some_and(|at| Instant::now() >= *at) {
            due.remove(0);
            terminal.send(b"\x1b[0n");
        }
        if typing {
            *presses += 1;
            terminal.send(b"c");
        }
    };
    while began.elapsed() < Duration::from_secs(3) {
        let typing = began.elapsed() > Duration::from_secs(1);
        if !typing {
            frames = terminal.look(Seen::frames);
        }
        step(&mut presses, typing);
    }
    terminal.send(b"?");
    let asked = Instant::now();
    while !terminal.look(|seen| seen.has("Keys")) {
        assert!(asked.elapsed() < patience(1.0), "no answer");
        step(&mut presses, false);
    }
    let drawn = terminal.look(Seen::frames) - frames;
    println!("{presses} repaints asked for, {drawn} drawn; answered after {:?}", asked.elapsed());
    assert!((3..=12).contains(&drawn), "{drawn} frames");
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
fn a_storm_of_resizes_ends_in_one_good_screen() {
    let Some(explorer) = Explorer::open((80, 24), &[DIRECT], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.wait_for("cpu");
    terminal.wait_for_silence(Duration::from_millis(300));
    let frames = terminal.look(Seen::frames);
    for i in 0..50u16 {
        terminal.resize((60 + i, 20 + i % 17));
        std::thread::sleep(Duration::from_millis(8));
    }
    terminal.resize((100, 30));
    terminal.wait_for_silence(patience(0.5));
    let (storm, text) = terminal.look(|seen| (seen.frames() - frames, seen.text()));
    assert!((1..=12).contains(&storm), "{storm} frames for 51 sizes");
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
fn a_flood_of_progress_is_drawn_seldom_and_keys_are_answered_at_once() {
    if !cfg!(debug_assertions) {
        return;
    }
    let flood = (FAILURE, "flood");
    for (args, variables, rate) in [
        (&["--no-animation"][..], &[DIRECT, flood][..], 2.0),
        (&[][..], &[DIRECT, flood, ("BLOCKSCOPE_NO_ANIMATION", "1")][..], 2.0),
        (&[][..], &[DIRECT, flood, ("BLOCKSCOPE_NO_ANIMATION", "0")][..], 10.0),
    ] {
        let Some(explorer) = Explorer::open(SIZE, variables, args) else { return };
        let terminal = &explorer.terminal;
        terminal.wait_for("cpu");
        // some thousand reports a second, each of which looks different
        terminal.send(b"L");
        terminal.wait_for("20 images");
        let (frames, began) = (terminal.look(Seen::frames), Instant::now());
        std::thread::sleep(Duration::from_secs(3));
        let drawn = (terminal.look(Seen::frames) - frames) as f64;
        let seconds = began.elapsed().as_secs_f64();
        println!("{drawn} frames in {seconds:.1} s");
        assert!(drawn <= rate * seconds + 2.0, "{drawn} frames in {seconds} s");
        assert!(drawn >= 0.3 * rate * seconds, "{drawn} frames in {seconds} s");
        let mut worst = Duration::ZERO;
        for _ in 0..10 {
            terminal.send(b"?");
            worst = worst.max(terminal.wait_for("Keys"));
            terminal.send(b"?");
            worst = worst.max(terminal.wait("its end", |seen| !seen.has("Keys")));
        }
        println!("keys are answered within {worst:?}");
        assert!(worst < patience(0.5), "{worst:?}");
        explorer.quit();
    }
}
