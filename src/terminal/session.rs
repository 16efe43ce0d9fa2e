//! Enters the terminal and leaves it as it was, whatever happens: return,
//! panic, signal. Leaving is idempotent and works from any thread.

use std::io::{self, Write};
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use super::stderr;

/// Alternate screen, no cursor, no bracketed paste.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004l\x1b[0m\x1b[2J";
/// Everything that we may have set, undone, also in the middle of a frame.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?1006l\x1b[?1000l\x1b[0m\x1b[?25h\x1b[?1049l";
/// Buttons and wheel with extended coordinates; no motion.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

static ACTIVE: AtomicBool = AtomicBool::new(false);
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
        let _ = write(LEAVE);
        let _ = disable_raw_mode();
    }
    stderr::restore();
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(bytes)?;
    out.flush()
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
