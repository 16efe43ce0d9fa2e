//! The thread that reads from the terminal. It blocks in the kernel, and ends
//! when the terminal is gone instead of spinning.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Instant;

use crossbeam_channel::Sender;

use super::Event;

/// Starts the thread; it ends with the channel or the terminal. `typed` are
/// bytes that were read before.
pub fn spawn(events: Sender<Event>, typed: Vec<u8>) -> io::Result<()> {
    thread::Builder::new().name("input".into()).spawn(move || {
        // an error is a terminal that is gone, and so is a reader that panicked
        let _ = catch_unwind(AssertUnwindSafe(|| read(&events, &typed)));
        let _ = events.send(Event::HangUp);
    })?;
    Ok(())
}

/// Reads until the terminal or the interface is gone.
#[cfg(unix)]
fn read(events: &Sender<Event>, typed: &[u8]) -> io::Result<()> {
    use super::parser::Parser;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    let stdin = rustix::stdio::stdin();
    let mut parser = Parser::default();
    let mut bytes = [0u8; 4096];
    let mut inputs = Vec::new();
    parser.feed(typed, Instant::now(), &mut inputs);
    loop {
        let now = Instant::now();
        for _ in 0..parser.take_answers() {
            if events.send(Event::Shown(now)).is_err() {
                return Ok(());
            }
        }
        for input in inputs.drain(..) {
            if events.send(Event::Typed(input, now)).is_err() {
                return Ok(());
            }
        }
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        let wait = parser.deadline().map(|deadline| {
            let left = deadline.saturating_duration_since(now);
            Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() }
        });
        let ready = match poll(&mut fds, wait.as_ref()) {
            Ok(ready) => ready,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if fds[0].revents().intersects(gone) {
            return Ok(());
        }
        if ready == 0 {
            parser.expire(Instant::now(), &mut inputs);
        } else {
            match rustix::io::read(stdin, &mut bytes) {
                Ok(0) => return Ok(()),
                Ok(n) => parser.feed(&bytes[..n], Instant::now(), &mut inputs),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(not(unix))]
fn read(events: &Sender<Event>, _: &[u8]) -> io::Result<()> {
    use super::crossterm_input::translate;

    loop {
        if let Some(event) = translate(crossterm::event::read()?) {
            if events.send(event).is_err() {
                return Ok(());
            }
        }
    }
}
