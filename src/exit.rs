//! The end of the process.
//!
//! Graphics drivers are libraries with threads and destructors of their own,
//! loaded while adapters are looked for, perhaps by a thread that has not come
//! back yet. Running C's exit handlers beside that aborts with a corrupted heap
//! (glibc's loader and LLVM's options are not made for it), after all work is
//! done. So the process ends without them.

use std::io::Write as _;

/// Exit code of a panic, as Rust's own runtime has it.
pub const PANIC: u8 = 101;

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
