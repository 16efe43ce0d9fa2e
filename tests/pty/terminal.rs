//! The program on a real pseudo terminal, with an emulator at the other end.
//!
//! A thread reads what the program writes, as fast as it is told to, and feeds
//! the emulator. Tests wait for what they expect to see; how long is scaled by
//! `BLOCKSCOPE_TEST_PATIENCE` (a factor, default 1).

use std::fs::File;
use std::io::Write as _;
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

/// Makes the program's end non-blocking, as some programs leave it behind.
pub const NONBLOCKING: (&str, &str) = ("TEST_NONBLOCKING", "1");

/// A time scaled by `BLOCKSCOPE_TEST_PATIENCE`.
pub fn patience(seconds: f64) -> Duration {
    let factor = std::env::var("BLOCKSCOPE_TEST_PATIENCE").ok().and_then(|f| f.parse().ok());
    Duration::from_secs_f64(seconds * factor.unwrap_or(1.0f64).max(0.1))
}

/// What has come out of the program.
pub struct Seen {
    parser: vt100::Parser,
    /// Every byte.
    pub raw: Vec<u8>,
    /// The other end is closed.
    pub closed: bool,
    last: Instant,
}

impl Seen {
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    pub fn text(&self) -> String {
        self.screen().contents()
    }

    pub fn has(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// Number of times that a sequence was written.
    pub fn count(&self, sequence: &[u8]) -> usize {
        self.raw.windows(sequence.len()).filter(|w| *w == sequence).count()
    }

    /// Number of frames: synchronized updates.
    pub fn frames(&self) -> usize {
        self.count(b"\x1b[?2026h")
    }
}

/// A terminal and the program on it.
pub struct Terminal {
    master: Option<Arc<OwnedFd>>,
    pub child: Child,
    shared: Arc<(Mutex<Seen>, Condvar)>,
    /// Bytes a second that are read; 0 is no limit, `u32::MAX` nothing at all.
    pub rate: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    /// Settings of the terminal before the program started.
    pub before: Termios,
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

fn winsize((columns, rows): (u16, u16)) -> Winsize {
    Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 }
}

/// A pair of ends, or why there is none.
fn pair() -> Result<(OwnedFd, OwnedFd), String> {
    let text = |e: rustix::io::Errno| e.to_string();
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).map_err(text)?;
    grantpt(&master).map_err(text)?;
    unlockpt(&master).map_err(text)?;
    let name = ptsname(&master, Vec::new()).map_err(text)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).map_err(text)?;
    Ok((master, slave))
}

impl Terminal {
    /// Starts a program on a terminal of its own, which controls it. `Err` says
    /// why that cannot be done here.
    pub fn start(
        size: (u16, u16),
        home: &Path,
        variables: &[(&str, &str)],
        program: &[&str],
    ) -> Result<Terminal, String> {
        let (master, slave) = pair().map_err(|why| format!("no pseudo terminal: {why}"))?;
        tcsetwinsize(&master, winsize(size)).unwrap();
        let before = tcgetattr(&master).unwrap();
        if variables.contains(&NONBLOCKING) {
            rustix::fs::fcntl_setfl(&slave, OFlags::RDWR | OFlags::NONBLOCK).unwrap();
        }
        let end = || std::process::Stdio::from(slave.try_clone().unwrap());
        let mut command = Command::new("setsid");
        command.arg("--ctty").args(program).current_dir(home);
        command.stdin(end()).stdout(end()).stderr(end());
        command.env_clear().env("HOME", home).env("TERM", "xterm-256color").env("PS1", "$ ");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(variables.iter().copied());
        let child = command.spawn().map_err(|e| format!("no setsid: {e}"))?;
        drop(command);
        drop(slave);
        let seen = Seen {
            parser: vt100::Parser::new(cells(size.1), cells(size.0), 0),
            raw: Vec::new(),
            closed: false,
            last: Instant::now(),
        };
        let master = Arc::new(master);
        let shared = Arc::new((Mutex::new(seen), Condvar::new()));
        let (rate, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let reader = {
            let (master, shared) = (Arc::clone(&master), Arc::clone(&shared));
            let (rate, stop) = (Arc::clone(&rate), Arc::clone(&stop));
            std::thread::spawn(move || read(&master, &shared, &rate, &stop))
        };
        Ok(Terminal {
            master: Some(master),
            child,
            shared,
            rate,
            stop,
            reader: Some(reader),
            before,
        })
    }

    fn master(&self) -> &OwnedFd {
        self.master.as_ref().unwrap()
    }

    /// Types.
    pub fn send(&self, bytes: &[u8]) {
        let file = File::from(self.master().try_clone().unwrap());
        (&file).write_all(bytes).unwrap();
    }

    /// Changes the size, as the user would.
    pub fn resize(&self, size: (u16, u16)) {
        let mut seen = self.shared.0.lock().unwrap();
        seen.parser.screen_mut().set_size(cells(size.1), cells(size.0));
        tcsetwinsize(self.master(), winsize(size)).unwrap();
    }

    /// Settings of the terminal now.
    pub fn settings(&self) -> Termios {
        tcgetattr(self.master()).unwrap()
    }

    /// Looks at what has come so far.
    pub fn look<T>(&self, at: impl FnOnce(&Seen) -> T) -> T {
        at(&self.shared.0.lock().unwrap())
    }

    /// Waits until it looks as wanted; fails with the screen if it does not.
    /// Returns how long that took.
    pub fn wait(&self, what: &str, wanted: impl Fn(&Seen) -> bool) -> Duration {
        let (began, limit) = (Instant::now(), patience(30.0));
        let mut seen = self.shared.0.lock().unwrap();
        while !wanted(&seen) {
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                panic!("waited for {what} in vain:\n{}", seen.text());
            }
            seen = self.shared.1.wait_timeout(seen, left.min(Duration::from_millis(50))).unwrap().0;
        }
        began.elapsed()
    }

    /// Waits for a text on the screen.
    pub fn wait_for(&self, text: &str) -> Duration {
        self.wait(&format!("{text:?}"), |seen| seen.has(text))
    }

    /// Waits until nothing has come for a while.
    pub fn wait_for_silence(&self, length: Duration) {
        self.wait("silence", |seen| seen.last.elapsed() > length);
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for the end of the program for at most a time.
    pub fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return Some(status),
                None if Instant::now() > until => return None,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Waits for the end and for the last byte; returns the exit code.
    pub fn exit_code(&mut self) -> i32 {
        let Some(status) = self.ended_within(patience(30.0)) else {
            panic!("it does not end:\n{}", self.look(Seen::text));
        };
        self.wait("the last byte", |seen| seen.closed);
        status.code().unwrap_or_else(|| panic!("ended by {status}"))
    }

    /// Closes our end, as a connection that is lost does.
    pub fn hang_up(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.reader.take().unwrap().join().unwrap();
        self.master = None;
    }

    /// Every mode that the program set is as it was, and so are the settings.
    pub fn assert_no_trace(&self) {
        let now = self.settings();
        let flags = |t: &Termios| (t.input_modes, t.output_modes, t.local_modes, t.control_modes);
        assert_eq!(flags(&now), flags(&self.before), "settings of the terminal");
        self.look(|seen| {
            let screen = seen.screen();
            assert!(!screen.alternate_screen(), "the alternate screen is left");
            assert!(!screen.hide_cursor(), "the cursor is shown");
            assert!(!screen.bracketed_paste(), "paste");
            assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
            assert_eq!(screen.mouse_protocol_encoding(), vt100::MouseProtocolEncoding::Default);
            assert_eq!((screen.fgcolor(), screen.bold()), (vt100::Color::Default, false));
            let last =
                |sequence: &[u8]| seen.raw.windows(sequence.len()).rposition(|w| w == sequence);
            assert!(last(b"\x1b[?2026l") > last(b"\x1b[?2026h"), "a synchronized update is open");
        });
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.stop.store(true, Ordering::SeqCst);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn read(master: &OwnedFd, shared: &(Mutex<Seen>, Condvar), rate: &AtomicU32, stop: &AtomicBool) {
    const TICK: Duration = Duration::from_millis(10);
    let mut bytes = [0u8; 1 << 16];
    while !stop.load(Ordering::SeqCst) {
        let limit = match rate.load(Ordering::SeqCst) {
            0 => bytes.len(),
            u32::MAX => {
                std::thread::sleep(TICK);
                continue;
            }
            n => {
                std::thread::sleep(TICK);
                (n as usize / 100).max(1)
            }
        };
        let wait = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        let mut fds = [PollFd::new(master, PollFlags::IN)];
        if matches!(poll(&mut fds, Some(&wait)), Ok(0)) {
            continue;
        }
        let n = rustix::io::read(master, &mut bytes[..limit]).unwrap_or(0);
        let mut seen = shared.0.lock().unwrap();
        seen.closed = n == 0;
        if n > 0 {
            seen.parser.process(&bytes[..n]);
            seen.raw.extend_from_slice(&bytes[..n]);
            seen.last = Instant::now();
        }
        shared.1.notify_all();
        if n == 0 {
            return;
        }
    }
}
