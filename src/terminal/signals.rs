//! The thread that receives signals. A fatal one restores the terminal through
//! the event loop; if that is stuck (a dead connection), this thread does it.

#[cfg(unix)]
mod unix {
    use std::io;
    use std::process;
    use std::thread;
    use std::time::Duration;

    use crossbeam_channel::Sender;
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
    use signal_hook::iterator::{Handle, Signals};

    use super::super::{Event, session};

    /// How long the event loop may take to end.
    const PATIENCE: Duration = Duration::from_secs(1);
    /// How long the terminal may take to be left; a link that is stuck may
    /// never take the last bytes.
    const LEAVE: Duration = Duration::from_millis(500);

    /// Stops the thread when dropped.
    #[derive(Debug)]
    pub struct Watch(Handle);

    impl Drop for Watch {
        fn drop(&mut self) {
            self.0.close();
        }
    }

    /// Starts the thread.
    pub fn spawn(events: Sender<Event>) -> io::Result<Watch> {
        let all = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGWINCH, SIGCONT, SIGTSTP];
        let mut signals = Signals::new(all)?;
        let handle = signals.handle();
        thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in &mut signals {
                let event = match signal {
                    SIGWINCH => Event::Resized,
                    SIGCONT => Event::Continued,
                    SIGTSTP => Event::Stop,
                    fatal => Event::Signal(fatal),
                };
                let fatal = matches!(event, Event::Signal(_));
                let sent = events.send(event).is_ok();
                if fatal {
                    if sent {
                        thread::sleep(PATIENCE);
                    }
                    let (done, left) = crossbeam_channel::bounded(1);
                    let leave = move || {
                        session::leave();
                        let _ = done.send(());
                    };
                    if thread::Builder::new().name("leave".into()).spawn(leave).is_ok() {
                        let _ = left.recv_timeout(LEAVE);
                    }
                    process::exit(128 + signal);
                }
            }
        })?;
        Ok(Watch(handle))
    }

    /// True if a shell is there that can make us go on after a stop: our process
    /// group is one that it made in our session. Elsewhere the system ignores the
    /// signal that we catch, and so do we.
    pub fn can_stop() -> bool {
        use rustix::process::{getpgrp, getppid, getsid};
        let Ok(session) = getsid(None) else { return false };
        // the group of the session's leader has nobody above it
        let parent = getppid().and_then(|parent| getsid(Some(parent)).ok());
        getpgrp() != session && parent == Some(session)
    }

    /// Stops us, or with `group` everything that Ctrl-Z would. Returns when it goes
    /// on. The signal is one that cannot be caught, as we catch the usual one to
    /// leave the terminal first.
    pub fn suspend(group: bool) {
        use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
        let _ = match group {
            true => kill_current_process_group(Signal::STOP),
            false => kill_process(getpid(), Signal::STOP),
        };
    }
}

#[cfg(unix)]
pub use unix::{can_stop, spawn, suspend};

/// Nothing to watch here.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Watch;

/// Nothing to watch here.
#[cfg(not(unix))]
pub fn spawn(_: crossbeam_channel::Sender<super::Event>) -> std::io::Result<Watch> {
    Ok(Watch)
}

/// There is no such thing here.
#[cfg(not(unix))]
pub fn can_stop() -> bool {
    false
}

/// There is no such thing here.
#[cfg(not(unix))]
pub fn suspend(_: bool) {}
