//! Allocator settings for work on large, short-lived tensors.
//!
//! glibc gives every block above 32 MiB at most straight back to the system, so
//! that each activation would be mapped and zeroed page by page again. Keeping
//! large blocks makes a forward pass on the CPU measurably faster. The only file
//! of the crate with unsafe code.

/// Tells the C allocator to keep large blocks. Does nothing elsewhere than on
/// Linux with glibc. Call once, before other threads start.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn keep_large_blocks() {
    const GIB: libc::c_int = 1 << 30;
    // SAFETY: `mallopt` only sets parameters of the allocator; these two are
    // valid with any non-negative value, and a refusal (0) changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, GIB);
        libc::mallopt(libc::M_TRIM_THRESHOLD, GIB);
    }
}

/// Tells the C allocator to keep large blocks; nothing to do here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_large_blocks() {}
