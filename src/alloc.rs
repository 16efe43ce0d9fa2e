//! Allocator settings for work on large, short-lived tensors, and what happens where there
//! is no memory.
//!
//! glibc gives every block above 32 MiB at most straight back to the system, so
//! that each activation would be mapped and zeroed page by page again; and so it
//! does with all of 64 MiB and more that a thread other than the first asks for
//! (an arena of its own has no room for them). Keeping large blocks, in one arena,
//! makes a forward pass on the CPU measurably faster. The only file of the crate
//! with unsafe code.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of the last request that the system refused; 0 if there was none.
static REFUSED: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, which remembers what it was refused: a program that cannot go
/// on without has no other way to say how much it was.
#[derive(Debug, Clone, Copy, Default)]
pub struct Remembering;

fn remembered(block: *mut u8, size: usize) -> *mut u8 {
    if block.is_null() {
        REFUSED.store(size, Ordering::Relaxed);
    }
    block
}

// SAFETY: every call goes to the system's allocator as it came, and its answer back.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Remembering {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that are asked for here.
        remembered(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        remembered(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        remembered(unsafe { System.realloc(block, layout, size) }, size)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Bytes of the last request that the system refused, if there was one.
pub fn refused() -> Option<usize> {
    Some(REFUSED.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
}

/// Calls `last` when the process aborts, as it does where memory is refused that it cannot
/// go on without. `last` runs in a signal handler: it may take no memory and wait for no
/// lock. The first call counts.
///
/// # Errors
/// If the system takes no handler.
#[cfg(unix)]
#[allow(unsafe_code)]
pub fn on_abort(last: fn()) -> std::io::Result<()> {
    static ONCE: std::sync::Once = std::sync::Once::new();
    let mut done = Ok(());
    // SAFETY: `last` does what is allowed in a signal handler; it is for this alone.
    ONCE.call_once(|| {
        let handler =
            unsafe { signal_hook::low_level::register(signal_hook::consts::SIGABRT, last) };
        done = handler.map(drop);
    });
    done
}

/// Tells the C allocator to keep large blocks. Does nothing elsewhere than on
/// Linux with glibc. Call once, before other threads start.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn keep_large_blocks() {
    const GIB: libc::c_int = 1 << 30;
    // SAFETY: `mallopt` only sets parameters of the allocator; these are valid
    // with any positive value, and a refusal (0) changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, GIB);
        libc::mallopt(libc::M_TRIM_THRESHOLD, GIB);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Tells the C allocator to keep large blocks; nothing to do here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_large_blocks() {}
