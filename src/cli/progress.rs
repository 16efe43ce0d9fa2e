//! Progress of the lab on standard error: a bar on a terminal, otherwise a plain line now
//! and then. Knows nothing of what is counted.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::output::aside;
use crate::lab::Event;

/// Time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

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
}

impl Meter {
    /// A meter that shows nothing yet.
    pub fn new() -> Meter {
        Meter { label: "", bar: None, started: None, unit: "", last_line: None }
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
        let due = self.last_line.is_none_or(|last| now - last >= PLAIN_EVERY);
        if due && done < total {
            self.last_line = Some(now);
            let seconds = (now - started).as_secs_f64();
            let rate = done as f64 / seconds.max(1e-9);
            let left = (total - done) as f64 / rate.max(1e-9);
            match seconds > 1.0 {
                true => aside(&format!(
                    "{}: {done} of {total} {unit}, {rate:.1} {unit}/s, {left:.0} s left",
                    self.label
                )),
                false => aside(&format!("{}: {done} of {total} {unit}", self.label)),
            }
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

fn style(unit: &str) -> ProgressStyle {
    let template =
        format!("{{prefix}} {{wide_bar}} {{pos}}/{{len}} {unit}  {{per_sec:>12}}  {{eta}} left");
    ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("█▉▊▋▌▍▎▏ ")
}
