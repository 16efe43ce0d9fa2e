//! Allocator settings for work on large, short-lived tensors.
//!
//! glibc gives every block above 32 MiB at most straight back to the system, so
//! that each activation would be mapped and zeroed page by page again; and so it
//! does with all of 64 MiB and more that a thread other than the first asks for
//! (an arena of its own has no room for them). Keeping large blocks, in one arena,
//! makes a forward pass on the CPU measurably faster. The only file of the crate
//! with unsafe code.

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
