//! Progress of the lab on standard error: a bar on a terminal, otherwise a plain line now
//! and then. Knows nothing of what is counted.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::output::aside;
use crate::lab::Event;
use crate::text::{duration, rate};

/// Time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// After this time the rate is known well enough to say how long it takes.
const KNOWN: Duration = Duration::from_secs(2);

/// Whether lines are wanted where a bar could be.
static LINES: AtomicBool = AtomicBool::new(false);

/// Whether progress is told in lines on a terminal too.
pub fn use_lines(lines: bool) {
    LINES.store(lines, Ordering::Relaxed);
}

/// Shows how far a job is.
pub struct Meter {
    label: &'static str,
    bar: Option<ProgressBar>,
    started: Option<Instant>,
    unit: &'static str,
    last_line: Option<Instant>,
    /// Whether a line has said how long it takes.
    estimated: bool,
}

impl Meter {
    /// A meter that shows nothing yet.
    pub fn new() -> Meter {
        Meter { label: "", bar: None, started: None, unit: "", last_line: None, estimated: false }
    }

    /// Takes news: a new piece of work, or how far it is.
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::Working(label) => {
                self.finish();
                let bar = std::io::stderr().is_terminal() && !LINES.load(Ordering::Relaxed);
                let bar = bar.then(|| ProgressBar::new(0));
                *self = Meter { label, bar, ..Meter::new() };
            }
            Event::Progress { done, total, unit } => self.show(*done, *total, unit),
            _ => {}
        }
    }

    fn show(&mut self, done: usize, total: usize, unit: &'static str) {
        let now = Instant::now();
        // Another unit is another piece of work, with a rate of its own.
        if self.unit != unit {
            self.unit = unit;
            self.started = None;
            self.estimated = false;
            if let Some(bar) = &self.bar {
                bar.reset();
            }
        }
        let started = *self.started.get_or_insert(now);
        if let Some(bar) = &self.bar {
            if bar.length() != Some(total as u64) {
                bar.set_length(total as u64);
                bar.set_style(style(unit));
                bar.set_prefix(self.label);
            }
            bar.set_position(done as u64);
            return;
        }
        let passed = now - started;
        let first_estimate = !self.estimated && passed >= KNOWN;
        let due = first_estimate || self.last_line.is_none_or(|last| now - last >= PLAIN_EVERY);
        if due && done < total {
            self.last_line = Some(now);
            self.estimated = passed >= KNOWN;
            let passed = self.estimated.then_some(passed);
            aside(&plain(self.label, (done, total), unit, passed));
        }
    }

    /// Prints a line without disturbing the bar.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| aside(text)),
            None => aside(text),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A line that says how far a job is, with a rate and the time left once they are known
/// from the time that has passed.
fn plain(
    label: &str,
    (done, total): (usize, usize),
    unit: &str,
    passed: Option<Duration>,
) -> String {
    let far = format!("{label}: {done} of {total} {unit}");
    let Some(passed) = passed else { return far };
    let per_second = done as f64 / passed.as_secs_f64().max(1e-9);
    let left = (total - done) as f64 / per_second.max(1e-9);
    format!("{far}, {}, {} left", rate(per_second), duration(left))
}

fn style(unit: &str) -> ProgressStyle {
    let template =
        format!("{{prefix}} {{wide_bar}} {{pos}}/{{len}} {unit}  {{rate:>10}}  {{left:>10}} left");
    ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            let _ = out.write_str(&rate(state.per_sec()));
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn Write| {
            let _ = out.write_str(&duration(state.eta().as_secs_f64()));
        })
        .progress_chars("█▉▊▋▌▍▎▏ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_times_have_sensible_digits() {
        let unit = "batches through layers";
        let line = plain("CKA", (39, 784), unit, Some(Duration::from_secs_f64(1.239_899_022)));
        assert_eq!(line, "CKA: 39 of 784 batches through layers, 31.5/s, 24 s left");
        let line = plain("probes", (3, 11_000), "steps", Some(Duration::from_secs(3)));
        assert_eq!(line, "probes: 3 of 11000 steps, 1.00/s, 3 h 3 min left");
        assert_eq!(plain("CKA", (1, 784), unit, None), "CKA: 1 of 784 batches through layers");
    }
}
