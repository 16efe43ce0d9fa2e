//! The end of the process, as it should be and as it may come.
//!
//! Graphics drivers are libraries with threads and destructors of their own,
//! loaded while adapters are looked for, perhaps by a thread that has not come
//! back yet. Running C's exit handlers beside that aborts with a corrupted heap
//! (glibc's loader and LLVM's options are not made for it), after all work is
//! done. So the process ends without them.

use std::io::Write as _;

/// Exit code of a panic, as Rust's own runtime has it.
pub const PANIC: u8 = 101;
/// Exit code of a process that was refused memory.
const FAILURE: u8 = 1;

/// What leaves the terminal.
#[cfg(unix)]
static LEAVE: std::sync::OnceLock<fn()> = std::sync::OnceLock::new();

/// Ends the process at once, after flushing standard output and error. Runs no
/// destructor and no exit handler.
pub fn now(code: u8) -> ! {
    // a reader who has gone is no failure
    let _ = std::io::stdout().flush();
    let _ = std::io::stderr().flush();
    #[cfg(unix)]
    signal_hook::low_level::exit(i32::from(code));
    #[cfg(not(unix))]
    std::process::exit(i32::from(code))
}

/// Makes ready for ends that nobody wants: a file that may not grow further is an error of
/// writing it instead of the end, and memory that is refused is told in one line, after
/// `leave` has left the terminal as it was, from within a signal handler. Call once, before
/// other threads start.
pub fn prepare(leave: fn()) {
    #[cfg(not(unix))]
    let _ = leave;
    #[cfg(unix)]
    {
        let _ = LEAVE.set(leave);
        let seen = std::sync::Arc::default();
        let size = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, seen);
        // what cannot be prepared ends as it did
        if let Err(error) = size.map(drop).and(crate::alloc::on_abort(aborted)) {
            tracing::warn!("no signal handlers: {error}");
        }
    }
}

/// The last words of a process that aborts. Runs in a signal handler.
#[cfg(unix)]
fn aborted() {
    if let Some(leave) = LEAVE.get() {
        leave();
    }
    if let Some(bytes) = crate::alloc::refused() {
        let mut words = Words::default();
        words.put(b"blockscope: out of memory: ");
        words.number(bytes);
        words.put(b" bytes at once were refused; give it less to do at a time, or more memory\n");
        let _ = rustix::io::write(rustix::stdio::stderr(), words.bytes());
        signal_hook::low_level::exit(i32::from(FAILURE));
    }
}

/// A line that takes no memory.
#[cfg(unix)]
struct Words {
    bytes: [u8; 160],
    len: usize,
}

#[cfg(unix)]
impl Default for Words {
    fn default() -> Words {
        Words { bytes: [0; 160], len: 0 }
    }
}

#[cfg(unix)]
impl Words {
    fn put(&mut self, text: &[u8]) {
        for (to, from) in self.bytes.iter_mut().skip(self.len).zip(text) {
            *to = *from;
            self.len += 1;
        }
    }

    fn number(&mut self, mut value: usize) {
        let (mut digits, mut at) = ([0u8; 20], 20);
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 || at == 0 {
                break;
            }
        }
        self.put(&digits[at..]);
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn last_words_take_no_memory_and_say_numbers() {
        for value in [0, 7, 10, 8_400_000_000, usize::MAX] {
            let mut words = Words::default();
            words.put(b"<");
            words.number(value);
            words.put(b">");
            assert_eq!(words.bytes(), format!("<{value}>").as_bytes());
        }
        let mut words = Words::default();
        words.put(&[b'x'; 1000]);
        assert_eq!(words.bytes().len(), 160);
    }
}
