//! The explorer on a real terminal: it starts, is silent when idle, answers over
//! a slow link, and leaves no trace however it ends.
//!
//! Skipped, with the reason printed, where no pseudo terminal can be had.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(target_os = "linux")]
mod answers;
#[cfg(target_os = "linux")]
mod deleting;
#[cfg(target_os = "linux")]
mod drawing;
#[cfg(target_os = "linux")]
mod ending;
#[cfg(target_os = "linux")]
mod explorer;
#[cfg(target_os = "linux")]
mod terminal;

#[cfg(not(target_os = "linux"))]
#[test]
fn skipped() {
    eprintln!("test of the terminal skipped: it runs on Linux only");
}
