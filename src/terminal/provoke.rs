//! Failures and floods on demand, for tests of what comes of them. Only in
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

/// Writes to standard error, as drivers do, if `stderr` is named.
#[cfg(debug_assertions)]
pub fn noise() {
    if named("stderr") {
        eprintln!("provoked noise");
    }
}

/// Reports progress as fast as it goes for ten seconds if `flood` is named, and
/// says whether it did.
#[cfg(debug_assertions)]
pub fn flood(news: &crate::app::port::JobNews) -> bool {
    use crate::app::jobs::JobUpdate;
    use std::time::{Duration, Instant};
    if !named("flood") {
        return false;
    }
    let until = Instant::now() + Duration::from_secs(10);
    for done in (0..=20).cycle().take_while(|_| Instant::now() < until) {
        news.send(JobUpdate::Progress { done, total: 20, unit: "images" });
        std::thread::sleep(Duration::from_micros(300));
    }
    true
}

/// Nothing in a release.
#[cfg(not(debug_assertions))]
pub fn flood(_: &crate::app::port::JobNews) -> bool {
    false
}

/// Nothing in a release.
#[cfg(not(debug_assertions))]
pub fn panic_at(_: &str) {}

/// Nothing in a release.
#[cfg(not(debug_assertions))]
pub fn noise() {}
