//! Failures on demand, for tests of what comes of them. Only in
//! developer builds, and only where `BLOCKSCOPE_TEST_FAILURE` names them.

#[cfg(debug_assertions)]
fn named(place: &str) -> bool {
    std::env::var("BLOCKSCOPE_TEST_FAILURE").is_ok_and(|name| name == place)
}

/// Panics if this place is named.
#[cfg(debug_assertions)]
pub fn panic_at(place: &str) {
    if named(place) {
        panic!("provoked in {place}");
    }
}

/// Asks for more memory than there is if this place is named.
#[cfg(debug_assertions)]
pub fn memory_at(place: &str) {
    if named(place) {
        std::hint::black_box(vec![1u8; isize::MAX as usize]);
    }
}

/// Writes to standard error, as drivers do, if `stderr` is named.
#[cfg(debug_assertions)]
pub fn noise() {
    if named("stderr") {
        eprintln!("provoked noise");
    }
}

/// Nothing in a release.
#[cfg(not(debug_assertions))]
pub fn panic_at(_: &str) {}

/// Nothing in a release.
#[cfg(not(debug_assertions))]
pub fn memory_at(_: &str) {}

/// Nothing in a release.
#[cfg(not(debug_assertions))]
pub fn noise() {}
