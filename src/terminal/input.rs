//! The thread that reads from the terminal. It blocks in the kernel, and ends
//! when the terminal is gone instead of spinning.

use std::io;
use std::thread;

use crossbeam_channel::Sender;

use super::Event;

/// Starts the thread; it ends with the channel or the terminal.
pub fn spawn(events: Sender<Event>) -> io::Result<()> {
    thread::Builder::new().name("input".into()).spawn(move || {
        // an error is a terminal that is gone
        let _ = read(&events);
        let _ = events.send(Event::HangUp);
    })?;
    Ok(())
}

/// Reads until the terminal or the interface is gone.
#[cfg(unix)]
fn read(events: &Sender<Event>) -> io::Result<()> {
    use super::parser::Parser;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    /// How long the rest of a sequence may take; then an escape is a key.
    const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

    let stdin = rustix::stdio::stdin();
    let mut parser = Parser::default();
    let mut bytes = [0u8; 4096];
    let mut inputs = Vec::new();
    loop {
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        let ready = match poll(&mut fds, parser.is_pending().then_some(&PATIENCE)) {
            Ok(ready) => ready,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if fds[0].revents().intersects(gone) {
            return Ok(());
        }
        if ready == 0 {
            parser.flush(&mut inputs);
        } else {
            match rustix::io::read(stdin, &mut bytes) {
                Ok(0) => return Ok(()),
                Ok(n) => parser.feed(&bytes[..n], &mut inputs),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for input in inputs.drain(..) {
            if events.send(Event::Input(input)).is_err() {
                return Ok(());
            }
        }
    }
}

#[cfg(not(unix))]
fn read(events: &Sender<Event>) -> io::Result<()> {
    use super::crossterm_input::translate;

    loop {
        if let Some(event) = translate(crossterm::event::read()?) {
            if events.send(event).is_err() {
                return Ok(());
            }
        }
    }
}
