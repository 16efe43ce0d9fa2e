//! When the next frame may be drawn. Pure arithmetic over instants that are
//! given: no clock of its own and no thread.
//!
//! Keys are answered at once. A link that takes a frame slowly gets fewer of
//! them: whatever arrives meanwhile goes into the next frame, none is queued.
//! Progress of a computation waits for its turn, and a resize for the next one.

use std::time::{Duration, Instant};

/// A flush that takes longer means a slow link.
const SLOW: Duration = Duration::from_millis(30);
/// The longest pause that a slow link gets after a flush.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);
/// How long a resize waits for the next one, and how long all of them together.
const RESIZE: (Duration, Duration) = (Duration::from_millis(40), Duration::from_millis(250));
/// The longest time for which inputs that keep coming put a frame off.
const DRAIN: Duration = Duration::from_millis(50);
/// Time between frames that show nothing but progress, with and without
/// animation: 10 and 2 a second.
const PROGRESS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(500));

/// Why a frame is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A computation got on.
    Progress,
    /// Anything else.
    Now,
}

/// What is known about past frames.
#[derive(Debug, Clone)]
pub struct Pace {
    progress: Duration,
    /// Smoothed time of a flush, in seconds.
    flush: f64,
    /// Start and end of the last frame that wrote something.
    last: Option<(Instant, Instant)>,
    /// When the last frame ended, whether it wrote or not.
    drawn: Option<Instant>,
    /// First resize since the last frame, and when they are taken for over.
    resize: Option<(Instant, Instant)>,
}

impl Pace {
    /// A pace with or without animation.
    pub fn new(animation: bool) -> Pace {
        let progress = if animation { PROGRESS.0 } else { PROGRESS.1 };
        Pace { progress, flush: 0.0, last: None, drawn: None, resize: None }
    }

    /// The size changed.
    pub fn resized(&mut self, now: Instant) {
        let first = self.resize.map_or(now, |(first, _)| first);
        self.resize = Some((first, (now + RESIZE.0).min(first + RESIZE.1)));
    }

    /// A frame was drawn from `start` to `end`; its flush took `flush`, or
    /// nothing was written.
    pub fn drew(&mut self, start: Instant, end: Instant, flush: Option<Duration>) {
        self.resize = None;
        self.drawn = Some(end);
        if let Some(flush) = flush {
            self.flush = 0.5 * (self.flush + flush.as_secs_f64());
            self.last = Some((start, end));
        }
    }

    /// The least time between the starts of two frames: twice the time of a
    /// flush on a slow link, else none.
    pub fn interval(&self) -> Duration {
        if self.flush <= SLOW.as_secs_f64() {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(2.0 * self.flush.min(3600.0))
    }

    /// When a frame may be drawn; the past means now.
    pub fn earliest(&self, need: Need, now: Instant) -> Instant {
        let slow = self.last.map(|(start, end)| (start + self.interval()).min(end + LONGEST_PAUSE));
        let resize = self.resize.map(|(_, over)| over);
        let progress = match need {
            Need::Now => None,
            Need::Progress => self.drawn.map(|end| end + self.progress),
        };
        [slow, resize, progress].into_iter().flatten().max().unwrap_or(now)
    }

    /// True if inputs that keep coming have put the frame off long enough; it
    /// could have been drawn at `earliest`, and has been wanted since `since`.
    pub fn overdue(&self, earliest: Instant, since: Instant, now: Instant) -> bool {
        now > earliest.max(since) + DRAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_fast_link_never_waits() {
        let start = Instant::now();
        let mut pace = Pace::new(true);
        assert_eq!(pace.earliest(Need::Now, start), start);
        for i in 0..10 {
            pace.drew(start + ms(i), start + ms(i + 1), Some(ms(1)));
        }
        assert_eq!(pace.interval(), Duration::ZERO);
        assert!(pace.earliest(Need::Now, start + ms(20)) <= start + ms(20));
    }

    #[test]
    fn a_slow_link_gets_fewer_frames_and_recovers() {
        let start = Instant::now();
        let mut pace = Pace::new(true);
        for _ in 0..20 {
            pace.drew(start, start + ms(100), Some(ms(100)));
        }
        let at = pace.earliest(Need::Now, start + ms(100));
        assert!(at > start + ms(195) && at <= start + ms(200), "twice the flush");
        for _ in 0..20 {
            pace.drew(start, start + ms(1500), Some(ms(1500)));
        }
        assert_eq!(pace.earliest(Need::Now, start), start + ms(1700), "never a long pause");
        // frames that write nothing say nothing about the link
        pace.drew(start, start + ms(2000), None);
        assert!(pace.interval() > ms(2000));
        for _ in 0..8 {
            pace.drew(start, start + ms(1), Some(ms(1)));
        }
        assert_eq!(pace.interval(), Duration::ZERO);
    }

    #[test]
    fn progress_waits_for_its_turn_and_keys_do_not() {
        let start = Instant::now();
        for (animation, gap) in [(true, 100), (false, 500)] {
            let mut pace = Pace::new(animation);
            pace.drew(start, start, Some(ms(0)));
            assert_eq!(pace.earliest(Need::Progress, start), start + ms(gap));
            assert_eq!(pace.earliest(Need::Now, start), start);
            // also after frames in which nothing changed
            pace.drew(start + ms(50), start + ms(50), None);
            assert_eq!(pace.earliest(Need::Progress, start), start + ms(50 + gap));
        }
        assert!(Need::Now > Need::Progress);
    }

    #[test]
    fn resizes_are_drained_but_not_for_ever() {
        let start = Instant::now();
        let mut pace = Pace::new(true);
        pace.resized(start);
        assert_eq!(pace.earliest(Need::Now, start), start + ms(40));
        for i in 1..100 {
            pace.resized(start + ms(10 * i));
        }
        assert_eq!(pace.earliest(Need::Now, start), start + ms(250));
        assert!(!pace.overdue(start + ms(250), start, start + ms(290)));
        assert!(pace.overdue(start + ms(250), start, start + ms(310)));
        pace.drew(start, start + ms(300), Some(ms(1)));
        assert!(pace.earliest(Need::Now, start + ms(300)) <= start + ms(300));
    }
}
