//! Silence for native code that writes to standard error.
//!
//! Graphics drivers and loaders print warnings (`XDG_RUNTIME_DIR is invalid`)
//! straight to file descriptor 2 while they are being looked for; beside a
//! progress bar or an error of ours they only confuse.

/// Runs `work` with standard error pointed at nothing, where that is possible.
#[cfg(unix)]
pub fn without_stderr<R>(work: impl FnOnce() -> R) -> R {
    let silence = || -> std::io::Result<std::os::fd::OwnedFd> {
        let nothing = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
        let before = rustix::io::dup(rustix::stdio::stderr())?;
        rustix::stdio::dup2_stderr(&nothing)?;
        Ok(before)
    };
    let before = silence();
    let result = work();
    if let Ok(before) = before {
        let _ = rustix::stdio::dup2_stderr(&before);
    }
    result
}

/// Runs `work`.
#[cfg(not(unix))]
pub fn without_stderr<R>(work: impl FnOnce() -> R) -> R {
    work()
}
