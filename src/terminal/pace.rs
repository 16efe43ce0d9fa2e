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
    /// When the wheel turned last.
    turned: Option<Instant>,
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
            turned: None,
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

    /// The wheel turned; it seldom turns once.
    pub fn turned(&mut self, now: Instant) {
        self.turned = Some(now);
    }

    /// True if what costs a lot should be left out of a frame for now: over a slow link while
    /// the user types, and anywhere while the wheel turns.
    pub fn is_brief(&self, now: Instant) -> bool {
        let lately =
            |at: Option<Instant>| at.is_some_and(|at| now.saturating_duration_since(at) < REST);
        self.slow && lately(self.typed) || lately(self.turned)
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

/// What the loop does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Waits for an event, however long: no frame is wanted.
    Idle,
    /// Takes events until then, and draws.
    Until(Instant),
    /// Draws, though events keep coming.
    Draw,
}

/// Whether a frame is wanted, why, and since when.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted(Option<(Need, Instant)>);

impl Wanted {
    /// A frame is wanted; the most urgent reason counts.
    pub fn ask(&mut self, need: Need, now: Instant) {
        if self.0.is_none_or(|(before, _)| before < need) {
            self.0 = Some((need, now));
        }
    }

    /// A frame was drawn; `brief` if something was left out until the user rests.
    pub fn drawn(&mut self, brief: bool, now: Instant) {
        self.0 = brief.then_some((Need::Rest, now));
    }

    /// What is to be done at a time.
    pub fn turn(&self, pace: &Pace, now: Instant) -> Turn {
        let Some((need, since)) = self.0 else { return Turn::Idle };
        let at = pace.earliest(need, now);
        if pace.overdue(at, since, now) { Turn::Draw } else { Turn::Until(at) }
    }
}

#[cfg(test)]
mod tests;
