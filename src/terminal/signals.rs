//! The thread that receives signals. A fatal one restores the terminal through
//! the event loop; if that is stuck (a dead connection), this thread does it.

#[cfg(unix)]
mod unix {
    use std::io;
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
                    crate::exit::now((128 + signal) as u8);
                }
            }
        })?;
        Ok(Watch(handle))
    }

    /// True if a shell is there that can make us go on after a stop: our process
    /// group is one that it made in our session. Elsewhere the system ignores the
    /// signal that we catch, and so do we.
    pub fn can_stop() -> bool {
        let Some(we) = Ids::of(None) else { return false };
        // the group of the session's leader has nobody above it
        let shell = Ids::of(Some(we.parent)).is_some_and(|shell| shell.session == we.session);
        we.group != we.session && shell
    }

    /// What job control goes by. Each is 0 for one outside our process namespace,
    /// as a container's first processes have them.
    #[derive(Debug, PartialEq, Eq)]
    struct Ids {
        parent: i32,
        group: i32,
        session: i32,
    }

    impl Ids {
        /// Of a process, or of ours; `None` if that cannot be known. Linux is read
        /// from its table of processes, as rustix has no number for "outside".
        #[cfg(target_os = "linux")]
        fn of(process: Option<i32>) -> Option<Ids> {
            let path = match process {
                Some(id) => format!("/proc/{id}/stat"),
                None => "/proc/self/stat".to_owned(),
            };
            Ids::parse(&std::fs::read_to_string(path).ok()?)
        }

        /// Reads `pid (name) state parent group session ...`; a name may hold
        /// anything.
        #[cfg(target_os = "linux")]
        fn parse(stat: &str) -> Option<Ids> {
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
            let mut next = || fields.next()?.parse().ok();
            Some(Ids { parent: next()?, group: next()?, session: next()? })
        }

        /// Of a process, or of ours; `None` if that cannot be known.
        #[cfg(not(target_os = "linux"))]
        fn of(process: Option<i32>) -> Option<Ids> {
            use rustix::process::{Pid, getpgid, getppid, getsid};
            let id = match process {
                Some(id) => Some(Pid::from_raw(id)?),
                None => None,
            };
            let parent = if id.is_none() { getppid().map_or(0, Pid::as_raw_pid) } else { 0 };
            let group = getpgid(id).ok()?.as_raw_pid();
            Some(Ids { parent, group, session: getsid(id).ok()?.as_raw_pid() })
        }
    }

    #[cfg(all(test, target_os = "linux"))]
    mod tests {
        use super::Ids;

        #[test]
        fn the_table_of_processes_is_read_whatever_the_name_is() {
            let ids = |parent, group, session| Some(Ids { parent, group, session });
            assert_eq!(Ids::parse("7 (sh) S 5 7 3 34816 7 0"), ids(5, 7, 3));
            assert_eq!(Ids::parse("7 (a) S 1 2 3 (b) R 0 9 0 0"), ids(0, 9, 0));
            for bad in ["", "7 sh S 5 7 3", "7 (sh) S 5 7", "7 (sh) S five 7 3"] {
                assert_eq!(Ids::parse(bad), None, "{bad}");
            }
            let we = Ids::of(None).unwrap();
            assert_eq!(we.parent, std::os::unix::process::parent_id() as i32);
            assert_eq!(Ids::of(Some(std::process::id() as i32)), Some(we));
            assert_eq!(Ids::of(Some(0)), None);
        }
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
