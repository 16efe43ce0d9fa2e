//! The thread that receives signals. A fatal one restores the terminal through
//! the event loop; if that is stuck (a dead connection), this thread does it.

#[cfg(unix)]
mod unix {
    use std::io;
    use std::process;
    use std::thread;
    use std::time::Duration;

    use crossbeam_channel::Sender;
    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
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
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGWINCH, SIGCONT])?;
        let handle = signals.handle();
        thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in &mut signals {
                let event = match signal {
                    SIGWINCH => Event::Resized,
                    SIGCONT => Event::Continued,
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

    /// Stops the whole process group, as Ctrl-Z would. Returns when it goes on;
    /// at once where nobody could make it go on.
    pub fn suspend() {
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
    }
}

#[cfg(unix)]
pub use unix::{spawn, suspend};

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
pub fn suspend() {}
