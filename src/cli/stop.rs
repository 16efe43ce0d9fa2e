//! Signals that end a command: the first asks the work to stop at its next safe point,
//! where what was written is whole, the second ends the process. Knows no work.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, atomic::AtomicBool};

use crate::engine::CancelToken;

/// Which signal came first; 0 if none.
static FIRST: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// What a signal cancels. Signals that were ignored when the program was started, as
/// `nohup` has it, stay ignored.
pub fn token() -> CancelToken {
    static TOKEN: OnceLock<CancelToken> = OnceLock::new();
    TOKEN.get_or_init(install).clone()
}

fn install() -> CancelToken {
    let stop = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        use signal_hook::flag::{register, register_conditional_shutdown, register_usize};
        let first = FIRST.get_or_init(Arc::default);
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if ignored(signal) {
                continue;
            }
            let (flag, seen) = (Arc::clone(&stop), Arc::clone(first));
            // in this order: only a second one finds the flag up
            let both = register_conditional_shutdown(signal, 128 + signal, Arc::clone(&flag))
                .and_then(|_| register_usize(signal, seen, signal as usize))
                .and_then(|_| register(signal, flag));
            if let Err(error) = both {
                tracing::warn!("signal {signal} ends the program at once: {error}");
            }
        }
    }
    CancelToken::from(stop)
}

/// Name and exit code of the signal that stopped the work.
pub fn by() -> Option<(&'static str, u8)> {
    let signal = FIRST.get()?.load(Ordering::Relaxed);
    match signal {
        1 => Some(("SIGHUP", 129)),
        2 => Some(("SIGINT", 130)),
        15 => Some(("SIGTERM", 143)),
        _ => None,
    }
}

/// Name of the signal that stopped the work.
pub fn signal() -> Option<&'static str> {
    by().map(|(name, _)| name)
}

/// True if a signal was ignored when the program started.
#[cfg(unix)]
fn ignored(signal: i32) -> bool {
    match std::fs::read_to_string("/proc/self/status") {
        Ok(status) => ignores(&status, signal),
        // nobody can be asked: a hang-up may have been ignored on purpose
        Err(_) => signal == signal_hook::consts::SIGHUP,
    }
}

/// Reads the mask of ignored signals of Linux's table of processes.
#[cfg(unix)]
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tx\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert!(ignores(status, 1) && ignores(status, 13));
        assert!(!ignores(status, 2) && !ignores(status, 15) && !ignores("", 1));
    }
}
