//! How it starts and ends: nothing of it stays behind.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::explorer::{DIRECT, Explorer, FAILURE, PROGRAM, RUN, SHAPES, SIZE, start};
use crate::terminal::{Seen, Terminal, patience};

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

/// The explorer, started from a shell.
fn in_a_shell(home: &Path) -> Option<Terminal> {
    let terminal = start((100, 30), home, &[DIRECT], &["sh", "-i"])?;
    terminal.wait_for("$ ");
    terminal.send(b"echo ready\n");
    terminal.wait("the prompt", |seen| seen.has("\nready"));
    terminal.send(format!("{PROGRAM} --device cpu {RUN}\n").as_bytes());
    Some(terminal)
}

/// Ends the explorer and then the shell, which finds its terminal as it was.
fn leave_the_shell(mut terminal: Terminal) {
    terminal.send(b"q");
    terminal.wait("the prompt", |seen| {
        !seen.screen().alternate_screen() && seen.text().trim_end().ends_with('$')
    });
    terminal.send(b"exit 7\n");
    assert_eq!(terminal.exit_code(), 7);
    terminal.assert_no_trace();
}

#[test]
fn suspend_and_continue_restore_everything() {
    let home = tempfile::tempdir().unwrap();
    let Some(terminal) = in_a_shell(home.path()) else { return };
    let map = |seen: &Seen| seen.screen().alternate_screen() && seen.has("CKA");
    for round in 0..2 {
        terminal.wait("the map", map);
        terminal.wait_for_silence(Duration::from_millis(200));
        let (drawn, frames) = terminal.look(|seen| (seen.text(), seen.frames()));
        terminal.send(b"\x1a");
        back_in_the_shell(&terminal, round);
        terminal.wait("the same map", |seen| map(seen) && seen.text() == drawn);
        terminal.look(|seen| {
            assert!(seen.screen().hide_cursor());
            assert_ne!(seen.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        });
        terminal.wait_for_silence(Duration::from_millis(400));
        let painted = terminal.look(Seen::frames) - frames;
        assert_eq!(painted, 1, "painted once, not once for each sign of going on");
    }
    leave_the_shell(terminal);
}

/// The shell has its terminal back for the `round`-th time (from 0), answers, and is
/// told to let the program go on.
fn back_in_the_shell(terminal: &Terminal, round: usize) {
    // what an earlier round left on the screen is no sign of this one
    terminal.wait("the shell", |seen| {
        let stops =
            seen.text().matches("] + Stopped").count() + seen.text().matches("]+  Stopped").count();
        !seen.screen().alternate_screen()
            && stops > round
            && seen.text().trim_end().ends_with("\n$")
    });
    terminal.look(|seen| {
        assert!(!seen.screen().hide_cursor() && !seen.screen().bracketed_paste());
        assert_eq!(seen.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    });
    // the shell itself may have changed some since
    assert!(terminal.settings().local_modes.contains(rustix::termios::LocalModes::ISIG));
    terminal.send(format!("echo answer{round}\n").as_bytes());
    terminal.wait("an answer", |seen| seen.has(&format!("\nanswer{round}")));
    terminal.send(b"fg\n");
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

/// The process that a shell has started.
fn child_of(shell: i32) -> Option<i32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let parent = |id: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<i32>().ok()
    };
    ids.into_iter().find(|id| parent(id) == Some(shell))
}

#[test]
fn a_request_to_stop_from_outside_restores_the_terminal_first() {
    let home = tempfile::tempdir().unwrap();
    let Some(terminal) = in_a_shell(home.path()) else { return };
    let map = |seen: &Seen| seen.screen().alternate_screen() && seen.has("CKA");
    let shell = terminal.pid().as_raw_nonzero().get();
    for round in 0..2 {
        terminal.wait("the map", map);
        terminal.wait_for_silence(Duration::from_millis(200));
        let drawn = terminal.look(Seen::text);
        let program = child_of(shell).unwrap();
        let pid = rustix::process::Pid::from_raw(program).unwrap();
        rustix::process::kill_process(pid, Signal::TSTP).unwrap();
        terminal.wait("the stop", |_| state(program) == "T");
        back_in_the_shell(&terminal, round);
        terminal.wait("the same map", |seen| map(seen) && seen.text() == drawn);
        terminal.look(|seen| assert!(seen.screen().hide_cursor()));
    }
    leave_the_shell(terminal);
}

#[test]
fn without_a_shell_to_go_back_to_it_does_not_stop() {
    let Some(explorer) = Explorer::open((80, 24), &[DIRECT], &[]) else { return };
    let terminal = &explorer.terminal;
    terminal.wait_for("cpu");
    terminal.wait_for_silence(Duration::from_millis(300));
    terminal.signal(Signal::TSTP);
    terminal.send(b"\x1a?");
    terminal.wait_for("Keys");
    terminal.look(|seen| assert!(seen.screen().alternate_screen()));
    explorer.quit();
}

/// A container's processes may belong to a session outside, which has no number
/// inside.
#[cfg(target_os = "linux")]
#[test]
fn in_a_session_from_outside_its_namespace_it_goes_on() {
    let inside = ["unshare", "--pid", "--fork", "--mount-proc"];
    let tried = std::process::Command::new(inside[0]).args(&inside[1..]).arg("true").output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        eprintln!("skipped: process namespaces cannot be made here");
        return;
    }
    let line = format!("{PROGRAM} --device cpu --threads 1 {RUN}; exit $?");
    let home = tempfile::tempdir().unwrap();
    let program: Vec<&str> = inside.into_iter().chain(["sh", "-c", line.as_str()]).collect();
    let Some(mut terminal) = start((80, 24), home.path(), &[DIRECT], &program) else { return };
    terminal.wait("the map", |seen| seen.has(RUN) && seen.has("CKA"));
    terminal.wait_for_silence(Duration::from_millis(300));
    terminal.send(b"\x1a?");
    terminal.wait_for("Keys");
    terminal.look(|seen| assert!(seen.screen().alternate_screen()));
    terminal.send(b"qq");
    assert_eq!(terminal.exit_code(), 0);
    terminal.assert_no_trace();
}

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
    let log = explorer.home().join("log");
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

#[test]
fn memory_that_is_refused_restores_the_terminal_and_says_how_much() {
    if !cfg!(debug_assertions) {
        return;
    }
    // in the interface, and in a thread that computes
    for (place, keys) in [("memory", "\x0c"), ("job memory", "L")] {
        let shapes = Explorer::open_run(SHAPES, SIZE, &[DIRECT, (FAILURE, place)], &[]);
        let Some(mut explorer) = shapes else { return };
        explorer.terminal.send(keys.as_bytes());
        assert_eq!(explorer.terminal.exit_code(), 1, "{place}");
        explorer.terminal.assert_no_trace();
        let said = format!("out of memory: {} bytes", isize::MAX);
        explorer.terminal.look(|seen| assert!(seen.has(&said), "{place}: {}", seen.text()));
    }
}
