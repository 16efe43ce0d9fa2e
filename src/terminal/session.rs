//! Enters the terminal and leaves it as it was, whatever happens: return,
//! panic, signal. Leaving is idempotent and works from any thread.

use std::io::{self, Write as _};
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::stderr;

/// Alternate screen, no cursor; pasted text is marked, so that it is not taken
/// for keys.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[0m\x1b[2J";
/// Everything that we may have set, undone, also in the middle of a frame.
const LEAVE: &[u8] =
    b"\x1b[?2026l\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l";
/// Buttons, wheel and motion with a button down, with extended coordinates. A
/// terminal without the second mode still has the first.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";
/// Motion without a button too: many reports, so only where it is asked for.
const HOVER_ON: &[u8] = b"\x1b[?1003h";
const HOVER_OFF: &[u8] = b"\x1b[?1003l";

static ACTIVE: AtomicBool = AtomicBool::new(false);
/// Whether the terminal may still answer something.
static ASKED: AtomicBool = AtomicBool::new(false);
static INTERFACE: Mutex<Option<ThreadId>> = Mutex::new(None);
/// Whether motion is reported, so that it can be turned off again.
static HOVER: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal is ours while this lives.
#[derive(Debug)]
pub struct Session(());

impl Session {
    /// Enters; with `hover` the mouse reports every motion. The calling thread becomes the interface's: its panics restore
    /// the terminal, those of others only go to the log.
    ///
    /// # Errors
    /// If the terminal refuses raw mode or cannot be written to, or `log`
    /// cannot be opened; everything is undone then.
    pub fn enter(mouse: bool, hover: bool, log: Option<&Path>) -> io::Result<Session> {
        *INTERFACE.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        HOOK.call_once(install_hook);
        HOVER.store(hover, Ordering::SeqCst);
        let session = Session(());
        if let Some(log) = log {
            stderr::redirect(log)?;
        }
        session.set_modes(mouse)?;
        Ok(session)
    }

    fn set_modes(&self, mouse: bool) -> io::Result<()> {
        ACTIVE.store(true, Ordering::SeqCst);
        #[cfg(unix)]
        keep_modes();
        enable_raw_mode()?;
        write(ENTER)?;
        self.mouse(mouse)
    }

    /// Turns mouse reports on or off.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn mouse(&self, on: bool) -> io::Result<()> {
        write(&mouse_modes(on, HOVER.load(Ordering::SeqCst)))
    }

    /// Sets every mode again, after a stop that we did not see coming or after
    /// [`leave`].
    ///
    /// # Errors
    /// As [`Session::enter`].
    pub fn enter_again(&self, mouse: bool, log: Option<&Path>) -> io::Result<()> {
        // the shell may have changed what raw mode is set on top of
        disable_raw_mode()?;
        if let Some(log) = log {
            stderr::redirect(log)?;
        }
        self.set_modes(mouse)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        leave();
    }
}

/// Leaves the terminal as it was. Does nothing the second time; errors are
/// ignored, as there is nobody left to tell.
pub fn leave() {
    if ACTIVE.swap(false, Ordering::SeqCst) {
        #[cfg(unix)]
        if ASKED.load(Ordering::SeqCst) {
            // an answer that nobody reads would be typed into the shell
            let unread = rustix::termios::QueueSelector::IFlush;
            let _ = rustix::termios::tcflush(rustix::stdio::stdin(), unread);
        }
        // this first: writing may block on a link that is stuck
        let _ = disable_raw_mode();
        if HOVER.load(Ordering::SeqCst) {
            let _ = write(HOVER_OFF);
        }
        let _ = write(LEAVE);
    }
    stderr::restore();
}

/// The line discipline before raw mode, for [`abandon`].
#[cfg(unix)]
static MODES: Mutex<Option<rustix::termios::Termios>> = Mutex::new(None);

#[cfg(unix)]
fn keep_modes() {
    if let Ok(modes) = rustix::termios::tcgetattr(rustix::stdio::stdin()) {
        *MODES.lock().unwrap_or_else(PoisonError::into_inner) = Some(modes);
    }
}

/// Leaves the terminal in a process that is at its end: within a signal handler, without
/// memory and without waiting for a lock.
pub fn abandon() {
    #[cfg(unix)]
    if ACTIVE.swap(false, Ordering::SeqCst) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Ok(modes) = MODES.try_lock()
            && let Some(modes) = modes.as_ref()
        {
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, modes);
        }
        if HOVER.load(Ordering::SeqCst) {
            let _ = write(HOVER_OFF);
        }
        let _ = write(LEAVE);
        stderr::restore();
    }
}

/// What turns mouse reports on or off.
pub(super) fn mouse_modes(on: bool, hover: bool) -> Vec<u8> {
    match (on, hover) {
        (true, true) => [MOUSE_ON, HOVER_ON].concat(),
        (true, false) => MOUSE_ON.to_vec(),
        (false, true) => [HOVER_OFF, MOUSE_OFF].concat(),
        (false, false) => MOUSE_OFF.to_vec(),
    }
}

/// Says that the terminal was asked something: what is unread is dropped when it
/// is left.
pub fn asked() {
    ASKED.store(true, Ordering::SeqCst);
}

/// Standard output past the library's buffer and its lock, which a thread that is
/// stuck may hold. Waits where another program has made it non-blocking.
#[derive(Debug)]
pub struct Output;

#[cfg(unix)]
impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        use rustix::event::{PollFd, PollFlags, poll};
        use rustix::io::Errno;
        let out = rustix::stdio::stdout();
        loop {
            match rustix::io::write(out, bytes) {
                Ok(n) => return Ok(n),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut fds = [PollFd::new(&out, PollFlags::OUT)];
                    match poll(&mut fds, None) {
                        Ok(_) | Err(Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(not(unix))]
impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// Writes a sequence at once.
pub(super) fn write(bytes: &[u8]) -> io::Result<()> {
    Output.write_all(bytes)?;
    Output.flush()
}

/// Columns and rows of the terminal. One that does not know (a serial line) has
/// 80 x 24, as ever.
///
/// # Errors
/// If standard output is no terminal, or none any more.
#[cfg(unix)]
pub fn size() -> io::Result<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout())?;
    let or = |n: u16, usual: u16| if n == 0 { usual } else { n };
    Ok((or(size.ws_col, 80), or(size.ws_row, 24)))
}

/// Columns and rows of the terminal.
#[cfg(not(unix))]
pub fn size() -> io::Result<(u16, u16)> {
    crossterm::terminal::size()
}

/// True if an error means that the terminal is gone.
pub fn is_gone(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let gone = [Errno::IO, Errno::NXIO, Errno::NOTTY, Errno::PIPE, Errno::BADF];
        gone.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::BrokenPipe
    }
}

fn install_hook() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let interface = INTERFACE.try_lock().is_ok_and(|id| *id == Some(thread::current().id()));
        if interface {
            leave();
        }
        if ACTIVE.load(Ordering::SeqCst) {
            // a worker: the screen stays up, its panic becomes a message
            let name = thread::current().name().unwrap_or("unnamed").to_string();
            tracing::error!(thread = name, "{info}");
        } else {
            previous(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn motion_is_never_asked_for_unless_the_user_did() {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        for on in [true, false] {
            assert!(!text(mouse_modes(on, false)).contains("1003"));
            assert!(text(mouse_modes(on, true)).contains("1003"));
        }
        for fixed in [ENTER, LEAVE, MOUSE_ON, MOUSE_OFF] {
            assert!(!text(fixed.to_vec()).contains("1003"));
        }
        // whatever is turned on is turned off, in reverse
        let modes = |text: &str, end: char| -> Vec<String> {
            let parts = text.split('\x1b').filter(|p| p.ends_with(end));
            parts.map(|p| p.trim_end_matches(end).to_string()).collect()
        };
        for hover in [false, true] {
            let on = modes(&text(mouse_modes(true, hover)), 'h');
            let mut off = modes(&text(mouse_modes(false, hover)), 'l');
            off.sort();
            let mut sorted = on.clone();
            sorted.sort();
            assert_eq!(sorted, off);
            for mode in on.iter().filter(|m| !m.contains("1003")) {
                assert!(text(LEAVE.to_vec()).contains(&format!("{mode}l")));
            }
        }
    }
}
