//! The rule with instants that are given, and what comes of it on links that are
//! played: how many frames there are, and when a key is answered.

use std::collections::BTreeMap;

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

/// What arrives at the loop.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Arrival {
    Key,
    Progress,
    Resize,
    /// The terminal has shown a frame.
    Shown,
}

/// A link to a terminal.
#[derive(Debug, Clone, Copy)]
struct Link {
    /// How long a write of a frame waits.
    flush: Duration,
    /// How long the answer to a frame takes, where there is one.
    answer: Option<Duration>,
    /// Bytes of a frame.
    bytes: usize,
}

const HERE: Link = Link { flush: Duration::from_millis(1), answer: None, bytes: 9_000 };

/// Plays the loop: events at given times, frames that take their time. Returns when
/// frames began, from the start, and what had arrived before each since the last.
fn play(
    mut pace: Pace,
    link: Link,
    arrivals: impl IntoIterator<Item = (Duration, Arrival)>,
) -> Vec<(Duration, Vec<Arrival>)> {
    let start = Instant::now();
    let mut queue: BTreeMap<(Instant, usize), Arrival> = BTreeMap::new();
    for (n, (at, arrival)) in arrivals.into_iter().enumerate() {
        queue.insert((start + at, n), arrival);
    }
    let (mut now, mut wanted) = (start, Wanted::default());
    let (mut frames, mut taken) = (Vec::new(), Vec::new());
    loop {
        let until = match wanted.turn(&pace, now) {
            Turn::Draw => None,
            Turn::Until(at) => Some(at.max(now)),
            Turn::Idle if queue.is_empty() => return frames,
            Turn::Idle => Some(now + Duration::from_secs(3600)),
        };
        let next = queue.first_entry().filter(|e| until.is_some_and(|until| e.key().0 <= until));
        let Some(entry) = next else {
            now = until.unwrap_or(now);
            let (began, asks) = (now, pace.asks());
            now += ms(1) + link.flush;
            pace.drew(began, now, link.flush, link.bytes);
            wanted.drawn(false, now);
            frames.push((began - start, std::mem::take(&mut taken)));
            if let Some(answer) = link.answer.filter(|_| asks) {
                queue.insert((now + answer, usize::MAX), Arrival::Shown);
            }
            continue;
        };
        now = now.max(entry.key().0);
        let arrival = entry.remove();
        taken.push(arrival);
        match arrival {
            Arrival::Shown => {
                pace.shown(now);
                continue;
            }
            Arrival::Key => pace.typed(now),
            Arrival::Resize => pace.resized(now),
            Arrival::Progress => {}
        }
        let progress = arrival == Arrival::Progress;
        wanted.ask(if progress { Need::Progress } else { Need::Now }, now);
    }
}

/// `count` arrivals, one every so many microseconds.
fn every(us: u64, count: u64, what: Arrival) -> impl Iterator<Item = (Duration, Arrival)> {
    (0..count).map(move |n| (Duration::from_micros(us * n), what))
}

#[test]
fn without_events_there_are_no_frames() {
    assert_eq!(play(Pace::new(true, false), HERE, []), []);
    assert_eq!(Wanted::default().turn(&Pace::new(true, false), Instant::now()), Turn::Idle);
}

#[test]
fn a_flood_of_progress_is_drawn_seldom_and_keys_are_answered_at_once() {
    for (animation, frames_a_second) in [(true, 10), (false, 2)] {
        // some thousand reports a second for three seconds, and keys among them
        let flood = every(300, 10_000, Arrival::Progress);
        let frames = play(Pace::new(animation, false), HERE, flood);
        let most = 3 * frames_a_second + 2;
        assert!((most - 4..=most).contains(&frames.len()), "{animation}: {} frames", frames.len());
        let keys = [700, 1234, 2001].map(|at| (ms(at), Arrival::Key));
        let flood = every(300, 10_000, Arrival::Progress).chain(keys);
        let frames = play(Pace::new(animation, false), HERE, flood);
        for (pressed, _) in keys {
            let answer =
                frames.iter().find(|(at, what)| *at >= pressed && what.contains(&Arrival::Key));
            let late = answer.unwrap().0 - pressed;
            assert!(late <= DRAIN + ms(1), "{animation}: answered after {late:?}");
        }
    }
}

#[test]
fn over_a_slow_link_keys_are_answered_and_frames_are_dropped() {
    for flush in [100, 300, 2000] {
        let link = Link { flush: ms(flush), ..HERE };
        let frames = play(Pace::new(true, false), link, every(25_000, 60, Arrival::Key));
        assert!((1..30).contains(&frames.len()), "{flush}: {} frames for 60 keys", frames.len());
        let keys = frames.iter().flat_map(|(_, what)| what).count();
        assert_eq!(keys, 60, "{flush}: every key is in a frame");
        // the last one waits for the frame before it and a pause at most
        let late = frames.last().unwrap().0.saturating_sub(ms(59 * 25));
        assert!(late <= ms(flush) + LONGEST_PAUSE + ms(2), "{flush}: after {late:?}");
    }
}

#[test]
fn over_ssh_frames_follow_answers() {
    // any number of bytes goes out at once; the terminal answers 300 ms later
    let link = Link { answer: Some(ms(300)), ..HERE };
    let first = (Duration::ZERO, Arrival::Key);
    let typed = (0..200).map(|n| (ms(1000 + 10 * n), Arrival::Key));
    let frames = play(Pace::new(true, true), link, std::iter::once(first).chain(typed));
    let drawn = frames.len() - 1;
    assert!((3..=12).contains(&drawn), "{drawn} frames for 200 keys");
    for pair in frames.windows(2) {
        let shown = pair[1].1.contains(&Arrival::Shown);
        assert!(shown && pair[1].0 - pair[0].0 >= ms(300), "a frame waits: {pair:?}");
    }
    let late = frames.last().unwrap().0.saturating_sub(ms(2990));
    assert!(late <= ms(310), "the last key is answered after {late:?}");
    // one that never answers is not waited for
    let link = Link { answer: None, ..HERE };
    let frames = play(Pace::new(true, true), link, every(50_000, 40, Arrival::Key));
    assert_eq!(frames.len(), 40);
}

#[test]
fn a_storm_of_resizes_ends_in_few_frames_and_one_after_the_last() {
    let frames = play(Pace::new(true, false), HERE, every(8_000, 51, Arrival::Resize));
    assert!((1..=4).contains(&frames.len()), "{} frames for 51 sizes", frames.len());
    assert!(frames.last().unwrap().0 >= ms(50 * 8 + 40));
}

#[test]
fn while_the_wheel_turns_frames_are_brief_over_any_link() {
    let start = Instant::now();
    let mut pace = Pace::new(true, false);
    assert!(!pace.is_brief(start));
    pace.turned(start);
    assert!(pace.is_brief(start) && pace.is_brief(start + ms(249)));
    assert!(!pace.is_brief(start + ms(250)));
}
