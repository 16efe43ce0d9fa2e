//! Standard error goes to the log while the interface is up: graphics drivers
//! and libraries write to it and would tear the screen.

#[cfg(unix)]
mod unix {
    use std::fs::OpenOptions;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::Path;
    use std::sync::Mutex;

    /// What standard error was.
    static SAVED: Mutex<Option<OwnedFd>> = Mutex::new(None);

    /// Points standard error at the end of `log`. Does nothing if it already is.
    pub fn redirect(log: &Path) -> io::Result<()> {
        let Ok(mut saved) = SAVED.lock() else { return Ok(()) };
        if saved.is_some() {
            return Ok(());
        }
        let named = |e: io::Error| {
            io::Error::new(e.kind(), format!("{}: {e}; choose another log file", log.display()))
        };
        let file = OpenOptions::new().create(true).append(true).open(log).map_err(named)?;
        let before = rustix::io::dup(rustix::stdio::stderr())?;
        rustix::stdio::dup2_stderr(&file)?;
        *saved = Some(before);
        Ok(())
    }

    /// Gives standard error back.
    pub fn restore() {
        // may run in a panic hook: never wait
        if let Ok(mut saved) = SAVED.try_lock()
            && let Some(before) = saved.take()
        {
            let _ = rustix::stdio::dup2_stderr(&before);
        }
    }
}

#[cfg(unix)]
pub use unix::{redirect, restore};

/// Not redirected here.
#[cfg(not(unix))]
pub fn redirect(_: &std::path::Path) -> std::io::Result<()> {
    Ok(())
}

/// Not redirected here.
#[cfg(not(unix))]
pub fn restore() {}
