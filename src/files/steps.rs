//! Where a process may be killed between two changes of the disk. Tests stop there and
//! look at what is left; in the program nothing happens here.

use std::io;

#[cfg(test)]
thread_local! {
    /// Changes that are still made before the end; `None` where nobody ends.
    static LEFT: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

/// A change of the disk comes next.
///
/// # Errors
/// In tests, from the point on where the process counts as killed.
#[inline]
pub(crate) fn step() -> io::Result<()> {
    #[cfg(test)]
    if let Some(left) = LEFT.get() {
        match left {
            0 => return Err(io::Error::other("killed")),
            left => LEFT.set(Some(left - 1)),
        }
    }
    Ok(())
}

/// True where the process counts as killed, so that nothing may be tidied up either.
#[inline]
pub(crate) fn killed() -> bool {
    #[cfg(test)]
    return LEFT.get() == Some(0);
    #[cfg(not(test))]
    false
}

/// Does something as a process that is killed after `changes` changes of the disk; true
/// if it came to its end.
#[cfg(test)]
pub(crate) fn killed_after(changes: usize, work: impl FnOnce()) -> bool {
    LEFT.set(Some(changes));
    work();
    let end = LEFT.replace(None);
    end != Some(0)
}
