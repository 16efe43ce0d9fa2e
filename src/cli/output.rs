//! Standard output: a reader who has seen enough is no failure, anything else that keeps a
//! command from telling its results is. Knows nothing of what is printed.

use std::io::{self, ErrorKind, Write as _};
use std::sync::{Mutex, PoisonError};

use crate::text;

/// The first fault of lines that were printed on the way.
static FAULT: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line. The command goes on whatever happens, as its results are more than what
/// it prints; [`finish`] tells.
pub fn line(said: std::fmt::Arguments<'_>) {
    if let Err(error) = writeln!(io::stdout(), "{}", text::lines(&said.to_string())) {
        failed(error);
    }
}

/// Prints a line to standard error; there is nobody to tell where that fails.
pub fn aside(said: &str) {
    let _ = writeln!(io::stderr(), "{}", text::lines(said));
}

/// Prints a text in which nothing steers the terminal.
///
/// # Errors
/// What the system said, unless the reader has gone.
pub fn print(said: &str) -> io::Result<()> {
    print_bytes(text::lines(said).as_bytes())
}

/// Prints bytes of our own making as they are, such as a picture or a sample of colours.
///
/// # Errors
/// What the system said, unless the reader has gone.
pub fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(named(&error)),
        _ => Ok(()),
    }
}

/// Keeps a fault of standard output for the end.
pub fn failed(error: io::Error) {
    if error.kind() != ErrorKind::BrokenPipe {
        FAULT.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// Writes what is left.
///
/// # Errors
/// The first fault of all that was printed.
pub fn finish() -> io::Result<()> {
    if let Err(error) = io::stdout().flush() {
        failed(error);
    }
    match FAULT.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(error) => Err(named(&error)),
        None => Ok(()),
    }
}

fn named(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to standard output: {error}"))
}
