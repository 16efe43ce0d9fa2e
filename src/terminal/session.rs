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
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l";
/// Buttons and wheel with extended coordinates; no motion.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

static ACTIVE: AtomicBool = AtomicBool::new(false);
/// Whether the terminal may still answer something.
static ASKED: AtomicBool = AtomicBool::new(false);
static INTERFACE: Mutex<Option<ThreadId>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// The terminal is ours while this lives.
#[derive(Debug)]
pub struct Session(());

impl Session {
    /// Enters. The calling thread becomes the interface's: its panics restore
    /// the terminal, those of others only go to the log.
    ///
    /// # Errors
    /// If the terminal refuses raw mode or cannot be written to, or `log`
    /// cannot be opened; everything is undone then.
    pub fn enter(mouse: bool, log: Option<&Path>) -> io::Result<Session> {
        *INTERFACE.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        HOOK.call_once(install_hook);
        let session = Session(());
        if let Some(log) = log {
            stderr::redirect(log)?;
        }
        session.set_modes(mouse)?;
        Ok(session)
    }

    fn set_modes(&self, mouse: bool) -> io::Result<()> {
        ACTIVE.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        write(ENTER)?;
        self.mouse(mouse)
    }

    /// Turns mouse reports on or off.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn mouse(&self, on: bool) -> io::Result<()> {
        write(if on { MOUSE_ON } else { MOUSE_OFF })
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
        let _ = write(LEAVE);
    }
    stderr::restore();
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
