//! When the next frame may be drawn. Pure arithmetic over instants that are
//! given: no clock of its own and no thread.
//!
//! Keys are answered at once. A link that takes a frame slowly gets fewer of
//! them: whatever arrives meanwhile goes into the next frame, none is queued.
//! An SSH server takes a lot before it makes us wait, so over SSH the terminal
//! says itself when it has shown a frame, and the next one waits for that.
//! Progress of a computation waits for its turn, a resize for the next one, and
//! pictures over a slow link until the user rests.

use std::collections::VecDeque;
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

/// How long the terminal may take to say that it has shown a frame, and how
/// often it may say nothing at first.
const ANSWER: (Duration, u32) = (Duration::from_secs(2), 3);
/// Frames of fewer bytes say nothing about the link: they fit into buffers.
const BULKY: usize = 4_000;
/// An answer to a bulky frame that takes longer means a slow link.
const SLOW_ANSWER: Duration = Duration::from_millis(150);
/// How long nothing is typed before the user is taken to rest.
const REST: Duration = Duration::from_millis(250);

/// Why a frame is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Something was left out of the last one until the user rests.
    Rest,
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
    /// Whether the terminal is asked when it has shown a frame.
    remote: bool,
    /// Frames without an answer: when they were sent, and their bytes.
    unanswered: VecDeque<(Instant, usize)>,
    /// The terminal has answered.
    answers: bool,
    misses: u32,
    /// A bulky frame took long.
    slow: bool,
    typed: Option<Instant>,
}

impl Pace {
    /// A pace with or without animation, for a terminal here or elsewhere.
    pub fn new(animation: bool, remote: bool) -> Pace {
        Pace {
            progress: if animation { PROGRESS.0 } else { PROGRESS.1 },
            flush: 0.0,
            last: None,
            drawn: None,
            resize: None,
            remote,
            unanswered: VecDeque::new(),
            answers: false,
            misses: 0,
            slow: false,
            typed: None,
        }
    }

    /// Whether the next frame should ask the terminal to answer.
    pub fn asks(&self) -> bool {
        self.remote && self.misses < ANSWER.1
    }

    /// Whether an answer is still to come.
    pub fn is_waiting(&self) -> bool {
        self.answers && !self.unanswered.is_empty()
    }

    /// The terminal has answered a frame.
    pub fn shown(&mut self, now: Instant) {
        self.answers = true;
        self.misses = 0;
        if let Some((sent, bytes)) = self.unanswered.pop_front()
            && bytes >= BULKY
        {
            self.slow = now.saturating_duration_since(sent) > SLOW_ANSWER;
        }
    }

    /// The user did something.
    pub fn typed(&mut self, now: Instant) {
        self.typed = Some(now);
    }

    /// True if what costs a lot should be left out of a frame for now.
    pub fn is_brief(&self, now: Instant) -> bool {
        self.slow && self.typed.is_some_and(|at| now.saturating_duration_since(at) < REST)
    }

    /// The size changed.
    pub fn resized(&mut self, now: Instant) {
        let first = self.resize.map_or(now, |(first, _)| first);
        self.resize = Some((first, (now + RESIZE.0).min(first + RESIZE.1)));
    }

    /// A frame of `bytes` was drawn from `start` to `end`; `flush` is the time
    /// that the last part of it took.
    pub fn drew(&mut self, start: Instant, end: Instant, flush: Duration, bytes: usize) {
        self.resize = None;
        self.drawn = Some(end);
        if bytes > 0 {
            if self.asks() {
                if !self.unanswered.is_empty() {
                    // not waited for any longer
                    self.unanswered.clear();
                    self.answers = false;
                    self.misses += 1;
                }
                self.unanswered.push_back((end, bytes));
            }
            if bytes >= BULKY && (!self.remote || flush > SLOW) {
                self.slow = flush > SLOW;
            }
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
        let turn = match need {
            Need::Now => None,
            Need::Progress => self.drawn.map(|end| end + self.progress),
            Need::Rest => self.typed.map(|at| at + REST),
        };
        let answer = self.unanswered.back().filter(|_| self.answers);
        let answer = answer.map(|(sent, _)| *sent + ANSWER.0);
        [slow, resize, turn, answer].into_iter().flatten().max().unwrap_or(now)
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
        let mut pace = Pace::new(true, false);
        assert_eq!(pace.earliest(Need::Now, start), start);
        for i in 0..10 {
            pace.drew(start + ms(i), start + ms(i + 1), ms(1), 100);
        }
        assert_eq!(pace.interval(), Duration::ZERO);
        assert!(pace.earliest(Need::Now, start + ms(20)) <= start + ms(20));
    }

    #[test]
    fn a_slow_link_gets_fewer_frames_and_recovers() {
        let start = Instant::now();
        let mut pace = Pace::new(true, false);
        for _ in 0..20 {
            pace.drew(start, start + ms(100), ms(100), 100);
        }
        let at = pace.earliest(Need::Now, start + ms(100));
        assert!(at > start + ms(195) && at <= start + ms(200), "twice the flush");
        for _ in 0..20 {
            pace.drew(start, start + ms(1500), ms(1500), 100);
        }
        assert_eq!(pace.earliest(Need::Now, start), start + ms(1700), "never a long pause");
        // frames that write nothing say nothing about the link
        pace.drew(start, start + ms(2000), ms(0), 0);
        assert!(pace.interval() > ms(2000));
        for _ in 0..8 {
            pace.drew(start, start + ms(1), ms(1), 100);
        }
        assert_eq!(pace.interval(), Duration::ZERO);
    }

    #[test]
    fn progress_waits_for_its_turn_and_keys_do_not() {
        let start = Instant::now();
        for (animation, gap) in [(true, 100), (false, 500)] {
            let mut pace = Pace::new(animation, false);
            pace.drew(start, start, ms(0), 100);
            assert_eq!(pace.earliest(Need::Progress, start), start + ms(gap));
            assert_eq!(pace.earliest(Need::Now, start), start);
            // also after frames in which nothing changed
            pace.drew(start + ms(50), start + ms(50), ms(0), 0);
            assert_eq!(pace.earliest(Need::Progress, start), start + ms(50 + gap));
        }
        assert!(Need::Now > Need::Progress);
    }

    #[test]
    fn resizes_are_drained_but_not_for_ever() {
        let start = Instant::now();
        let mut pace = Pace::new(true, false);
        pace.resized(start);
        assert_eq!(pace.earliest(Need::Now, start), start + ms(40));
        for i in 1..100 {
            pace.resized(start + ms(10 * i));
        }
        assert_eq!(pace.earliest(Need::Now, start), start + ms(250));
        assert!(!pace.overdue(start + ms(250), start, start + ms(290)));
        assert!(pace.overdue(start + ms(250), start, start + ms(310)));
        pace.drew(start, start + ms(300), ms(1), 100);
        assert!(pace.earliest(Need::Now, start + ms(300)) <= start + ms(300));
    }

    #[test]
    fn over_ssh_a_frame_waits_for_the_answer_to_the_last() {
        let start = Instant::now();
        let mut pace = Pace::new(true, true);
        assert!(pace.asks());
        pace.drew(start, start, ms(0), 9_000);
        // not known yet whether it answers at all: nobody waits
        assert_eq!(pace.earliest(Need::Now, start), start);
        pace.shown(start + ms(400));
        assert!(pace.slow && !pace.is_waiting());
        pace.drew(start + ms(500), start + ms(500), ms(0), 200);
        assert!(pace.is_waiting());
        assert_eq!(pace.earliest(Need::Now, start), start + ms(2500));
        pace.shown(start + ms(600));
        assert!(pace.earliest(Need::Now, start + ms(600)) <= start + ms(600));
        assert!(pace.slow, "a small frame says nothing");
        pace.drew(start + ms(700), start + ms(700), ms(0), 9_000);
        pace.shown(start + ms(750));
        assert!(!pace.slow);
        // a terminal that answers no more is not waited for for ever
        for i in 1..=4 {
            pace.drew(start, start + ms(3000 * i), ms(0), 200);
        }
        assert!(!pace.is_waiting() && !pace.asks());
        assert!(!Pace::new(true, false).asks());
    }

    #[test]
    fn pictures_wait_for_rest_over_a_slow_link_only() {
        let start = Instant::now();
        let mut pace = Pace::new(true, false);
        pace.typed(start);
        assert!(!pace.is_brief(start));
        pace.drew(start, start, ms(300), 9_000);
        assert!(pace.is_brief(start + ms(249)) && !pace.is_brief(start + ms(250)));
        pace.typed(start + ms(1000));
        assert_eq!(pace.earliest(Need::Rest, start), start + ms(1250));
        pace.drew(start, start, ms(1), 9_000);
        assert!(!pace.is_brief(start + ms(1000)));
    }
}
